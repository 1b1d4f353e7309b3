"""Small makers and readers of money rows, shared by the tests that need a database."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from accounts.allocation import Allocation
from accounts.balances import add_to_balances, read_account
from accounts.ledger import Entry, LedgerCode, Posting, balance_changes, post, trial_balance
from accounts.settlement import save_bill_payments, settlement_postings
from accounts.tables import bill, electricity_account, posting
from core.db import Database, Session
from tests import factories
from tests.accounts.bills import DUE_ON

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2025, 4, 10, 4, 0, tzinfo=UTC)
"""Noon of 2025-04-10 in Shanghai."""


def make_account(db: Database, number: str, balance_fen: int = 0, kind: str = "residential") -> str:
    """Write an account whose balance, if any, was redeemed from a card."""
    with db.write() as session:
        factories.make_electricity_account(session, number, kind)
        if balance_fen:
            top_up(session, number, balance_fen)
    return number


def top_up(
    session: Session,
    number: str,
    amount_fen: int,
    source: LedgerCode = LedgerCode.VOUCHER_LIABILITY,
) -> int:
    """Add to a balance with its posting; return the entry's id."""
    value = Posting(
        source,
        LedgerCode.ELECTRICITY_ACCOUNT,
        amount_fen,
        account_number=number,
    )
    entry = Entry(session.new_id(), "redemption", "25041000000001", (value,))
    post(session, [entry], ZONE)
    add_to_balances(session, {number: amount_fen})
    return entry.id


def make_bill(
    db: Database,
    number: str,
    principal_fen: int = 100_000,
    due_on: date = DUE_ON,
    state: str = "open",
) -> int:
    """Write a bill of which nothing was paid yet; return its id."""
    with db.write() as session:
        return factories.make_bill(session, number, principal_fen, due_on, state)


def pay(session: Session, number: str, allocation: Allocation) -> None:
    """Write all that a payment of `allocation.paid_fen` from a balance is."""
    postings = settlement_postings(number, allocation)
    post(session, [Entry(session.new_id(), "bill settled", number, postings)], ZONE)
    save_bill_payments(session, [allocation])
    add_to_balances(session, {number: -allocation.paid_fen})


def stored_bill(db: Database, bill_id: int) -> Any:
    """Return the row of a bill."""
    with db.read() as session:
        return session.execute(select(bill).where(bill.c.id == bill_id)).one()


def balance_fen(db: Database, number: str) -> int:
    """Return the stored balance of an account."""
    with db.read() as session:
        return read_account(session, number).balance_fen


def count(db: Database, table: Any) -> int:
    """Return how many rows a table has."""
    with db.read() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def assert_books_agree(db: Database) -> None:
    """Debits equal credits; balances and the bills' paid sums equal their postings."""
    with db.read() as session:
        rows = trial_balance(session)
        assert sum(row.debit_fen for row in rows) == sum(row.credit_fen for row in rows)
        postings = _all_postings(session)
        stored = session.execute(
            select(electricity_account.c.number, electricity_account.c.balance_fen)
        )
        changes = balance_changes(postings)
        assert {n: fen for n, fen in stored if fen} == {n: fen for n, fen in changes.items() if fen}
        for row in session.execute(select(bill)):
            own = [item for item in postings if item.bill_id == row.id]
            assert row.charged_fee_fen == _sum(own, credit=LedgerCode.LATE_FEE_INCOME)
            paid = _sum(own, credit=LedgerCode.BILL_RECEIVABLE)
            assert row.paid_fee_fen + row.paid_principal_fen == paid


def _sum(postings: list[Posting], credit: LedgerCode) -> int:
    return sum(item.amount_fen for item in postings if item.credit == credit)


def _all_postings(session: Session) -> list[Posting]:
    columns = [posting.c[name] for name in Posting.__struct_fields__]
    return [Posting(*row) for row in session.execute(select(*columns))]
