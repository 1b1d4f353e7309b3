"""Plain facts of each card, moved by the simplest possible rules: what the product must equal."""

from collections.abc import Callable
from dataclasses import dataclass, replace

PARENT = {"outlet": "city", "outlet2": "city", "city": "province", "province": "warehouse"}
OUTLETS = ("outlet", "outlet2")


@dataclass(frozen=True)
class Card:
    """One card. `value` tells where the money of a sold card stands."""

    stage: str = "stocked"
    holder: str = "outlet"
    to: str | None = None
    hold: str | None = None
    used: bool = False
    value: str | None = None


Rule = Callable[[list[Card], str], list[Card] | None]
"""The cards after a move of all of them, or None where it must be refused."""


def redeem(cards: list[Card], _to: str) -> list[Card] | None:
    if any(card.stage != "active" or card.hold or card.used for card in cards):
        return None
    return [replace(card, used=True, value="account") for card in cards]


def dispatch(cards: list[Card], to: str) -> list[Card] | None:
    holder = _one_holder(cards)
    below, beside = PARENT.get(to) == holder, PARENT.get(to) == PARENT.get(holder or "")
    if not _stocked(cards) or to == holder or to == "warehouse" or not (below or beside):
        return None
    return [replace(card, stage="in_transit", to=to) for card in cards]


def receive(cards: list[Card], _to: str) -> list[Card] | None:
    if {card.stage for card in cards} != {"in_transit"} or len({c.to for c in cards}) != 1:
        return None
    if any(card.hold for card in cards):
        return None
    return [
        replace(card, stage="stocked", holder=card.to or "", to=None, value=None) for card in cards
    ]


def activate(cards: list[Card], _to: str) -> list[Card] | None:
    if not _stocked(cards) or _one_holder(cards) not in OUTLETS:
        return None
    return [replace(card, stage="active", value="liability") for card in cards]


def deactivate(cards: list[Card], _to: str) -> list[Card] | None:
    if any(card.stage != "active" or card.hold or card.used for card in cards):
        return None
    if _one_holder(cards) is None:
        return None
    return [replace(card, stage="stocked", value=None) for card in cards]


def return_(cards: list[Card], _to: str) -> list[Card] | None:
    parent = PARENT.get(_one_holder(cards) or "")
    if any(card.stage not in ("stocked", "active") or card.hold for card in cards):
        return None
    if parent is None or all(card.used for card in cards):
        return None
    return [card if card.used else _sent_back(card, parent) for card in cards]


def hold(cards: list[Card], _to: str) -> list[Card] | None:
    if any(card.stage == "void" or card.hold for card in cards):
        return None
    return [replace(card, hold="stolen") for card in cards]


def release(cards: list[Card], _to: str) -> list[Card] | None:
    if any(card.stage == "void" or not card.hold for card in cards):
        return None
    return [replace(card, hold=None) for card in cards]


def void(cards: list[Card], _to: str) -> list[Card] | None:
    if any(card.stage == "void" for card in cards):
        return None
    return [
        replace(
            card,
            stage="void",
            to=None,
            hold=None,
            value="suspense" if card.value in ("liability", "clearing") else card.value,
        )
        for card in cards
    ]


RULES: dict[str, Rule] = {
    "redeem": redeem,
    "dispatch": dispatch,
    "receive": receive,
    "activate": activate,
    "deactivate": deactivate,
    "return": return_,
    "hold": hold,
    "release": release,
    "void": void,
}


def _sent_back(card: Card, parent: str) -> Card:
    value = "clearing" if card.stage == "active" else None
    return replace(card, stage="in_transit", to=parent, value=value)


def _one_holder(cards: list[Card]) -> str | None:
    holders = {card.holder for card in cards}
    return holders.pop() if len(holders) == 1 else None


def _stocked(cards: list[Card]) -> bool:
    return _one_holder(cards) is not None and all(
        card.stage == "stocked" and card.hold is None for card in cards
    )
