"""What an allocation writes: postings for the books, and the new state of the bills."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accounts.allocation import Allocation, Bill, BillPayment
from accounts.ledger import LedgerCode, Posting
from accounts.tables import bill
from core.db import Session
from core.errors import TryLater
from core.sets import update_rows

BILL_SETTLED = "bill settled"


class BillMoved(TryLater):
    """A bill is no longer as the allocation saw it; its account was not locked."""


def settlement_postings(account_number: str, allocation: Allocation) -> tuple[Posting, ...]:
    """Return the postings of an allocation: late fees charged, then fees and principals paid."""
    postings: list[Posting] = []
    for payment in allocation.payments:
        bill_id = payment.bill_before.id
        for debit, credit, amount_fen in _moves(payment):
            if amount_fen > 0:
                postings.append(Posting(debit, credit, amount_fen, None, account_number, bill_id))
    return tuple(postings)


def save_bill_payments(session: Session, allocations: Iterable[Allocation]) -> None:
    """Store what the allocations made of the bills, in one statement.

    The accounts must be locked. A bill paid by several of them takes its last state; raises
    BillMoved where a bill is not as the first of them saw it.
    """
    first: dict[int, Bill] = {}
    last: dict[int, Bill] = {}
    for allocation in allocations:
        for payment in allocation.payments:
            first.setdefault(payment.bill_before.id, payment.bill_before)
            last[payment.bill_after.id] = payment.bill_after
    update_bills(session, [_row(first[bill_id], last[bill_id]) for bill_id in sorted(last)])


def update_bills(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store bills by rows of `update_rows` that say what they were; else raise BillMoved."""
    moved = BillMoved("a bill changed meanwhile, try again")
    update_rows(session, bill, "id", rows, missing=moved)


def _moves(payment: BillPayment) -> tuple[tuple[LedgerCode, LedgerCode, int], ...]:
    receivable, account = LedgerCode.BILL_RECEIVABLE, LedgerCode.ELECTRICITY_ACCOUNT
    return (
        (receivable, LedgerCode.LATE_FEE_INCOME, payment.charged_fee_fen),
        (account, receivable, payment.paid_fee_fen),
        (account, receivable, payment.paid_principal_fen),
    )


def _row(before: Bill, after: Bill) -> dict[str, object]:
    return {
        "id": before.id,
        "was_state": "open",
        "was_paid_principal_fen": before.paid_principal_fen,
        "was_paid_fee_fen": before.paid_fee_fen,
        "was_charged_fee_fen": before.charged_fee_fen,
        "paid_principal_fen": after.paid_principal_fen,
        "paid_fee_fen": after.paid_fee_fen,
        "charged_fee_fen": after.charged_fee_fen,
        "fee_counted_to": after.fee_counted_to,
        "state": after.state,
    }
