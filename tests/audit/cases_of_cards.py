"""Damage to batches, cards, redemptions and movements."""

from tests.audit.damage import booked, case, redeemed

C0_ENTRY = "(SELECT entry_id FROM redemption WHERE serial = {c0})"

CASES = (
    # Cards
    case(
        "the ledger owes more than the cards are worth",
        "voucher_liability",
        *booked(2242, 2204, 5_000),
    ),
    case(
        "an active lot becomes unsold behind everybody's back",
        "voucher_liability movements_give_lots stock_adds_up",
        "UPDATE lot SET stage = 'stocked', activated_on = NULL WHERE first_serial = {c15}",
    ),
    case(
        "a batch has fewer cards than were requested",
        "batch_counts vouchers_complete",
        "UPDATE batch SET generated_count = 59 WHERE id = {big}",
        loose="batch",
    ),
    case(
        "a delivered card is forgotten",
        "batch_counts",
        "UPDATE batch SET delivered_count = delivered_count - 1 WHERE id = {big}",
    ),
    case(
        "a batch that nobody has generated counts a card",
        "batch_counts",
        "UPDATE batch SET generated_count = 1 WHERE id = {approved}",
    ),
    case(
        "a card is missing",
        "vouchers_complete",
        "DELETE FROM voucher WHERE serial = {c57}",
    ),
    case(
        "a card is too many",
        "vouchers_complete",
        "INSERT INTO voucher (serial, batch_id, pin_tag)"
        " VALUES ({c59} + 1, {big}, '00000000000000000000000000000001')",
    ),
    case(
        "a card is said to be of another batch",
        "vouchers_complete",
        "UPDATE voucher SET batch_id = {generated} WHERE serial = {c57}",
        loose="voucher",
    ),
    case(
        "a batch that nobody has generated has a card",
        "vouchers_complete",
        "INSERT INTO voucher (serial, batch_id, pin_tag)"
        " VALUES ({approved} * 100000, {approved}, '00000000000000000000000000000001')",
    ),
    case(
        "a lot ends too early",
        "lots_tile movements_give_lots stock_adds_up",
        "UPDATE lot SET last_serial = last_serial - 1 WHERE first_serial = {c51}",
    ),
    case(
        "a lot begins where another one has not ended",
        "lots_tile stock_adds_up",
        "UPDATE lot SET first_serial = first_serial - 1 WHERE first_serial = {c58}",
        loose="lot",
    ),
    case(
        "a batch has lost its lot",
        "lots_tile movements_give_lots stock_adds_up batch_counts",
        "DELETE FROM lot WHERE batch_id = {generated}",
    ),
    case(
        "a batch that nobody has generated has a lot",
        "lots_tile movements_give_lots stock_adds_up",
        "INSERT INTO lot (first_serial, last_serial, batch_id, stage, holder_id, expires_on,"
        " version) SELECT first_serial, first_serial + size - 1, id, 'stocked', {outlet},"
        " expires_on, 1 FROM batch WHERE id = {approved}",
    ),
    case(
        "a batch that failed can be sold",
        "lots_tile movements_give_lots stock_adds_up",
        "UPDATE lot SET stage = 'stocked' WHERE batch_id = {failed}",
    ),
    case(
        "a card is replaced by none",
        "replacements cards_handed_out",
        "INSERT INTO voucher_hold (serial, hold, reason, at)"
        " SELECT {c57}, 'replaced', 'torn', at FROM voucher_hold LIMIT 1",
        loose="voucher_hold",
    ),
    case(
        "a card is replaced by one of another value",
        "replacements cards_handed_out",
        "INSERT INTO voucher_hold (serial, hold, replaced_by, reason, at)"
        " SELECT {c57}, 'replaced', (SELECT max(serial) FROM voucher), 'torn', at"
        " FROM voucher_hold LIMIT 1",
    ),
    # Redemptions
    case(
        "a card is redeemed twice, properly each time",
        "one_redemption_per_card",
        *redeemed("c0"),
        loose="redemption",
    ),
    case(
        "two redemptions have one receipt number",
        "one_redemption_per_card redemption_entries redeemed_answers",
        "UPDATE redemption SET receipt_number ="
        " (SELECT receipt_number FROM redemption WHERE serial = {c1}) WHERE serial = {c0}",
        loose="redemption",
    ),
    case(
        "a redeemed card does not exist",
        "one_redemption_per_card vouchers_complete",
        "DELETE FROM voucher WHERE serial = {c0}",
        loose="voucher",
    ),
    case(
        "a card is redeemed before its activation",
        "redeemed_while_active redeemed_packs",
        "UPDATE redemption SET at = (SELECT min(at) FROM stock_movement) WHERE serial = {c0}",
    ),
    case(
        "a card is redeemed that was never activated",
        "redeemed_while_active voucher_liability",
        *redeemed("c27"),
    ),
    case(
        "a card is redeemed after it was taken back",
        "redeemed_while_active voucher_liability",
        *redeemed("c6"),
    ),
    case(
        "a card is redeemed after it was made void",
        "redeemed_while_active",
        "UPDATE redemption SET at = (SELECT max(at) FROM attempt) WHERE serial = {c11}",
    ),
    case(
        "a used card was taken back",
        "redeemed_while_active",
        "UPDATE stock_movement SET at = (SELECT max(at) FROM attempt) WHERE move = 'deactivate'",
    ),
    case(
        "a redemption gave less than the face value",
        "redemption_entries",
        "UPDATE redemption SET face_fen = 2000 WHERE serial = {c0}",
    ),
    case(
        "the entry of a redemption moves another sum",
        "redemption_entries voucher_liability account_balances",
        f"UPDATE posting SET amount_fen = 4000 WHERE debit = 2204 AND entry_id = {C0_ENTRY}",
    ),
    case(
        "the entry of a redemption credits another account",
        "redemption_entries account_balances",
        "UPDATE posting SET account_number = '4200000003'"
        f" WHERE debit = 2204 AND entry_id = {C0_ENTRY}",
    ),
    case(
        "a redemption is gone, its money is not",
        "redemption_entries redeemed_answers voucher_liability",
        "DELETE FROM redemption WHERE serial = {c0}",
    ),
    case(
        "a customer was told 'redeemed' about a card that is not",
        "redeemed_answers",
        "INSERT INTO request (channel, sender, key, digest, key_version, code, answer, serial, at)"
        " SELECT channel, sender, 'more', digest, 1, code, answer, {c20}, at FROM request"
        " WHERE serial = {c0} AND code = 'redeemed'",
    ),
    case(
        "the answer of a redemption is gone",
        "redeemed_answers",
        "DELETE FROM request WHERE code = 'redeemed' AND serial = {c0}",
    ),
    case(
        "the customer was told another receipt number",
        "redeemed_answers",
        "UPDATE request SET answer = 'nothing' WHERE code = 'redeemed' AND serial = {c0}",
    ),
    # Counters
    case(
        "a counter forgets the cards of its pack",
        "redeemed_packs",
        "DELETE FROM redeemed_pack",
    ),
    case(
        "a counter counts a card twice",
        "redeemed_packs",
        "UPDATE redeemed_pack SET cards = cards + 1",
    ),
    case(
        "a redemption appears behind the watermark",
        "redeemed_packs",
        "UPDATE watermark SET at = (SELECT max(at) FROM redemption)",
    ),
    # Movements
    case(
        "a lot expires on a day that no movement gave it",
        "movements_give_lots",
        "UPDATE lot SET expires_on = '2099-12-31' WHERE first_serial = {c20}",
        "UPDATE lot SET expires_on = '2099-12-31' WHERE first_serial = {c50}",
    ),
    case(
        "a movement begins where the cards were not",
        "movements_follow",
        "UPDATE stock_movement SET from_hold = 'lost' WHERE move = 'release'",
    ),
    case(
        "cards left a party that did not have them",
        "stock_adds_up movements_follow",
        "UPDATE stock_movement SET from_holder = {outlet2} WHERE move = 'transfer'",
    ),
    case(
        "a lot is held by another party",
        "stock_adds_up movements_give_lots",
        "UPDATE lot SET holder_id = {outlet2} WHERE first_serial = {c50}",
    ),
    case(
        "a movement is gone",
        "movements_give_lots stock_adds_up movements_follow movement_money redeemed_while_active",
        "DELETE FROM stock_movement WHERE move = 'activate' AND batch_id = {big}"
        " AND first_serial = {c0}",
    ),
    case(
        "returns clearing holds money of no card",
        "returns_clearing",
        *booked(2242, 2241, 5_000),
    ),
)
