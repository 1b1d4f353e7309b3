"""Damage to what customer service did: replaced, reversed, reissued and proven cards."""

from tests.audit.damage import case

REVERSAL = "(SELECT entry_id FROM redemption_reversal)"
C21_ENTRY = "(SELECT entry_id FROM redemption WHERE serial = {c21})"

CASES = (
    case(
        "a replacing card was handed out for nobody's card",
        "cards_handed_out voucher_liability",
        "DELETE FROM voucher_hold WHERE serial = {c20}",
    ),
    case(
        "a card was replaced by one that was sold for itself",
        "cards_handed_out",
        "UPDATE voucher_hold SET replaced_by = {c23} WHERE serial = {c20}",
    ),
    case(
        "a replaced card was exchanged for another old one",
        "cards_handed_out voucher_liability",
        "UPDATE voucher_hold SET serial = {c57} WHERE serial = {c20}",
    ),
    case(
        "a card was handed out for a reversal that names another",
        "cards_handed_out",
        "UPDATE redemption_reversal SET reissued_as = {c23}",
    ),
    case(
        "a card was replaced by one person",
        "two_persons",
        "UPDATE stock_movement SET approval_id = NULL WHERE move = 'replace'",
    ),
    case(
        "a reversal is forgotten",
        "redemptions_reversed cards_handed_out",
        "DELETE FROM redemption_reversal",
    ),
    case(
        "a reversal gives the money to somebody else",
        "redemptions_reversed account_balances",
        f"UPDATE posting SET account_number = '4200000001' WHERE entry_id = {REVERSAL}"
        " AND credit = 2242",
    ),
    case(
        "a reversal leaves the bills of its redemption paid",
        "redemptions_reversed bill_payments account_balances",
        f"DELETE FROM posting WHERE entry_id = {REVERSAL} AND bill_id IS NOT NULL",
    ),
    case(
        "a reversal is told under another receipt",
        "redemptions_reversed",
        f"UPDATE journal_entry SET reference = '25061100000999' WHERE id = {REVERSAL}",
    ),
    case(
        "a redemption was reversed by one person",
        "redemptions_reversed",
        "UPDATE approval SET state = 'refused' WHERE kind = 'reverse_redemption'",
    ),
    case(
        "a card was redeemed at the counter without proof",
        "cards_proven",
        "UPDATE card_proof SET outcome = 'not_proven' WHERE serial = {c22}",
    ),
    case(
        "a card was redeemed at the counter by one person",
        "cards_proven",
        "UPDATE approval SET state = 'refused' WHERE kind = 'redeem_proven'",
    ),
    case(
        "a card was tried six times",
        "cards_proven",
        "INSERT INTO card_proof (serial, number, member_id, at, outcome)"
        " SELECT {c23}, 6, member_id, at, 'not_proven' FROM card_proof",
        *(
            "INSERT INTO card_proof (serial, number, member_id, at, outcome)"
            f" SELECT {{c23}}, {number}, member_id, at, 'not_proven' FROM card_proof LIMIT 1"
            for number in range(1, 6)
        ),
        loose="card_proof",
    ),
)
