"""Damage to payments, contracts and settlements."""

from tests.audit.damage import booked, case

PAID = "(SELECT entry_id FROM payment WHERE reference = 'BANK-OF-1')"

CASES = (
    case(
        "a bank reference pays a second time",
        "payments_posted",
        *booked(1002, 1122, 20_000, event="payment"),
        "INSERT INTO payment (id, reference, party_id, amount_fen, paid_on, entry_id, member_id,"
        " at) SELECT 1, reference, party_id, amount_fen, paid_on, 2, member_id, at FROM payment"
        " WHERE reference = 'BANK-OF-1'",
        loose="payment",
    ),
    case(
        "a payment says more than was posted",
        "payments_posted",
        "UPDATE payment SET amount_fen = amount_fen + 1 WHERE reference = 'BANK-OF-1'",
    ),
    case(
        "a payment was posted for another party",
        "payments_posted",
        f"UPDATE posting SET party_id = {{far}} WHERE entry_id = {PAID}",
    ),
    case(
        "a payment is posted that nobody recorded",
        "payments_posted",
        *booked(1002, 1122, 20_000, event="payment"),
    ),
    case(
        "a payment bounced and nothing tells of it",
        "payments_posted",
        "DELETE FROM payment_reversal",
    ),
    case(
        "a payment is said to have bounced and was not taken back",
        "payments_posted",
        "UPDATE payment_reversal SET payment_id = (SELECT id FROM payment"
        " WHERE reference = 'BANK-OF-1') WHERE payment_id = (SELECT id FROM payment"
        " WHERE reference = 'BANK-OF-2')",
    ),
    case(
        "a credit limit is raised past its history",
        "contract_history",
        "UPDATE contract SET limit_fen = limit_fen + 1",
    ),
    case(
        "an old form of a contract is gone",
        "contract_history",
        "UPDATE contract SET version = version + 1",
        "UPDATE contract_version SET version = version + 1",
        loose="commission contract_version",
    ),
    case(
        "a party was sold to past its limit",
        "exposure_within_limit contract_history",
        "UPDATE contract SET sale_model = 'prepaid'",
    ),
    case(
        "a credit limit lies below what was sold",
        "exposure_within_limit",
        "UPDATE contract_version SET limit_fen = 0, owed_fen = 0 WHERE sale_model = 'credit'",
        "UPDATE contract SET limit_fen = 0 WHERE sale_model = 'credit'",
    ),
    case(
        "an adjustment was made by one person",
        "adjustments_agreed not_own_request",
        "UPDATE approval SET decider_person_id = requester_person_id WHERE kind = 'adjustment'",
        loose="approval",
    ),
    case(
        "an adjustment says less than was posted",
        "adjustments_agreed",
        "UPDATE adjustment SET amount_fen = amount_fen - 1",
    ),
    case(
        "an adjustment is posted that nobody asked for",
        "adjustments_agreed",
        *booked(2242, 1122, 700, event="adjustment"),
        "UPDATE posting SET party_id = {far} WHERE id = 2",
    ),
    case(
        "something is posted into a closed month",
        "settlements_in_books",
        *booked(2242, 1122, 700),
        "UPDATE posting SET party_id = {outlet2} WHERE id = 2",
        "UPDATE journal_entry SET at = (SELECT min(closed_at) FROM settlement) WHERE id = 2",
    ),
    case(
        "a line of a closed month is gone",
        "settlements_in_books settlements_unchanged",
        "DELETE FROM settlement_line WHERE kind = 'payment'",
    ),
    case(
        "a reason in a closed month is changed",
        "settlements_unchanged",
        "UPDATE settlement_line SET reason = 'another' WHERE kind = 'adjustment'",
    ),
    case(
        "a closed month does not follow the one before",
        "settlements_in_books",
        "UPDATE settlement SET previous_id = NULL",
        loose="settlement",
    ),
)
