"""Replaying the movements of a batch: what they make of its cards, range by range. Pure.

Written apart from the moves themselves, so that an error in those does not hide itself here. Its
cost grows with the movements, never with the cards.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card's lot says about it."""

    stage: str
    holder_id: int
    in_transit_to: int | None
    hold: str | None
    expires_on: date
    activated_on: date | None


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement: what it found, what it left, and the price of a card if it posted money."""

    id: int
    move: str
    first: int
    last: int
    version: int
    found: tuple[str | None, int | None, str | None]
    left: Facts
    price_fen: int | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A range of cards that the same movements made what they are.

    `clearing_fen` is what waits for each card in returns clearing until it is received.
    """

    first: int
    last: int
    facts: Facts
    version: int
    clearing_fen: int


@dataclass(frozen=True, slots=True)
class Break:
    """A movement that did not find the cards as the one before it left them."""

    moved: Moved
    first: int
    was: Facts | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What all movements of one batch give, in the order of the serials."""

    pieces: Sequence[Piece]
    breaks: Sequence[Break]


def replay(movements: Iterable[Moved]) -> Replayed:
    """Return what movements make of the cards; they must come in the order of their versions.

    The versions put all movements of one card in order; of different cards any order will do.
    """
    pieces: list[Piece] = []
    breaks: list[Break] = []
    for moved in movements:
        start = bisect_left(pieces, moved.first, key=lambda piece: piece.last)
        stop = bisect_left(pieces, moved.last + 1, lo=start, key=lambda piece: piece.first)
        touched = pieces[start:stop]
        breaks.extend(_breaks(moved, touched))
        pieces[start:stop] = _cover(moved, touched)
    return Replayed(pieces, breaks)


def _cover(moved: Moved, touched: Sequence[Piece]) -> list[Piece]:
    """Lay a movement over the pieces that it touches."""
    covered: list[Piece] = []
    if touched and touched[0].first < moved.first:
        covered.append(replace(touched[0], last=moved.first - 1))
    at = moved.first
    for piece in touched:
        first, last = max(piece.first, moved.first), min(piece.last, moved.last)
        if at < first:
            covered.append(_after(moved, at, first - 1, None))
        covered.append(_after(moved, first, last, piece))
        at = last + 1
    if at <= moved.last:
        covered.append(_after(moved, at, moved.last, None))
    if touched and touched[-1].last > moved.last:
        covered.append(replace(touched[-1], first=moved.last + 1))
    return covered


def _after(moved: Moved, first: int, last: int, before: Piece | None) -> Piece:
    waiting_fen = 0 if before is None else before.clearing_fen
    if moved.move == "return":
        waiting_fen = moved.price_fen or 0
    elif moved.left.stage != "in_transit":
        waiting_fen = 0
    return Piece(first, last, moved.left, moved.version, waiting_fen)


def _breaks(moved: Moved, touched: Sequence[Piece]) -> list[Break]:
    made = sum(min(p.last, moved.last) - max(p.first, moved.first) + 1 for p in touched)
    found = [
        Break(moved, max(piece.first, moved.first), piece.facts)
        for piece in touched
        if moved.version <= piece.version or moved.found != _shown(piece.facts)
    ]
    is_first = moved.found == (None, None, None)
    if is_first != (made == 0) or (not is_first and made != moved.last - moved.first + 1):
        found.append(Break(moved, moved.first, None))
    return found


def _shown(facts: Facts) -> tuple[str, int, str | None]:
    return (facts.stage, facts.holder_id, facts.hold)
