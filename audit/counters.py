"""Redeemed cards counted per pack of 100: rolled up behind a watermark, the live tail on top.

A redemption writes no counter, so that no two redemptions ever meet in one row. A round counts
what was recorded up to a minute ago, once; reports add what came later. The naive count over the
redemptions themselves is an invariant of `audit verify`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from audit.as_of import latest_final
from core.db import Database, Session
from core.sets import ListOf, range_values, ranges
from redemption.tables import redeemed_pack, redemption, watermark
from vouchers.serials import CARDS_PER_PACK

NAME = "redeemed_packs"
STEP = timedelta(minutes=15)
"""So much is rolled up in a first transaction, which may not become too old; then by experience."""

_FEW_PACKS = 50_000
_LONGEST_STEP = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_pack = redemption.c.serial - redemption.c.serial % CARDS_PER_PACK

Progress = Callable[[datetime], None]
"""Is told the new watermark after each commit."""


def rolled_up_to(session: Session) -> datetime:
    """Return the watermark: what was recorded up to then is in the counters."""
    found = session.execute(_of_watermark()).scalar_one_or_none()
    return _EPOCH if found is None else found


def roll_up(db: Database, progress: Progress | None = None) -> datetime:
    """Count what became final since the last time, a step at a time; return the new watermark.

    May run anywhere at any time and in several processes: the watermark's row is locked.
    """
    step = STEP
    while True:
        reached, packs = db.transact(partial(_step, step=step))
        if packs is None:
            return reached
        if progress is not None:
            progress(reached)
        step = min(step * 2, _LONGEST_STEP) if packs < _FEW_PACKS else max(step / 2, STEP)


def rebuild(db: Database, progress: Progress | None = None) -> datetime:
    """Throw all counters away and count anew; reports stay right meanwhile, only slower."""
    db.transact(_forget)
    return roll_up(db, progress)


def used_cards_of(
    session: Session, pieces: Sequence[tuple[int, int]], as_of: datetime | None
) -> list[int]:
    """Return how many cards of each range were redeemed as of an instant (None: now).

    The ranges are sorted and do not overlap. Costs what the packs, the ranges and the redemptions
    between the watermark and the instant cost; never a look at every redemption.
    """
    parts = [(_whole_packs(first, last), _edges(first, last)) for first, last in pieces]
    counted = _counted(session, [whole for whole, _ in parts if whole is not None])
    loose = _counted_singly(session, [edge for _, edges in parts for edge in edges], as_of)
    later = _Tail(_tail(session, rolled_up_to(session), as_of))
    used = []
    for whole, edges in parts:
        cards = sum(loose.get(edge[0], 0) for edge in edges)
        if whole is not None:
            cards += counted.get(whole[0], 0) + later.within(*whole)
        used.append(cards)
    return used


class _Tail:
    """What the tail adds to packs, in the order of the packs; asked for rising ranges only."""

    def __init__(self, packs: Sequence[tuple[int, int]]) -> None:
        self._packs = packs
        self._at = 0

    def within(self, first: int, last: int) -> int:
        cards = 0
        while self._at < len(self._packs) and self._packs[self._at][0] <= last:
            pack, count = self._packs[self._at]
            cards += count if pack >= first else 0
            self._at += 1
        return cards


def _step(session: Session, step: timedelta) -> tuple[datetime, int | None]:
    """Move the watermark on; return it, and how many packs changed (None: it was at the end)."""
    session.execute(session.insert_new(watermark), {"name": NAME, "at": _EPOCH})
    since = session.execute(_of_watermark().with_for_update()).scalar_one()
    end = latest_final(session.now)
    if end <= since:
        return since, None
    start = _first_instant(session, end) if since == _EPOCH else since
    until = min(end, start + step)
    packs = session.execute(_add(session, since, until)).rowcount
    session.execute(watermark.update().where(watermark.c.name == NAME).values(at=until))
    return until, packs


def _first_instant(session: Session, end: datetime) -> datetime:
    found = session.execute(select(func.min(redemption.c.at)).where(redemption.c.at <= end))
    return found.scalar_one() or end


def _add(session: Session, since: datetime, until: datetime) -> sqlite.Insert | postgresql.Insert:
    counts = select(_pack, func.count()).where(_between(since, until)).group_by(_pack)
    insert = sqlite.insert if session.is_sqlite else postgresql.insert
    statement = insert(redeemed_pack).from_select(["first_serial", "cards"], counts)
    return statement.on_conflict_do_update(
        index_elements=["first_serial"],
        set_={"cards": redeemed_pack.c.cards + statement.excluded.cards},
    )


def _forget(session: Session) -> None:
    session.execute(_of_watermark().with_for_update())
    session.execute(delete(redeemed_pack))
    session.execute(watermark.update().where(watermark.c.name == NAME).values(at=_EPOCH))


def _tail(session: Session, since: datetime, as_of: datetime | None) -> list[tuple[int, int]]:
    """The packs and how many cards must be added to (or, before the watermark, taken from) them."""
    if as_of is not None and as_of < since:
        sign, recorded = -1, _between(as_of, since)
    else:
        sign, recorded = 1, _between(since, as_of)
    rows = session.execute(
        select(_pack, func.count()).where(recorded).group_by(_pack).order_by(_pack)
    )
    return [(pack, sign * count) for pack, count in rows]


def _between(since: datetime, until: datetime | None) -> ColumnElement[bool]:
    after = redemption.c.at > since
    return after if until is None else and_(after, redemption.c.at <= until)


def _counted(session: Session, wholes: Sequence[tuple[int, int]]) -> dict[int, int]:
    """What the counters say of ranges of whole packs, by their first serials."""
    if not wholes:
        return {}
    return (_counted_by_range if session.is_sqlite else _counted_in_passing)(session, wholes)


def _counted_by_range(session: Session, wholes: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Look every range up in the primary key."""
    given = ranges(session)
    cards = (
        select(func.sum(redeemed_pack.c.cards))
        .where(redeemed_pack.c.first_serial.between(given.c.first, given.c.last))
        .scalar_subquery()
    )
    rows = session.execute(select(given.c.first, cards), range_values(session, wholes))
    return {first: int(cards or 0) for first, cards in rows}


