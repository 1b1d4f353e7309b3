"""Sets of cards as sorted ranges that neither overlap nor touch within a batch. Pure."""

from collections.abc import Iterable, Sequence

from vouchers.serials import SerialRange, batch_of

Ranges = list[SerialRange]


def joined(ranges: Iterable[SerialRange]) -> Ranges:
    """Return the cards that are in any of the ranges, as few ranges as there can be."""
    found: Ranges = []
    for item in sorted(ranges):
        last = found[-1] if found else None
        if last and item.first <= last.last + 1 and last.batch_id == item.batch_id:
            found[-1] = SerialRange(last.first, max(last.last, item.last))
        else:
            found.append(item)
    return found


def shared(left: Iterable[SerialRange], right: Iterable[SerialRange]) -> Ranges:
    """Return the cards that are in both."""
    ones, others = joined(left), joined(right)
    found: Ranges = []
    i = j = 0
    while i < len(ones) and j < len(others):
        both = ones[i].overlap(others[j].first, others[j].last)
        if both is not None:
            found.append(both)
        if ones[i].last < others[j].last:
            i += 1
        else:
            j += 1
    return found


def without(left: Iterable[SerialRange], right: Iterable[SerialRange]) -> Ranges:
    """Return the cards of the first that are not in the second."""
    ones, others = joined(left), joined(right)
    found: Ranges = []
    j = 0
    for item in ones:
        first = item.first
        while j < len(others) and others[j].last < first:
            j += 1
        place = j
        while place < len(others) and others[place].first <= item.last:
            if others[place].first > first:
                found.append(SerialRange(first, others[place].first - 1))
            first = max(first, others[place].last + 1)
            place += 1
        if first <= item.last:
            found.append(SerialRange(first, item.last))
    return found


def singles(serials: Iterable[int]) -> Ranges:
    """Return single cards as ranges."""
    return joined(SerialRange(serial, serial) for serial in serials)


def card_count(ranges: Iterable[SerialRange]) -> int:
    """Return how many cards ranges hold that do not overlap."""
    return sum(item.count for item in ranges)


def covers(ranges: Sequence[SerialRange], cards: SerialRange) -> bool:
    """Tell whether all cards of a range are in the ranges."""
    return not without([cards], ranges)


def whole_units(ranges: Iterable[SerialRange], size: int) -> Ranges:
    """Return the parts that hold whole packs or cartons of a size, as they are numbered."""
    found: Ranges = []
    for item in ranges:
        first = -(-item.first // size) * size
        stop = (item.last + 1) // size * size
        if first < stop and batch_of(first) == item.batch_id:
            found.append(SerialRange(first, stop - 1))
    return found
