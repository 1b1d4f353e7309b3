"""Damage to orders, consignments, receipts, claims and credit notes."""

from tests.audit.damage import case

OUT = "(SELECT id FROM consignment WHERE order_id IS NOT NULL AND state = 'sent')"
BACK_NUMBER = "(SELECT number FROM consignment WHERE kind = 'return')"
OF_RECEIPT = (
    f"(SELECT min(id) FROM goods_receipt WHERE consignment_id = {OUT})"  # the first of them
)

CASES = (
    case(
        "a consignment tells of a card less than it sent",
        "consignment_lines consignment_balance orders_sent",
        f"UPDATE consignment_line SET first_serial = first_serial + 1 WHERE consignment_id = {OUT}",
    ),
    case(
        "a draft is said to have been sent",
        "consignment_lines consignment_balance",
        "UPDATE consignment SET state = 'sent', sent_at = created_at, sent_by = created_by"
        " WHERE state = 'draft'",
    ),
    case(
        "a consignment is said to have gone to somebody else",
        "consignment_lines consignment_balance",
        f"UPDATE consignment SET receiver_id = {{far}} WHERE id = {OUT}",
    ),
    case(
        "cards that are on the way leave their consignment",
        "consignment_lines consignment_balance receipts_tell credit_notes two_persons",
        f"UPDATE stock_movement SET document = NULL WHERE document = {BACK_NUMBER}",
    ),
    case(
        "a consignment is closed while a card is on the way",
        "consignment_balance",
        f"UPDATE consignment SET state = 'closed', closed_at = sent_at WHERE id = {OUT}",
    ),
    case(
        "a claim is on cards that were received",
        "consignment_balance claims_answered",
        f"UPDATE claim SET first_serial = first_serial - 1 WHERE consignment_id = {OUT}"
        " AND state = 'open' AND kind = 'short'",
    ),
    case(
        "two claims are on the same card",
        "consignment_balance claims_answered",
        "INSERT INTO claim (id, number, receipt_id, consignment_id, kind, first_serial,"
        " last_serial, state, owner_party_id, opened_at) SELECT 1, 'CL-1', receipt_id,"
        " consignment_id, kind, first_serial, last_serial, state, owner_party_id, opened_at"
        f" FROM claim WHERE consignment_id = {OUT} AND state = 'open' AND kind = 'short'",
    ),
    case(
        "a receipt tells of a card that nobody received",
        "receipts_tell",
        "UPDATE goods_receipt_line SET last_serial = last_serial + 1"
        f" WHERE receipt_id = {OF_RECEIPT} AND outcome = 'received'",
    ),
    case(
        "a receipt is gone",
        "receipts_tell",
        f"DELETE FROM goods_receipt_line WHERE receipt_id = {OF_RECEIPT}",
    ),
    case(
        "a claim was answered and its history does not say so",
        "claims_answered",
        "DELETE FROM claim_event WHERE state = 'received'",
    ),
    case(
        "a claim has another owner than was ever named",
        "claims_answered",
        "UPDATE claim SET owner_member_id = (SELECT min(id) FROM staff_member)"
        " WHERE kind = 'unexpected'",
    ),
    case(
        "cards of a claim were made void with an agreement to something else",
        "claims_answered",
        "UPDATE claim SET approval_id = (SELECT min(id) FROM approval WHERE kind = 'void')"
        " WHERE state = 'void'",
    ),
    case(
        "a credit note credits a fen too much",
        "credit_notes",
        "UPDATE credit_note SET face_value_fen = face_value_fen + 1, credit_fen = credit_fen + 1",
    ),
    case(
        "a credit note is of another party",
        "credit_notes",
        "UPDATE credit_note SET party_id = {far}",
    ),
    case(
        "a credit note is gone",
        "credit_notes",
        "DELETE FROM credit_note_line",
        "DELETE FROM credit_note",
    ),
    case(
        "more was sent than the supplier agreed to",
        "orders_sent",
        "UPDATE stock_order_line SET approved_count = approved_count - 1"
        " WHERE order_id IN (SELECT id FROM stock_order WHERE state = 'sent')",
    ),
    case(
        "an order was agreed to without saying to how much",
        "orders_sent",
        "UPDATE stock_order_line SET approved_count = NULL"
        " WHERE order_id IN (SELECT id FROM stock_order WHERE state = 'approved')",
    ),
    case(
        "an order has no lines",
        "orders_sent",
        "DELETE FROM stock_order_line"
        " WHERE order_id IN (SELECT id FROM stock_order WHERE state = 'requested')",
    ),
    case(
        "a return of sold cards went with an agreement to another consignment",
        "two_persons",
        "UPDATE stock_movement SET approval_id = (SELECT min(id) FROM approval"
        f" WHERE kind = 'void' AND state = 'agreed') WHERE document = {BACK_NUMBER}"
        " AND move = 'return'",
    ),
)
