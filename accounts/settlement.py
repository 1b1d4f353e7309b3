"""What an allocation writes: postings for the books, and the new state of the bills."""

from collections.abc import Iterable

from sqlalchemy import bindparam, update

from accounts.allocation import Allocation, Bill, BillPayment
from accounts.ledger import LedgerCode, Posting
from accounts.tables import bill
from core.db import Session
from core.errors import TryLater

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
    rows = [_row(first[bill_id], last[bill_id]) for bill_id in sorted(last)]
    if rows and session.execute(_UPDATE, rows).rowcount != len(rows):
        raise BillMoved("a bill changed meanwhile, try again")


def _moves(payment: BillPayment) -> tuple[tuple[LedgerCode, LedgerCode, int], ...]:
    receivable, account = LedgerCode.BILL_RECEIVABLE, LedgerCode.ELECTRICITY_ACCOUNT
    return (
        (receivable, LedgerCode.LATE_FEE_INCOME, payment.charged_fee_fen),
        (account, receivable, payment.paid_fee_fen),
        (account, receivable, payment.paid_principal_fen),
    )


_UPDATE = (
    update(bill)
    .where(
        bill.c.id == bindparam("bill_id"),
        bill.c.state == "open",
        bill.c.paid_principal_fen == bindparam("principal_before_fen"),
        bill.c.paid_fee_fen == bindparam("fee_before_fen"),
        bill.c.charged_fee_fen == bindparam("charged_before_fen"),
    )
    .values(
        paid_principal_fen=bindparam("principal_after_fen"),
        paid_fee_fen=bindparam("fee_after_fen"),
        charged_fee_fen=bindparam("charged_after_fen"),
        fee_counted_to=bindparam("counted_after"),
        state=bindparam("state_after"),
    )
)


def _row(before: Bill, after: Bill) -> dict[str, object]:
    return {
        "bill_id": before.id,
        "principal_before_fen": before.paid_principal_fen,
        "fee_before_fen": before.paid_fee_fen,
        "charged_before_fen": before.charged_fee_fen,
        "principal_after_fen": after.paid_principal_fen,
        "fee_after_fen": after.paid_fee_fen,
        "charged_after_fen": after.charged_fee_fen,
        "counted_after": after.fee_counted_to,
        "state_after": after.state,
    }
