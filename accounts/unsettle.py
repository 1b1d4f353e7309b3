"""Undoing what one entry did to bills: its postings mirrored, the bills as if it had not been.

Which part of a payment was late fee and which principal is told by replaying the bill's postings:
a payment clears the fee first, always. A late fee that the entry charged is taken back as well;
the fee is then counted on from the last payment that remains, so that no day costs twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from accounts.ledger import LedgerCode, Posting
from accounts.settlement import update_bills
from accounts.tables import bill, journal_entry, posting
from core.db import Session
from core.errors import DomainError

UNDONE = "redemption_reversal"
"""The event of an entry that undoes the one of the same reference."""


class BillPaidSince(DomainError):
    """A later payment cleared a late fee that this one charged; undo the later one first."""

    code = "bill_paid_since"


class BillWithBank(DomainError):
    """A bill is out with a bank for debit; take it back first."""

    code = "bill_with_bank"


@dataclass(frozen=True, slots=True)
class Part:
    """What one entry did to one bill: fee charged, fee paid, principal paid, in fen."""

    charged_fen: int = 0
    fee_fen: int = 0
    principal_fen: int = 0
    day: date | None = None

    @property
    def paid_fen(self) -> int:
        """All that the entry paid on the bill."""
        return self.fee_fen + self.principal_fen


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing an entry does to one bill; `counted_to` is the day fees are then counted to."""

    bill_id: int
    bill_number: str
    part: Part
    counted_to: date | None
    row: Row[Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A posting on a bill, as the replay reads it: charged or paid, by which entry."""

    entry_id: int
    event: str
    reference: str
    day: date
    charged_fen: int
    paid_fen: int


def replay_parts(lines: Iterable[Line]) -> dict[int, Part]:
    """Return what each entry did that was not undone since, by its id, oldest first. Pure."""
    parts: dict[int, Part] = {}
    by_reference: dict[str, int] = {}
    for entry in _by_entry(lines):
        first = entry[0]
        if first.event == UNDONE:
            parts.pop(by_reference[first.reference], None)
            continue
        charged_fen = sum(line.charged_fen for line in entry)
        paid_fen = sum(line.paid_fen for line in entry)
        open_fee_fen = charged_fen + sum(p.charged_fen - p.fee_fen for p in parts.values())
        fee_fen = min(paid_fen, open_fee_fen)
        parts[first.entry_id] = Part(charged_fen, fee_fen, paid_fen - fee_fen, first.day)
        by_reference[first.reference] = first.entry_id
    return parts


def plan_undoing(session: Session, entry_id: int) -> list[Undoing]:
    """Return what undoing an entry does to its bills, in their order; the account is locked.

    Raises BillPaidSince, BillWithBank.
    """
    of_entry = select(posting.c.bill_id).where(
        posting.c.entry_id == entry_id, posting.c.bill_id.is_not(None)
    )
    rows = session.execute(select(bill).where(bill.c.id.in_(of_entry)).order_by(bill.c.id)).all()
    return [_undoing(row, replay_parts(_lines(session, row.id)), entry_id) for row in rows]


def mirror_postings(session: Session, entry_id: int) -> tuple[Posting, ...]:
    """Return the mirror of an entry's postings on bills, the last one first."""
    rows = session.execute(
        select(posting)
        .where(posting.c.entry_id == entry_id, posting.c.bill_id.is_not(None))
        .order_by(posting.c.id.desc())
    )
    return tuple(
        Posting(
            LedgerCode(row.credit),
            LedgerCode(row.debit),
            row.amount_fen,
            row.party_id,
            row.account_number,
            row.bill_id,
        )
        for row in rows
    )


def save_undoings(session: Session, undoings: Sequence[Undoing]) -> None:
    """Store the bills as the undoing leaves them; raises BillMoved."""
    update_bills(session, [_update_row(item) for item in undoings])


def _by_entry(lines: Iterable[Line]) -> Iterable[list[Line]]:
    entries: dict[int, list[Line]] = {}
    for line in lines:
        entries.setdefault(line.entry_id, []).append(line)
    return entries.values()


def _lines(session: Session, bill_id: int) -> list[Line]:
    rows = session.execute(
        select(
            posting, journal_entry.c.event, journal_entry.c.reference, journal_entry.c.business_day
        )
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(
            posting.c.bill_id == bill_id,
            # The bill's own account: there the index is.
            posting.c.account_number
            == select(bill.c.account_number).where(bill.c.id == bill_id).scalar_subquery(),
        )
        .order_by(posting.c.id)
    )
    return [
        Line(row.entry_id, row.event, row.reference, row.business_day, *_sums(row))
        for row in rows
        if LedgerCode.UTILITY_PAYABLE not in (row.debit, row.credit)
    ]


def _sums(row: Row[Any]) -> tuple[int, int]:
    """Return what a posting charges and what it pays; what a mirror takes back counts as 0."""
    if row.credit == LedgerCode.LATE_FEE_INCOME:
        return row.amount_fen, 0
    return 0, row.amount_fen if row.credit == LedgerCode.BILL_RECEIVABLE else 0


def _undoing(row: Row[Any], parts: dict[int, Part], entry_id: int) -> Undoing:
    if row.state == "with_bank":
        raise BillWithBank(
            f"the bill {row.bill_number} is with a bank", bill_number=row.bill_number
        )
    _check_history(row, parts)
    part = parts.pop(entry_id)
    if not 0 <= row.paid_fee_fen - part.fee_fen <= row.charged_fee_fen - part.charged_fen:
        raise BillPaidSince(
            f"the late fee on the bill {row.bill_number} was paid by a later payment",
            bill_number=row.bill_number,
        )
    days = [other.day for other in parts.values() if other.day is not None]
    return Undoing(row.id, row.bill_number, part, max(days, default=None), row)


def _check_history(row: Row[Any], parts: dict[int, Part]) -> None:
    whole = parts.values()
    told = (
        sum(part.charged_fen for part in whole),
        sum(part.fee_fen for part in whole),
        sum(part.principal_fen for part in whole),
    )
    if told != (row.charged_fee_fen, row.paid_fee_fen, row.paid_principal_fen):
        raise RuntimeError(f"the postings of bill {row.id} do not tell what was paid on it")


def _update_row(item: Undoing) -> dict[str, Any]:
    row, part = item.row, item.part
    principal_fen = row.paid_principal_fen - part.principal_fen
    fee_fen = row.paid_fee_fen - part.fee_fen
    charged_fen = row.charged_fee_fen - part.charged_fen
    # A part that paid no more than the late fee it charged leaves a bill that others paid in full.
    in_full = principal_fen == row.principal_fen and fee_fen == charged_fen
    return {
        "id": row.id,
        "was_state": row.state,
        "was_paid_principal_fen": row.paid_principal_fen,
        "was_paid_fee_fen": row.paid_fee_fen,
        "was_charged_fee_fen": row.charged_fee_fen,
        "paid_principal_fen": principal_fen,
        "paid_fee_fen": fee_fen,
        "charged_fee_fen": charged_fen,
        "fee_counted_to": item.counted_to,
        "state": "paid" if in_full else "open",
    }
