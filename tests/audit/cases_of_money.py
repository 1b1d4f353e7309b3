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
        " WHERE reference = 'BANK-OF-1')",
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
)
