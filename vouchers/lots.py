"""Lots: contiguous runs of serials that agree in everything. The lots of a batch tile it.

The algebra is pure. `load_lots` and `save_lots` stand at the edge: whoever changes lots loads
them first and so locks, in this order, the batch (which puts the moves of one batch one after the
other) and then every lot that overlaps or touches the range, sorted. Redemptions lock their lots
FOR SHARE and check that the locked lot still covers the card; so it is safe that a split shortens
a row and a merge deletes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import delete, func, select

from core.db import Session
from core.errors import DomainError, TryLater
from core.sets import among, insert_rows, update_rows
from vouchers.serials import CARDS_PER_BATCH, RangeOutsideBatch, SerialRange, serial_text
from vouchers.tables import batch, lot


class BatchUnknown(DomainError):
    """No batch has these serial numbers."""

    code = "batch_unknown"


class BatchNotReady(DomainError):
    """The cards of the batch are not made yet, so nothing can be done with them."""

    code = "batch_not_ready"


class LotsChanged(TryLater):
    """Somebody changed the lots without holding the batch."""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """One row of table lot. `version` rises with every change of any card's facts in it."""

    first_serial: int
    last_serial: int
    batch_id: int
    stage: str
    holder_id: int
    in_transit_to: int | None
    hold: str | None
    expires_on: date
    activated_on: date | None
    version: int

    @property
    def cards(self) -> SerialRange:
        """The serials it holds."""
        return SerialRange(self.first_serial, self.last_serial)

    @property
    def count(self) -> int:
        """How many cards it holds."""
        return self.last_serial - self.first_serial + 1

    def clip(self, first: int, last: int) -> "Lot":
        """Return the piece of it between two serials."""
        return replace(self, first_serial=first, last_serial=last)


@dataclass(frozen=True, slots=True)
class Changes:
    """The row changes that turn one tiling into another, to be made in this order."""

    deletes: tuple[Lot, ...]
    updates: tuple[tuple[Lot, Lot], ...]
    inserts: tuple[Lot, ...]


def cut(lots: Sequence[Lot], cards: SerialRange) -> tuple[list[Lot], list[Lot], list[Lot]]:
    """Split sorted lots at both ends of a range: what lies before, inside and after it.

    A piece keeps the facts and the version of the lot it came from.
    """
    before, inside, after = [], [], []
    for item in lots:
        if item.first_serial < cards.first:
            before.append(item.clip(item.first_serial, min(item.last_serial, cards.first - 1)))
        shared = cards.overlap(item.first_serial, item.last_serial)
        if shared is not None:
            inside.append(item.clip(shared.first, shared.last))
        if item.last_serial > cards.last:
            after.append(item.clip(max(item.first_serial, cards.last + 1), item.last_serial))
    return before, inside, after


def cut_out(lots: Sequence[Lot], serials: Iterable[int]) -> tuple[list[Lot], list[Lot]]:
    """Part sorted lots into the pieces without the given serials and the pieces of them alone."""
    without: list[Lot] = []
    alone: list[Lot] = []
    rest = iter(sorted(set(serials)))
    serial = next(rest, None)
    for item in lots:
        start = item.first_serial
        while serial is not None and serial <= item.last_serial:
            if serial >= start:
                if serial > start:
                    without.append(item.clip(start, serial - 1))
                alone.append(item.clip(serial, serial))
                start = serial + 1
            serial = next(rest, None)
        if start <= item.last_serial:
            without.append(item.clip(start, item.last_serial))
    return without, alone


def merge(lots: Sequence[Lot]) -> list[Lot]:
    """Join sorted neighbours of one batch that agree in everything but their version.

    The joined lot has the highest version, so that no card's version ever falls.
    """
    joined: list[Lot] = []
    for item in lots:
        if joined and _agree(joined[-1], item):
            version = max(joined[-1].version, item.version)
            joined[-1] = replace(joined[-1], last_serial=item.last_serial, version=version)
        else:
            joined.append(item)
    return joined


