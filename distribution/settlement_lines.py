"""The lines of a party's statement, read from the movements and the books of a period."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, or_, select

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from core.clock import local_day
from core.db import Session
from distribution.tables import adjustment, payment, payment_reversal
from vouchers.tables import stock_movement

KINDS = ("activation", "return", "void", "payment", "bounced", "adjustment", "other")
"""In the order in which a statement tells the lines of one day."""

_CARD_EVENTS = ("activation", "deactivation", "return", "return_received", "void")
_OWED = int(LedgerCode.DISTRIBUTOR_RECEIVABLE)
_size = stock_movement.c.last_serial - stock_movement.c.first_serial + 1


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Line:
    """One line: `amount_fen` is what it adds to what the party owes, value and commission of it.

    Cards are told by day, holder, face and rate. `concerns_on` is the first day of the earlier
    month that it concerns. A void line adds nothing: the value of those cards waits in suspense.
    """

    day: date
    kind: str
    holder_id: int | None = None
    cards: int | None = None
    face_fen: int | None = None
    rate_fen: int | None = None
    value_fen: int
    commission_fen: int = 0
    amount_fen: int
    reference: str | None = None
    reason: str | None = None
    concerns_on: date | None = None
    entry_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period of a party that owes: from `starts_at`, up to but not with `ends_at`."""

    party_id: int
    starts_on: date
    starts_at: datetime
    ends_at: datetime


def load_lines(session: Session, span: Span) -> list[Line]:
    """Return all that changed what the party owes within the period, in a fixed order."""
    lines = [
        *_activations(session, span),
        *_returns(session, span),
        *_voids(session, span),
        *_others(session, span),
    ]
    return sorted(lines, key=_order)


def owed_at(session: Session, party_id: int, instant: datetime) -> int:
    """Return what the books said that a party owed just before an instant, in fen."""
    total = session.execute(
        select(func.sum(_signed()))
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(posting.c.party_id == party_id, journal_entry.c.at < instant)
    ).scalar()
    return int(total or 0)


def _order(line: Line) -> tuple[Any, ...]:
    return (
        line.day,
        KINDS.index(line.kind),
        line.holder_id or 0,
        line.face_fen or 0,
        line.rate_fen or 0,
        line.concerns_on or date.min,
        line.reference or "",
        line.entry_id or 0,
    )


def _activations(session: Session, span: Span) -> Iterator[Line]:
    key = (
        journal_entry.c.business_day,
        stock_movement.c.to_holder,
        stock_movement.c.price_fen,
        stock_movement.c.commission_fen,
    )
    rows = session.execute(
        select(*key, func.sum(_size))
        .join(journal_entry, journal_entry.c.id == stock_movement.c.entry_id)
        .where(*_moved(span), stock_movement.c.move == "activate")
        .group_by(*key)
    )
    for day, holder_id, face_fen, rate_fen, cards in rows:
        yield _of_cards("activation", day, holder_id, face_fen, rate_fen, int(cards), None)


def _returns(session: Session, span: Span) -> Iterator[Line]:
    """De-activations, and returns when they are received: that is when they are credited."""
    sold = stock_movement.alias()
    # A priced movement was cut by activations, so the last one before it holds all its cards.
    sold_at = (
        select(sold.c.at)
        .where(
            sold.c.batch_id == stock_movement.c.batch_id,
            sold.c.move == "activate",
            sold.c.first_serial <= stock_movement.c.first_serial,
            sold.c.last_serial >= stock_movement.c.first_serial,
            sold.c.version < stock_movement.c.version,
        )
        .order_by(sold.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            journal_entry.c.business_day,
            stock_movement.c.from_holder,
            stock_movement.c.price_fen,
            stock_movement.c.commission_fen,
            _size,
            sold_at,
        )
        .join(journal_entry, journal_entry.c.id == stock_movement.c.entry_id)
        .where(
            *_moved(span),
            stock_movement.c.move.in_(("deactivate", "receive")),
            stock_movement.c.price_fen.is_not(None),
        )
    )
    totals: dict[tuple[Any, ...], int] = {}
    for day, holder_id, face_fen, rate_fen, cards, at in rows:
        concerns_on = _earlier(session, span, at)
        key = (day, holder_id, face_fen, rate_fen, concerns_on)
        totals[key] = totals.get(key, 0) + int(cards)
    for (day, holder_id, face_fen, rate_fen, concerns_on), cards in totals.items():
        yield _of_cards("return", day, holder_id, face_fen, rate_fen, cards, concerns_on)


