"""Damage to the books, to what second persons agreed to, to counts of wrong PINs."""

from tests.audit.damage import booked, case

CARRIED = "(SELECT id FROM journal_entry WHERE event = 'opening')"
ACTIVATION = "(SELECT min(id) FROM journal_entry WHERE event = 'activation')"
MIRROR = "(SELECT id FROM journal_entry WHERE reference = 'bank 2 again')"
THIRD = "'tel:+8613800000103'"

CASES = (
    # The books
    case(
        "an entry has no postings",
        "entries_complete",
        f"DELETE FROM posting WHERE entry_id = {CARRIED}",
    ),
    case(
        "a posting belongs to no entry",
        "entries_complete",
        f"UPDATE posting SET entry_id = 3 WHERE entry_id = {CARRIED}",
        "DELETE FROM journal_entry WHERE event = 'opening'",
        loose="posting journal_entry",
    ),
    case(
        "a posting takes instead of giving",
        "entries_complete",
        f"UPDATE posting SET amount_fen = -amount_fen WHERE entry_id = {CARRIED}",
        loose="posting",
    ),
    case(
        "a posting stands on an account that the chart does not have",
        "trial_balance",
        f"UPDATE posting SET debit = 9999 WHERE entry_id = {CARRIED}",
        loose="posting",
    ),
    case(
        "a receivable is nobody's",
        "trial_balance",
        f"UPDATE posting SET party_id = NULL WHERE entry_id = {CARRIED}",
    ),
    case(
        "a reversal takes back another sum",
        "reversals_mirror",
        f"UPDATE posting SET amount_fen = 600 WHERE entry_id = {MIRROR}",
    ),
    case(
        "a reversal is itself reversed",
        "reversals_mirror",
        *booked(1002, 2242, 700),
        "UPDATE posting SET party_id = NULL WHERE id = 2",
        f"UPDATE journal_entry SET reverses = {MIRROR} WHERE id = 2",
    ),
    case(
        "an entry is reversed twice",
        "reversals_mirror",
        *booked(2242, 1002, 700),
        "UPDATE posting SET party_id = NULL WHERE id = 2",
        "UPDATE journal_entry SET reverses = (SELECT reverses FROM journal_entry"
        f" WHERE id = {MIRROR}) WHERE id = 2",
        loose="journal_entry",
    ),
    case(
        "a balance is higher than what was posted",
        "account_balances",
        "UPDATE electricity_account SET balance_fen = balance_fen + 1 WHERE number = '4200000003'",
    ),
    case(
        "money was posted to an account that does not exist",
        "account_balances",
        *booked(2242, 2203, 100),
        "UPDATE posting SET account_number = '9999999999' WHERE id = 2",
        loose="posting",
    ),
    case(
        "a late fee was charged on a bill that does not exist",
        "bill_payments",
        *booked(1123, 6051, 100),
        "UPDATE posting SET account_number = '4200000003', bill_id = 77 WHERE id = 2",
    ),
    case(
        "a bill says more was paid than was posted",
        "bill_payments",
        "UPDATE bill SET paid_principal_fen = paid_principal_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a bill asks for more than was imported",
        "bill_payments",
        "UPDATE bill SET principal_fen = principal_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a late fee was charged past the books",
        "bill_payments",
        "UPDATE bill SET charged_fee_fen = charged_fee_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a paid bill is open again",
        "bill_states",
        "UPDATE bill SET state = 'open' WHERE bill_number = 'B1'",
    ),
    case(
        "a bill is paid with money still owed",
        "bill_states",
        "UPDATE bill SET state = 'paid' WHERE bill_number = 'B3'",
        loose="bill",
    ),
    # The money of moves
    case(
        "a movement tells another commission than was posted",
        "movement_money",
        "UPDATE stock_movement SET commission_fen = 0 WHERE move = 'activate'"
        " AND first_serial = {c0}",
    ),
    case(
        "another party owes for the cards",
        "movement_money",
        f"UPDATE posting SET party_id = {{city}} WHERE entry_id = {ACTIVATION}",
    ),
    case(
        "cards were activated for nothing",
        "movement_money",
        "UPDATE stock_movement SET price_fen = NULL, commission_fen = NULL, entry_id = NULL"
        " WHERE move = 'activate' AND first_serial = {c0}",
    ),
    case(
        "cards came back for nobody's credit",
        "movement_money",
        "UPDATE stock_movement SET owing_party_id = NULL WHERE move = 'return'",
    ),
    case(
        "an activation moved no card",
        "movement_money",
        *booked(1122, 1002, 5_000, event="activation"),
    ),
    # Second persons
    case(
        "somebody refused his own request",
        "not_own_request",
        "UPDATE approval SET decider_person_id = requester_person_id WHERE state = 'refused'",
        loose="approval",
    ),
    case(
        "somebody agreed to his own batch",
        "not_own_request two_persons",
        "UPDATE approval SET decider_person_id = requester_person_id, decided_by = requested_by"
        " WHERE id = (SELECT approval_id FROM batch_order WHERE id ="
        " (SELECT order_id FROM batch WHERE id = {big}))",
        loose="approval",
    ),
    case(
        "somebody agreed to his own order",
        "not_own_request",
        "UPDATE stock_order SET decided_by = requested_by WHERE state = 'sent'",
    ),
    case(
        "an account passes to another person",
        "not_own_request",
        "UPDATE staff_member SET person_id = (SELECT person_id FROM staff_member"
        " WHERE username = 'auditor') WHERE username = 'finance'",
    ),
    case(
        "the text of a request is changed afterwards",
        "approval_texts",
        "UPDATE approval SET content = content || ' ' WHERE state = 'refused'",
    ),
    case(
        "cards were made void by one person",
        "two_persons",
        "UPDATE stock_movement SET approval_id = NULL WHERE move = 'void'",
    ),
    case(
        "a batch was made that was refused",
        "two_persons",
        "UPDATE approval SET state = 'refused' WHERE id = (SELECT approval_id FROM batch_order"
        " WHERE id = (SELECT order_id FROM batch WHERE id = {big}))",
    ),
    case(
        "a print file was handed out by one person",
        "two_persons",
        "UPDATE batch SET export_approval_id = NULL WHERE id = {big}",
    ),
    case(
        "a printer's key was exchanged",
        "two_persons",
        "UPDATE printer SET public_key = 'age1mine'",
    ),
    # Wrong PINs
    case(
        "a caller's wrong PINs are forgotten",
        "tries_counted",
        f"UPDATE caller SET wrong_today = 0 WHERE identity = {THIRD}",
    ),
    case(
        "a caller is blamed for tries that he did not make",
        "tries_counted",
        f"UPDATE caller SET wrong_in_row = 9 WHERE identity = {THIRD}",
    ),
    case(
        "tries are not on record",
        "tries_counted",
        f"DELETE FROM attempt WHERE caller = {THIRD}",
    ),
    case(
        "a refusal is not on record",
        "tries_counted",
        "DELETE FROM request WHERE code = 'pin_malformed'",
    ),
    case(
        "a lock ends too early",
        "caller_locks",
        f"UPDATE caller SET locked_until = last_lock_at WHERE identity = {THIRD}",
    ),
    case(
        "a lock is forgotten",
        "caller_locks",
        f"UPDATE caller SET locked_rule = NULL, locked_until = NULL WHERE identity = {THIRD}",
    ),
    case(
        "a lock is not on record",
        "caller_locks",
        f"DELETE FROM caller_lock WHERE caller = {THIRD}",
    ),
)
