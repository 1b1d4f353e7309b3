"""Settlements: what a party owes at the end of a month and why, closed once and for ever.

A line belongs to the month of its recorded time. So whatever happens after a month, even to cards
sold in it, falls into a later one and names the month that it concerns.
"""

import hashlib
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, select

from core.clock import local_day
from core.db import Database, Session
from core.errors import InvalidInput
from core.sets import insert_rows
from distribution.contracts import contract_of, lock_party
from distribution.errors import (
    BooksDisagree,
    NoContract,
    PeriodNotOver,
    PeriodOutOfOrder,
)
from distribution.papers import page_of_party
from distribution.parties import Party, party_by_code, require_scope
from distribution.settlement_lines import Line, Span, load_lines, owed_at
from distribution.tables import party, settlement, settlement_line
from staff import events
from staff.permissions import Actor, Permission, require

FINAL_AFTER = timedelta(seconds=60)
"""So long after its end nothing can be recorded within a period any more; see MAX_TRANSACTION_S."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The totals of a statement in fen; each is what it adds to what is owed.

    `commission_fen` was earned on activations, `clawback_fen` taken back with returned cards.
    """

    opening_fen: int
    activations_fen: int
    commission_fen: int
    returns_fen: int
    clawback_fen: int
    payments_fen: int
    bounced_fen: int
    adjustments_fen: int
    other_fen: int
    closing_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A party's month. `closed_at` and `digest` are None while it is open and may still grow."""

    id: int | None
    party_code: str
    party_name: str
    starts_on: date
    starts_at: datetime
    ends_at: datetime
    sums: Sums
    lines: tuple[Line, ...]
    holders: dict[int, str]
    closed_at: datetime | None
    digest: str | None

    @property
    def month(self) -> str:
        """The month, like `2025-06`."""
        return f"{self.starts_on:%Y-%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A closed month without its lines."""

    id: int
    party_code: str
    month: str
    sums: Sums
    closed_at: datetime
    digest: str


def close_period(db: Database, actor: Actor, party_code: str, month: date) -> Statement:
    """Close a month of a party that owes; a closed one is answered as it stands.

    Raises PeriodNotOver, PeriodOutOfOrder (an earlier month is open), NoContract, PartyUnknown.
    """
    require(actor, Permission.CLOSE_SETTLEMENTS)

    def work(session: Session) -> Statement:
        found = _owing(session, actor, party_code)
        lock_party(session, found.id)
        if _stored(session, found.id, month) is None:
            _close(session, actor, found, month)
        return read_statement(session, actor, party_code, month)

    return db.transact(work)


def read_statement(session: Session, actor: Actor, party_code: str, month: date) -> Statement:
    """Return a party's month: as it was closed, or as the books have it now.

    Raises PartyUnknown, NotHolder for a party that is not the actor's or below, NoContract.
    """
    require(actor, Permission.VIEW_SETTLEMENTS)
    found = _owing(session, actor, party_code)
    row = _stored(session, found.id, month)
    if row is not None:
        return _of_row(session, found, row)
    span = _span(session, found.id, month)
    lines = load_lines(session, span)
    return Statement(
        id=None,
        party_code=found.code,
        party_name=found.name,
        starts_on=month,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        sums=sum_up(owed_at(session, found.id, span.starts_at), lines),
        lines=tuple(lines),
        holders=_holders(session, lines),
        closed_at=None,
        digest=None,
    )


def list_closed(
    session: Session,
    actor: Actor,
    party_code: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Closed]:
    """Return closed months by id, those after `after_id`, at most `limit` (1 to 500).

    A member of a party is shown those of his party and below only; raises NotHolder for others.
    """
    require(actor, Permission.VIEW_SETTLEMENTS)
    query = select(settlement, party.c.code).join(party, party.c.id == settlement.c.party_id)
    rows = page_of_party(session, actor, query, settlement, party_code, after_id, limit)
    return [
        Closed(
            id=row.id,
            party_code=row.code,
            month=f"{row.starts_on:%Y-%m}",
            sums=_sums(row),
            closed_at=row.closed_at,
            digest=row.digest,
        )
        for row in rows
    ]


def sum_up(opening_fen: int, lines: list[Line]) -> Sums:
    """Return the totals of the lines on top of what was owed before. Pure."""

    def of(kind: str, part: str = "amount_fen") -> int:
        return sum(getattr(line, part) for line in lines if line.kind == kind)

    return Sums(
        opening_fen=opening_fen,
        activations_fen=of("activation", "value_fen"),
        commission_fen=of("activation", "commission_fen"),
        returns_fen=of("return", "value_fen"),
        clawback_fen=of("return", "commission_fen"),
        payments_fen=of("payment"),
        bounced_fen=of("bounced"),
        adjustments_fen=of("adjustment"),
        other_fen=of("other"),
        closing_fen=opening_fen + sum(line.amount_fen for line in lines),
    )


