"""What a caller asks for when cards shall move, and its form. Pure."""

from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from core.text import clean
from distribution.errors import NeedsReason, SpoiltOutsideRange
from vouchers.moves import MOVES, OPERATOR_HOLDS, Move, MoveUnknown
from vouchers.serials import SerialRange, parse_range, parse_serial, serial_text

MOVE_NAMES = (
    "take_into_stock",
    "dispatch",
    "receive",
    "activate",
    "deactivate",
    "return",
    "hold",
    "release",
    "void",
)
"""The moves that can be asked for; the others are part of one of these, or of the export."""

_NEEDS_REASON = ("hold", "release", "void")
_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """A move of the cards from one written serial number to another.

    `to` is the code of the party the cards go to (dispatch; optional for receive and return),
    `holder` the code of the party that must hold them now (optional), `spoilt` the serial numbers
    that the printer spoilt (take_into_stock), `hold` the kind of hold.
    """

    move: str
    first_serial: str
    last_serial: str
    to: str | None = None
    holder: str | None = None
    spoilt: tuple[str, ...] = ()
    document: str | None = None
    reason: str | None = None
    hold: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """A request whose form is good."""

    move: Move
    cards: SerialRange
    to: str | None
    holder: str | None
    spoilt: frozenset[int]
    document: str | None
    reason: str | None
    hold: str | None

    def content(self) -> dict[str, Any]:
        """Return it as JSON values for an approval, to be read by `parse_content`."""
        return {
            "move": self.move.name,
            "first_serial": serial_text(self.cards.first),
            "last_serial": serial_text(self.cards.last),
            "to": self.to,
            "holder": self.holder,
            "document": self.document,
            "reason": self.reason,
        }


def parse_request(request: MoveRequest) -> MoveOrder:
    """Return the request in stored terms.

    Raises MoveUnknown, SerialInvalid, RangeReversed, RangeOutsideBatch, SpoiltOutsideRange,
    NeedsReason or InvalidInput.
    """
    if request.move not in MOVE_NAMES:
        raise MoveUnknown(f"the moves are {', '.join(MOVE_NAMES)}")
    cards = parse_range(request.first_serial, request.last_serial)
    if request.reason is None and request.move in _NEEDS_REASON:
        raise NeedsReason(f"{request.move} needs a reason")
    return MoveOrder(
        move=MOVES[request.move],
        cards=cards,
        to=request.to,
        holder=request.holder,
        spoilt=_spoilt(request, cards),
        document=_cleaned(request.document, "the document"),
        reason=_cleaned(request.reason, "the reason"),
        hold=_hold(request),
    )


def parse_content(content: dict[str, Any]) -> MoveOrder:
    """Return the order that an approval's content holds."""
    names = ("move", "first_serial", "last_serial", "to", "holder", "document", "reason")
    return parse_request(MoveRequest(**{name: content[name] for name in names}))


def _spoilt(request: MoveRequest, cards: SerialRange) -> frozenset[int]:
    if request.spoilt and request.move != "take_into_stock":
        raise InvalidInput("spoilt cards are named when cards are taken into stock")
    serials = frozenset(parse_serial(text) for text in request.spoilt)
    for serial in sorted(serials):
        if serial not in cards:
            raise SpoiltOutsideRange(
                "a spoilt card is not in the delivered range", serial=serial_text(serial)
            )
    return serials


def _hold(request: MoveRequest) -> str | None:
    if request.move != "hold":
        if request.hold is not None:
            raise InvalidInput("a kind of hold is named with the move hold only")
        return None
    if request.hold not in OPERATOR_HOLDS:
        raise InvalidInput(f"a hold is one of {', '.join(OPERATOR_HOLDS)}")
    return request.hold


def _cleaned(value: str | None, what: str) -> str | None:
    return None if value is None else clean(value, what, _TEXT_LIMIT)
