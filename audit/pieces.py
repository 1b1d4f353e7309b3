"""Where all cards are or were: the lots now, or what the movements had made of them by then.

Only batches with later movements are replayed; of all others the lots are what they were.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, select

from audit.history import Applied, Movement, Piece, applied, joined, pieces_of
from core.db import Session, chunks
from core.sets import among
from vouchers.tables import lot, stock_movement

Progress = Callable[[int, int], None]
"""Is told (done, in all)."""

_moved = stock_movement.c
_COLUMNS = (
    _moved.id,
    _moved.at,
    _moved.move,
    _moved.batch_id,
    _moved.first_serial,
    _moved.last_serial,
    _moved.from_stage,
    _moved.from_holder,
    _moved.to_stage,
    _moved.to_holder,
    _moved.in_transit_to,
    _moved.to_hold,
    _moved.expires_on,
    _moved.activated_on,
    _moved.version,
    _moved.document,
    _moved.price_fen,
    _moved.commission_fen,
)
_BATCHES_AT_ONCE = 50


def all_pieces(
    session: Session, as_of: datetime | None = None, progress: Progress | None = None
) -> list[Piece]:
    """Return all cards that were made, in pieces by serial, as of an instant (None: now).

    Costs what the lots cost, and the movements of those batches that moved since.
    """
    moved_since = [] if as_of is None else batches_moved_since(session, as_of)
    found = _lots(session, set(moved_since))
    if as_of is not None:
        for _, movements in movements_by_batch(session, moved_since, progress):
            found += pieces_of(applied(movements, as_of))
        found.sort(key=lambda piece: piece.first)
    return joined(found)


def batches_moved_since(session: Session, instant: datetime) -> list[int]:
    """Return the batches with movements recorded after an instant, sorted."""
    query = select(_moved.batch_id).where(_moved.at > instant).distinct()
    return sorted(session.execute(query).scalars())


def movements_by_batch(
    session: Session, batch_ids: Sequence[int], progress: Progress | None = None
) -> Iterator[tuple[int, list[Movement]]]:
    """Yield the movements of each batch in the order of their versions; few batches in memory."""
    query = (
        select(*_COLUMNS)
        .where(among(_moved.batch_id, "batches"))
        .order_by(_moved.batch_id, _moved.version, _moved.id)
    )
    done = 0
    for some in chunks(batch_ids, _BATCHES_AT_ONCE):
        rows = session.execute(query, {"batches": list(some)}).all()
        for batch_id, group in groupby(rows, key=lambda row: row.batch_id):
            yield int(batch_id), [_movement(row) for row in group]
        done += len(some)
        if progress is not None:
            progress(done, len(batch_ids))


def applied_by(
    session: Session,
    batch_ids: Sequence[int],
    instants: Sequence[datetime],
    progress: Progress | None = None,
) -> Iterator[list[list[Applied]]]:
    """Yield for each batch what had been applied as of each of the instants."""
    for _, movements in movements_by_batch(session, batch_ids, progress):
        yield [applied(movements, instant) for instant in instants]


def _lots(session: Session, without: set[int]) -> list[Piece]:
    rows = session.execute(
        select(
            lot.c.first_serial,
            lot.c.last_serial,
            lot.c.batch_id,
            lot.c.stage,
            lot.c.holder_id,
            lot.c.in_transit_to,
            lot.c.hold,
            lot.c.expires_on,
            lot.c.activated_on,
        ).order_by(lot.c.first_serial)
    )
    return [Piece(*row) for row in rows if row[2] not in without]


def _movement(row: Row[Any]) -> Movement:
    return Movement(*row)