def digest_of(party_id: int, starts_on: date, sums: Sums, lines: list[Line]) -> str:
    """Return the SHA-256 that names all of a closed month. Pure."""
    content = {
        "party": party_id,
        "month": starts_on.isoformat(),
        "sums": asdict(sums),
        "lines": [_plain(line) for line in lines],
    }
    return hashlib.sha256(events.canonical_json(content).encode()).hexdigest()


def parse_month(text: str) -> date:
    """Return the first day of a month written like `2025-06`; raises InvalidInput."""
    try:
        if len(text) != len("2025-06"):
            raise ValueError(text)
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InvalidInput("a month is written like 2025-06") from None
    if not 2000 <= found.year <= 2099:
        raise InvalidInput("a month lies between 2000 and 2099")
    return found


def line_of_row(row: Row[Any]) -> Line:
    """Return a stored line."""
    return Line(**{item.name: getattr(row, item.name) for item in fields(Line)})


def _close(session: Session, actor: Actor, found: Party, month: date) -> None:
    before = _last(session, found.id)
    span = _span(session, found.id, month)
    if before is not None and local_day(before.ends_at, session.zone) != month:
        last = f"{before.starts_on:%Y-%m}"
        raise PeriodOutOfOrder(f"the month after {last} is the next to be closed", last=last)
    if session.now < span.ends_at + FINAL_AFTER:
        raise PeriodNotOver("the month is not over yet")
    opening_fen = before.closing_fen if before else owed_at(session, found.id, span.starts_at)
    lines = load_lines(session, span)
    sums = sum_up(opening_fen, lines)
    if sums.closing_fen != owed_at(session, found.id, span.ends_at):
        raise BooksDisagree("the statement is not what the books say; run `wanneng audit verify`")
    settlement_id = session.new_id()
    row = asdict(sums) | {
        "id": settlement_id,
        "party_id": found.id,
        "previous_id": before.id if before else None,
        "starts_on": month,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "digest": digest_of(found.id, month, sums, lines),
        "member_id": actor.member_id,
        "closed_at": session.now,
    }
    session.execute(settlement.insert(), row)
    numbered = [
        {"settlement_id": settlement_id, "line": number} | _columns(line)
        for number, line in enumerate(lines, 1)
    ]
    insert_rows(session, settlement_line, numbered)
    subject = f"settlement:{settlement_id}"
    about = {"party": found.code, "month": f"{month:%Y-%m}", "closing_fen": sums.closing_fen}
    events.record(session, actor, "settlement.closed", subject, **about)


def _owing(session: Session, actor: Actor, party_code: str) -> Party:
    found = party_by_code(session, party_code)
    require_scope(session, actor, {found.id})
    if contract_of(session, found.id) is None:
        raise NoContract("the party has no contract of its own; see the one that owes for it")
    return found


def _span(session: Session, party_id: int, month: date) -> Span:
    following = (month + timedelta(days=31)).replace(day=1)
    return Span(
        party_id=party_id,
        starts_on=month,
        starts_at=datetime.combine(month, time.min, session.zone),
        ends_at=datetime.combine(following, time.min, session.zone),
    )


def _stored(session: Session, party_id: int, month: date) -> Row[Any] | None:
    of_month = (settlement.c.party_id == party_id, settlement.c.starts_on == month)
    return session.execute(select(settlement).where(*of_month)).one_or_none()


def _last(session: Session, party_id: int) -> Row[Any] | None:
    return session.execute(
        select(settlement)
        .where(settlement.c.party_id == party_id)
        .order_by(settlement.c.starts_on.desc())
        .limit(1)
    ).one_or_none()


def _of_row(session: Session, found: Party, row: Row[Any]) -> Statement:
    stored = session.execute(
        select(settlement_line)
        .where(settlement_line.c.settlement_id == row.id)
        .order_by(settlement_line.c.line)
    )
    lines = tuple(line_of_row(each) for each in stored)
    return Statement(
        id=row.id,
        party_code=found.code,
        party_name=found.name,
        starts_on=row.starts_on,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        sums=_sums(row),
        lines=lines,
        holders=_holders(session, lines),
        closed_at=row.closed_at,
        digest=row.digest,
    )


def _holders(session: Session, lines: Any) -> dict[int, str]:
    ids = sorted({line.holder_id for line in lines if line.holder_id is not None})
    if not ids:
        return {}
    rows = session.execute(select(party.c.id, party.c.code).where(party.c.id.in_(ids)))
    return {row.id: row.code for row in rows}


def _sums(row: Row[Any]) -> Sums:
    return Sums(**{item.name: getattr(row, item.name) for item in fields(Sums)})


def _columns(line: Line) -> dict[str, Any]:
    return asdict(line)


def _plain(line: Line) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(line).items()
    }
