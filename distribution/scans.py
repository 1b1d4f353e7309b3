"""What a scanner reads when goods arrive, and what it means for a consignment. Pure.

The label of a pack (14 digits) or carton (13 digits) stands for those of its cards that the
consignment holds; single cards (17 digits) and ranges (`first-last`) for exactly themselves.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import InvalidInput
from distribution.allocation import CARDS_PER_CARTON
from distribution.ranges import Ranges, joined, shared, without
from vouchers.serials import CARDS_PER_PACK, SerialRange, parse_range

_RANGE = re.compile(r"([0-9]{17})[-–~ ]+([0-9]{17})")
_LABEL = re.compile(r"[0-9]{13,14}")
_CARD_DIGITS = 17
_CARTON_DIGITS = 13


class ScanUnreadable(InvalidInput):
    """Neither a serial number, nor the label of a pack or carton, nor a range."""

    code = "scan_unreadable"


@dataclass(frozen=True, slots=True)
class Scan:
    """The cards that a scan names; `is_label` where it is a pack or carton, not counted cards."""

    cards: SerialRange
    is_label: bool = False


def parse_scan(text: str) -> Scan:
    """Return what was scanned; raises ScanUnreadable, SerialInvalid and as SerialRange does."""
    text = text.strip()
    found = _RANGE.fullmatch(text)
    if found is not None:
        return Scan(parse_range(found[1], found[2]))
    if _LABEL.fullmatch(text) is not None:
        size = CARDS_PER_CARTON if len(text) == _CARTON_DIGITS else CARDS_PER_PACK
        first = int(text) * size
        return Scan(SerialRange(first, first + size - 1), is_label=True)
    if len(text) == _CARD_DIGITS:
        return Scan(parse_range(text, text))
    raise ScanUnreadable(
        "scan a card (17 digits), a pack (14), a carton (13) or a range of cards (first-last)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A consignment when goods arrive: its cards, those still on the way, claimed, on hold."""

    lines: Sequence[SerialRange]
    outstanding: Sequence[SerialRange]
    claimed: Sequence[SerialRange]
    held: Sequence[SerialRange]


def sort_scans(
    state: State, good: Iterable[Scan], damaged: Iterable[Scan], *, complete: bool
) -> dict[str, Ranges]:
    """Return what becomes of the cards, by outcome; every scanned card is in exactly one.

    received: arrived in order. damaged: arrived, but not fit. held: arrived, but somebody has put
    them on hold. repeated: received before. claimed: waiting for the answer to a claim. short: not
    scanned although everything is said to be `complete`. unexpected: not of this consignment.
    """
    sound, broken = list(good), list(damaged)
    arrived = shared([scan.cards for scan in [*sound, *broken]], state.lines)
    open_cards = without(state.outstanding, state.claimed)
    now = shared(arrived, open_cards)
    held = shared(now, state.held)
    unfit = without(shared(now, [scan.cards for scan in broken]), held)
    return {
        "received": without(now, [*held, *unfit]),
        "damaged": unfit,
        "held": held,
        "short": without(open_cards, now) if complete else [],
        "unexpected": joined(
            cards for scan in [*sound, *broken] for cards in _strange(scan, state.lines)
        ),
        "repeated": without(arrived, state.outstanding),
        "claimed": shared(arrived, shared(state.outstanding, state.claimed)),
    }


def _strange(scan: Scan, lines: Sequence[SerialRange]) -> Ranges:
    # Nobody has counted the cards behind a label; some may have been taken out before.
    if scan.is_label and shared([scan.cards], lines):
        return []
    return without([scan.cards], lines)
