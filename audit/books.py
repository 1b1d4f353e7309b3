"""SQL over the ledger: what postings add to an account."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, or_, select

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.ranges import total
from core.db import Session


def credited(code: LedgerCode) -> ColumnElement[int]:
    """Return what a posting adds on the credit side of an account, in fen; below 0: debited."""
    return case(
        (posting.c.credit == int(code), posting.c.amount_fen),
        (posting.c.debit == int(code), -posting.c.amount_fen),
        else_=0,
    )


def touches(code: LedgerCode) -> ColumnElement[bool]:
    """Return whether a posting debits or credits the account."""
    return or_(posting.c.credit == int(code), posting.c.debit == int(code))


def between(one: LedgerCode, other: LedgerCode) -> ColumnElement[int]:
    """Return what a posting moves from `one` (debit) to `other` (credit), in fen; mirrored: < 0."""
    return case(
        ((posting.c.debit == int(one)) & (posting.c.credit == int(other)), posting.c.amount_fen),
        ((posting.c.debit == int(other)) & (posting.c.credit == int(one)), -posting.c.amount_fen),
        else_=0,
    )


def credit_balance_fen(session: Session, code: LedgerCode, as_of: datetime | None = None) -> int:
    """Return an account's credits less its debits, in fen, as of an instant (None: now)."""
    balance = select(total(credited(code))).where(touches(code))
    if as_of is not None:
        balance = balance.join(journal_entry, journal_entry.c.id == posting.c.entry_id).where(
            journal_entry.c.at <= as_of
        )
    return int(session.execute(balance).scalar_one())
