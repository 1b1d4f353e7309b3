"""Which movements had happened to which cards as of an instant. Pure.

Recorded times are those at which transactions began. Where two waited for each other's locks the
later movement of a card may have the earlier time; it counts as not happened until the one before
it has, so that a state of the past is one that really was.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from vouchers.movements import latest
from vouchers.serials import SerialRange


class Movement(msgspec.Struct, frozen=True):
    """A row of table stock_movement, as far as it tells where cards were and are."""

    id: int
    at: datetime
    move: str
    batch_id: int
    first: int
    last: int
    from_stage: str | None
    from_holder: int | None
    stage: str
    holder_id: int
    in_transit_to: int | None
    hold: str | None
    expires_on: date
    activated_on: date | None
    version: int
    document: str | None = None
    price_fen: int | None = None
    commission_fen: int | None = None


class Piece(msgspec.Struct, frozen=True):
    """Cards that agree in everything, as a lot does."""

    first: int
    last: int
    batch_id: int
    stage: str
    holder_id: int
    in_transit_to: int | None
    hold: str | None
    expires_on: date
    activated_on: date | None

    @property
    def cards(self) -> int:
        """How many cards it holds."""
        return self.last - self.first + 1


Applied = tuple[int, int, Movement]
"""First and last serial, and the movement that happened to them."""


def applied(movements: Iterable[Movement], as_of: datetime) -> list[Applied]:
    """Return which cards the movements of one batch had moved as of an instant.

    They must come in the order of their versions.
    """
    late: list[tuple[int, int]] = []
    done: list[Applied] = []
    for moved in movements:
        if moved.at > as_of:
            _cover(late, moved.first, moved.last)
        else:
            done += [(first, last, moved) for first, last in _free(late, moved.first, moved.last)]
    return done


def pieces_of(done: Sequence[Applied]) -> list[Piece]:
    """Return where the cards of one batch are after what was applied, in the order of serials."""
    if not done:
        return []
    cards = SerialRange(min(item[0] for item in done), max(item[1] for item in done))
    return [_piece(part, moved) for part, moved in latest(cards, done)]


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return sorted pieces with those beside each other joined that agree in everything.

    So they are cut the same whether they come from lots or from movements: a hold that was
    released leaves two movements behind, and one lot.
    """
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if before is None or before.last + 1 != piece.first:
            found.append(piece)
        elif msgspec.structs.replace(before, first=piece.first, last=piece.last) == piece:
            found[-1] = msgspec.structs.replace(before, last=piece.last)
        else:
            found.append(piece)
    return found


def cards_moved(done: Iterable[Applied]) -> dict[int, int]:
    """Return how many cards each movement moved, by its id."""
    counts: dict[int, int] = {}
    for first, last, moved in done:
        counts[moved.id] = counts.get(moved.id, 0) + last - first + 1
    return counts


def _piece(part: SerialRange, moved: Movement) -> Piece:
    return Piece(
        first=part.first,
        last=part.last,
        batch_id=moved.batch_id,
        stage=moved.stage,
        holder_id=moved.holder_id,
        in_transit_to=moved.in_transit_to,
        hold=moved.hold,
        expires_on=moved.expires_on,
        activated_on=moved.activated_on,
    )


def _cover(ranges: list[tuple[int, int]], first: int, last: int) -> None:
    """Add a range to sorted ranges that do not touch, joining those it overlaps or touches."""
    start = bisect_left(ranges, first - 1, key=lambda item: item[1])
    stop = start
    while stop < len(ranges) and ranges[stop][0] <= last + 1:
        first, last = min(first, ranges[stop][0]), max(last, ranges[stop][1])
        stop += 1
    ranges[start:stop] = [(first, last)]


def _free(ranges: Sequence[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Return what of a range none of the sorted ranges covers."""
    free = []
    place = bisect_left(ranges, first, key=lambda item: item[1])
    while first <= last:
        if place == len(ranges) or ranges[place][0] > last:
            free.append((first, last))
            break
        if ranges[place][0] > first:
            free.append((first, ranges[place][0] - 1))
        first = ranges[place][1] + 1
        place += 1
    return free