def changes(old: Sequence[Lot], new: Sequence[Lot]) -> Changes:
    """Return what must be written to turn the rows `old` into the rows `new`.

    Deleting first, then updating, then inserting breaks no unique key on the way.
    """
    were = {item.first_serial: item for item in old}
    kept = {item.first_serial for item in new}
    return Changes(
        deletes=tuple(item for item in old if item.first_serial not in kept),
        updates=tuple(
            (were[item.first_serial], item)
            for item in new
            if item.first_serial in were and were[item.first_serial] != item
        ),
        inserts=tuple(item for item in new if item.first_serial not in were),
    )


def load_lots(session: Session, cards: SerialRange) -> list[Lot]:
    """Lock the batch, then the lots that overlap or touch the range; return them sorted.

    Guarantee: until the transaction ends nobody else moves cards of this batch or redeems cards
    of these lots. Raises BatchUnknown, BatchNotReady, RangeOutsideBatch.
    """
    found = session.execute(
        select(batch.c.size, batch.c.generated_count, batch.c.printer_id)
        .where(batch.c.id == cards.batch_id)
        .with_for_update(key_share=True)  # foreign keys to the batch may still be checked
    ).one_or_none()
    if found is None:
        raise BatchUnknown(f"there is no batch {cards.batch_id}")
    lots = _lock_lots(session, cards)
    if not lots:
        raise BatchNotReady(f"the cards of batch {cards.batch_id} are not made yet")
    # Of an electronic batch only the cards that were sold exist.
    count = found.generated_count if found.printer_id is None else found.size
    last = cards.batch_id * CARDS_PER_BATCH + count - 1
    if cards.last > last:
        raise RangeOutsideBatch(
            f"the batch ends with {serial_text(last)}", last_serial=serial_text(last)
        )
    return lots


def load_neighbour(session: Session, serial: int) -> list[Lot]:
    """Lock the lot that ends before a card yet to be made; the caller has locked the batch."""
    return _lock_lots(session, SerialRange(serial, serial))


def save_lots(session: Session, old: Sequence[Lot], new: Sequence[Lot]) -> None:
    """Merge `new` and write what differs from the locked rows `old`.

    Rows are changed only if they are still as they were loaded; else LotsChanged.
    """
    todo = changes(old, merge(new))
    _check_as_loaded(session, [*todo.deletes, *(was for was, _ in todo.updates)])
    if todo.deletes:
        gone = [item.first_serial for item in todo.deletes]
        session.execute(delete(lot).where(among(lot.c.first_serial, "gone")), {"gone": gone})
    update_rows(session, lot, "first_serial", [asdict(becomes) for _, becomes in todo.updates])
    insert_rows(session, lot, [asdict(item) for item in todo.inserts])


def _agree(left: Lot, right: Lot) -> bool:
    return left.last_serial + 1 == right.first_serial and _facts(left) == _facts(right)


def _facts(item: Lot) -> tuple[object, ...]:
    return (
        item.batch_id,
        item.stage,
        item.holder_id,
        item.in_transit_to,
        item.hold,
        item.expires_on,
        item.activated_on,
    )


def _check_as_loaded(session: Session, old: Sequence[Lot]) -> None:
    query = select(lot).where(among(lot.c.first_serial, "firsts"))
    rows = session.execute(query, {"firsts": [item.first_serial for item in old]}).mappings()
    if {row["first_serial"]: Lot(**row) for row in rows} != {i.first_serial: i for i in old}:
        raise LotsChanged("the lots were changed meanwhile, try again")


def _lock_lots(session: Session, cards: SerialRange) -> list[Lot]:
    # From the lot below the range on: without this bound every lot of the batch is looked at.
    start = (
        select(func.max(lot.c.first_serial))
        .where(lot.c.batch_id == cards.batch_id, lot.c.first_serial < cards.first)
        .scalar_subquery()
    )
    rows = session.execute(
        select(lot)
        .where(
            lot.c.batch_id == cards.batch_id,
            lot.c.first_serial >= func.coalesce(start, cards.first),
            lot.c.first_serial <= cards.last + 1,
        )
        .order_by(lot.c.first_serial)
        .with_for_update()
    )
    return [Lot(**row) for row in rows.mappings()]
