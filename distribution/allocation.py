"""Which cards of a stock go out for an order. Pure.

Whole cartons first, then whole packs, then single cards; what is opened already before what would
have to be opened; of these the oldest expiry first; of these as few ranges as can be.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter

from core.errors import DomainError
from distribution.ranges import Ranges, joined, whole_units, without
from vouchers.serials import CARDS_PER_PACK, SerialRange

CARDS_PER_CARTON = 1_000

_Dated = tuple[date, SerialRange]


class NotEnoughStock(DomainError):
    """The supplier has fewer free cards of a face value than shall go out."""

    code = "not_enough_stock"


@dataclass(frozen=True, slots=True)
class Stock:
    """Free cards that lie side by side and expire on the same day."""

    cards: SerialRange
    expires_on: date


def allocate(stock: Sequence[Stock], count: int) -> Ranges:
    """Return exactly `count` cards of the stock, sorted; raises NotEnoughStock."""
    available = sum(item.cards.count for item in stock)
    if available < count:
        raise NotEnoughStock(
            f"{available} cards are free, {count} shall go out", available=available, needed=count
        )
    taken: Ranges = []
    free = [(item.expires_on, item.cards) for item in stock]
    for size in (CARDS_PER_CARTON, CARDS_PER_PACK, 1):
        for source in _sources(free, size):
            units = (count - sum(item.count for item in taken)) // size
            taken = joined([*taken, *_pick(source, units, size, taken)])
        free = _less(free, taken)
    return taken


def _sources(free: Sequence[_Dated], size: int) -> Iterator[list[_Dated]]:
    """Yield what the units of a size can come from: loose ones first, whole cartons last."""
    cartons = _whole(free, CARDS_PER_CARTON)
    packs = _whole(_less(free, (cards for _, cards in cartons)), CARDS_PER_PACK)
    opened = _less(free, (cards for _, cards in [*cartons, *packs]))
    if size == 1:
        yield opened
    if size <= CARDS_PER_PACK:
        yield packs
    yield cartons


def _whole(free: Iterable[_Dated], size: int) -> list[_Dated]:
    return [(day, unit) for day, cards in free for unit in whole_units([cards], size)]


def _less(free: Iterable[_Dated], taken: Iterable[SerialRange]) -> list[_Dated]:
    gone = joined(taken)
    return [(day, rest) for day, cards in free for rest in without([cards], gone)]


def _pick(source: Sequence[_Dated], units: int, size: int, taken: Sequence[SerialRange]) -> Ranges:
    """Take units from runs: of the oldest day first, and of one day from as few runs as can be."""
    picked: Ranges = []
    for _, group in groupby(sorted(source), key=itemgetter(0)):
        runs = joined(cards for _, cards in group)
        while runs and units:
            run = _best(runs, units * size, [*taken, *picked])
            cards = SerialRange(run.first, min(run.last, run.first + units * size - 1))
            picked.append(cards)
            units -= cards.count // size
            runs.remove(run)
    return picked


def _best(runs: Sequence[SerialRange], cards: int, taken: Sequence[SerialRange]) -> SerialRange:
    """Of the runs that are long enough one that goes on from what is taken, or the shortest.

    Where none is long enough the longest, so that the fewest are needed.
    """
    ends = {item.last for item in taken}
    enough = [run for run in runs if run.count >= cards]
    if enough:
        return min(enough, key=lambda run: (run.first - 1 not in ends, run.count, run.first))
    return max(runs, key=lambda run: (run.count, -run.first))


def free_of(stock: Iterable[Stock], reserved: Iterable[SerialRange]) -> list[Stock]:
    """Return a stock without the cards that are set apart already."""
    kept = joined(reserved)
    return [Stock(rest, item.expires_on) for item in stock for rest in without([item.cards], kept)]