def _of_cards(
    kind: str,
    day: date,
    holder_id: int,
    face_fen: int,
    rate_fen: int,
    cards: int,
    concerns_on: date | None,
) -> Line:
    sign = 1 if kind == "activation" else -1
    value_fen, commission_fen = sign * face_fen * cards, -sign * rate_fen * cards
    return Line(
        day=day,
        kind=kind,
        holder_id=holder_id,
        cards=cards,
        face_fen=face_fen,
        rate_fen=rate_fen,
        value_fen=value_fen,
        commission_fen=commission_fen,
        amount_fen=value_fen + commission_fen,
        concerns_on=concerns_on,
    )


def _voids(session: Session, span: Span) -> Iterator[Line]:
    rows = session.execute(
        select(
            journal_entry.c.id,
            journal_entry.c.business_day,
            journal_entry.c.reference,
            func.sum(posting.c.amount_fen).label("value_fen"),
        )
        .join(posting, posting.c.entry_id == journal_entry.c.id)
        .where(*_posted(span), journal_entry.c.event == "void")
        .group_by(journal_entry.c.id, journal_entry.c.business_day, journal_entry.c.reference)
    )
    for row in rows:
        yield Line(
            day=row.business_day,
            kind="void",
            value_fen=-int(row.value_fen),
            amount_fen=0,
            reference=row.reference,
            entry_id=row.id,
        )


def _others(session: Session, span: Span) -> Iterator[Line]:
    """Every entry on what the party owes that no move of cards posted."""
    bounced = payment.alias()
    entry = (
        select(posting.c.entry_id, func.sum(_signed()).label("amount_fen"))
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(
            *_posted(span),
            journal_entry.c.event.not_in(_CARD_EVENTS),
            or_(posting.c.debit == _OWED, posting.c.credit == _OWED),
        )
        .group_by(posting.c.entry_id)
        .subquery()
    )
    rows = session.execute(
        select(
            journal_entry,
            entry.c.amount_fen,
            payment.c.id.label("payment_id"),
            payment.c.paid_on,
            payment_reversal.c.payment_id.label("bounced_id"),
            payment_reversal.c.reason.label("bounced_why"),
            bounced.c.at.label("bounced_of"),
            adjustment.c.id.label("adjustment_id"),
            adjustment.c.reason,
            adjustment.c.concerns_on,
        )
        .join(entry, entry.c.entry_id == journal_entry.c.id)
        .outerjoin(payment, payment.c.entry_id == journal_entry.c.id)
        .outerjoin(payment_reversal, payment_reversal.c.entry_id == journal_entry.c.id)
        .outerjoin(bounced, bounced.c.id == payment_reversal.c.payment_id)
        .outerjoin(adjustment, adjustment.c.entry_id == journal_entry.c.id)
    )
    for row in rows:
        kind, reason, concerns_on = _told(session, span, row)
        yield Line(
            day=row.business_day,
            kind=kind,
            value_fen=int(row.amount_fen),
            amount_fen=int(row.amount_fen),
            reference=row.reference,
            reason=reason,
            concerns_on=concerns_on,
            entry_id=row.id,
        )


def _told(session: Session, span: Span, row: Row[Any]) -> tuple[str, str | None, date | None]:
    if row.payment_id is not None:
        month = row.paid_on.replace(day=1)
        return "payment", None, month if month < span.starts_on else None
    if row.bounced_id is not None:
        return "bounced", row.bounced_why, _earlier(session, span, row.bounced_of)
    if row.adjustment_id is not None:
        earlier = row.concerns_on is not None and row.concerns_on < span.starts_on
        return "adjustment", row.reason, row.concerns_on if earlier else None
    return "other", row.event, None


def _earlier(session: Session, span: Span, at: datetime | None) -> date | None:
    """Return the first day of the local month of an instant before the period."""
    if at is None or at >= span.starts_at:
        return None
    return local_day(at, session.zone).replace(day=1)


def _moved(span: Span) -> Sequence[ColumnElement[bool]]:
    return (
        stock_movement.c.owing_party_id == span.party_id,
        stock_movement.c.at >= span.starts_at,
        stock_movement.c.at < span.ends_at,
    )


def _posted(span: Span) -> Iterable[ColumnElement[bool]]:
    return (
        posting.c.party_id == span.party_id,
        journal_entry.c.at >= span.starts_at,
        journal_entry.c.at < span.ends_at,
    )


def _signed() -> ColumnElement[int]:
    return case(
        (posting.c.debit == _OWED, posting.c.amount_fen),
        (posting.c.credit == _OWED, -posting.c.amount_fen),
        else_=0,
    )
