"""Stock movements: every move leaves rows that tell who, when, from, to, and why.

A movement row covers cards that agreed before it and holds their facts after it, so the rows of a
batch, replayed, give its lots.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, select

from core.db import Session
from core.sets import insert_rows
from vouchers.lots import Lot, cut, load_lots, save_lots
from vouchers.moves import MOVES, Terms, after
from vouchers.serials import SerialRange
from vouchers.tables import stock_movement

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who moves the cards and why; `member_id` is None where the program itself acts."""

    member_id: int | None
    approval_id: int | None = None
    document: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The money of each card of a movement: who owes, the face value and the commission on it."""

    owing_party_id: int
    price_fen: int
    commission_fen: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a lot before and after its move; `before` is None where it is made."""

    move: str
    before: Lot | None
    after: Lot
    price: Price | None = None
    entry_id: int | None = None

    @property
    def count(self) -> int:
        """How many cards it moves."""
        return self.after.count

    def clip(self, first: int, last: int) -> "Step":
        """Return the piece of it between two serials."""
        before = self.before and self.before.clip(first, last)
        return replace(self, before=before, after=self.after.clip(first, last))


def record_movements(session: Session, steps: Sequence[Step], cause: Cause) -> list[int]:
    """Write one movement row for each step; return their ids, which rise in that order."""
    shared = {"at": session.now} | asdict(cause)
    rows: list[dict[str, Any]] = [
        {"id": session.new_id()} | shared | _facts(step) for step in steps
    ]
    insert_rows(session, stock_movement, rows)
    return [row["id"] for row in rows]


def move_lots(
    session: Session,
    cards: SerialRange,
    move: str,
    terms: Terms,
    cause: Cause,
    only: Callable[[Lot], bool] = lambda _: True,
) -> list[int]:
    """Move the lots of a range that `only` accepts, where no rule of the trade has a say.

    For sending to the printer and for holds by alarm. Returns the ids of the movements (none where
    no lot was accepted). Raises what `load_lots` and `moves.check` raise; then nothing changed.
    """
    old = load_lots(session, cards)
    left, inside, right = cut(old, cards)
    new = [after(item, MOVES[move], terms) if only(item) else item for item in inside]
    save_lots(session, old, left + new + right)
    steps = [
        Step(move=move, before=was, after=becomes)
        for was, becomes in zip(inside, new, strict=True)
        if was is not becomes
    ]
    return record_movements(session, steps, cause)


def last_movements(
    session: Session, cards: SerialRange, move: str
) -> list[tuple[SerialRange, Row[Any]]]:
    """Cut a range by the last movement of one kind; cards that never made it are left out.

    Only final while the caller holds the lots of the range.
    """
    rows = session.execute(
        select(stock_movement)
        .where(
            stock_movement.c.batch_id == cards.batch_id,
            stock_movement.c.move == move,
            stock_movement.c.first_serial <= cards.last,
            stock_movement.c.last_serial >= cards.first,
        )
        .order_by(stock_movement.c.version)
    )
    return latest(cards, [(row.first_serial, row.last_serial, row) for row in rows])


def latest(cards: SerialRange, items: Sequence[tuple[int, int, T]]) -> list[tuple[SerialRange, T]]:
    """Cut a range by the last of the given (first, last, item) that covers each card. Pure.

    Later items come later in the sequence; cards that none covers are left out.
    """
    starts = sorted((first, -place) for place, (first, _, _) in enumerate(items))
    edges = {cards.first} | {edge for first, last, _ in items for edge in (first, last + 1)}
    points = [*sorted(edge for edge in edges if edge in cards), cards.last + 1]
    open_places: list[int] = []  # negative, so that the heap's top is the latest
    pieces: list[tuple[int, int, int]] = []
    upcoming = 0
    for start, stop in pairwise(points):
        while upcoming < len(starts) and starts[upcoming][0] <= start:
            heappush(open_places, starts[upcoming][1])
            upcoming += 1
        while open_places and items[-open_places[0]][1] < start:
            heappop(open_places)
        if open_places:
            _extend(pieces, start, stop - 1, -open_places[0])
    return [(SerialRange(first, last), items[place][2]) for first, last, place in pieces]


def _extend(pieces: list[tuple[int, int, int]], first: int, last: int, place: int) -> None:
    if pieces and pieces[-1][1] + 1 == first and pieces[-1][2] == place:
        first = pieces.pop()[0]
    pieces.append((first, last, place))


def _facts(step: Step) -> dict[str, Any]:
    price = step.price
    return {
        "move": step.move,
        "batch_id": step.after.batch_id,
        "first_serial": step.after.first_serial,
        "last_serial": step.after.last_serial,
        "from_stage": step.before.stage if step.before else None,
        "to_stage": step.after.stage,
        "from_holder": step.before.holder_id if step.before else None,
        "to_holder": step.after.holder_id,
        "in_transit_to": step.after.in_transit_to,
        "from_hold": step.before.hold if step.before else None,
        "to_hold": step.after.hold,
        "expires_on": step.after.expires_on,
        "activated_on": step.after.activated_on,
        "version": step.after.version,
        "entry_id": step.entry_id,
        "owing_party_id": price.owing_party_id if price else None,
        "price_fen": price.price_fen if price else None,
        "commission_fen": price.commission_fen if price else None,
    }