def _counted_in_passing(session: Session, wholes: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Read all counters once and drop each into its range: several times quicker for many packs."""
    edges: list[int] = []
    for first, last in wholes:
        if edges and edges[-1] == first:
            edges.pop()
        edges += [first, last + 1]
    starts = {first for first, _ in wholes}
    place = func.width_bucket(
        redeemed_pack.c.first_serial, bindparam("edges", type_=ListOf(BigInteger()))
    )
    rows = session.execute(
        select(place, func.sum(redeemed_pack.c.cards))
        .where(redeemed_pack.c.first_serial.between(edges[0], edges[-1] - 1))
        .group_by(place),
        {"edges": edges},
    )
    found = {edges[number - 1]: int(cards) for number, cards in rows}
    return {first: cards for first, cards in found.items() if first in starts}


def _counted_singly(
    session: Session, edges: Sequence[tuple[int, int]], as_of: datetime | None
) -> dict[int, int]:
    """The redemptions of parts of packs, by their first serials."""
    if not edges:
        return {}
    given = ranges(session)
    known = true() if as_of is None else redemption.c.at <= as_of
    cards = (
        select(func.count())
        .select_from(redemption)
        .where(redemption.c.serial.between(given.c.first, given.c.last), known)
        .scalar_subquery()
    )
    rows = session.execute(select(given.c.first, cards), range_values(session, edges))
    return {first: int(cards) for first, cards in rows}


def _whole_packs(first: int, last: int) -> tuple[int, int] | None:
    """The serials of the packs that lie wholly in a range, or None."""
    start = -(-first // CARDS_PER_PACK) * CARDS_PER_PACK
    end = (last + 1) // CARDS_PER_PACK * CARDS_PER_PACK - 1
    return (start, end) if start < end else None


def _edges(first: int, last: int) -> list[tuple[int, int]]:
    """The serials of a range in packs that do not lie wholly in it."""
    if first % CARDS_PER_PACK == 0 and (last + 1) % CARDS_PER_PACK == 0:
        return []
    whole = _whole_packs(first, last)
    if whole is None:
        return [(first, last)]
    before, after = (first, whole[0] - 1), (whole[1] + 1, last)
    return [edge for edge in (before, after) if edge[0] <= edge[1]]


def _of_watermark() -> Select[tuple[datetime]]:
    return select(watermark.c.at).where(watermark.c.name == NAME)
