"""Which moves exist, what each demands of a lot, and what it makes of it. Pure.

One table, MOVES, is the rule (domain rule: where a card is in its life). Nothing ever leads out of
`void`, and a redeemed card stays used whatever happens to its lot.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from msgspec.structs import replace

from core.errors import DomainError, InvalidInput
from staff.permissions import Permission
from vouchers.lots import Lot
from vouchers.serials import serial_text
from vouchers.tables import STAGES

YEARS_FROM_ACTIVATION = 3
"""A bearer card stays valid at least so long from its activation."""

OPERATOR_HOLDS = ("suspended", "stolen", "lost", "damaged")
"""Reasons a lot can be put on hold for; `replaced` comes from replacing a card only."""


class MoveUnknown(InvalidInput):
    """No move has that name."""

    code = "move_unknown"


class WrongStage(DomainError):
    """A lot in the range is not where this move starts from."""

    code = "wrong_stage"


class LotOnHold(DomainError):
    """A lot in the range is on hold; release it first."""

    code = "lot_on_hold"


class NotOnHold(DomainError):
    """A lot in the range is not on hold, so there is nothing to release."""

    code = "not_on_hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a move needs to know beside the lot; each move takes what it uses.

    `party_id` is where the cards go, `today` the local day, `printed_expires_on` the date on the
    cards, `hold` the reason to hold them for, `extended_to` the new last day.
    """

    party_id: int | None = None
    hold: str | None = None
    today: date | None = None
    printed_expires_on: date | None = None
    extended_to: date | None = None


T = TypeVar("T")

Effect = Callable[[Lot, Terms], Lot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One row of the table.

    `second_person_from` are the stages from which another person must agree. `held` tells whether
    a lot on hold is refused ("no"), moves as well ("yes") or is what the move is for ("only").
    """

    name: str
    from_stages: frozenset[str]
    permission: Permission
    effect: Effect
    second_person_from: frozenset[str] = frozenset()
    held: str = "no"


def three_years_on(day: date) -> date:
    """Return the same day three years later; of 29 February the last day of that month."""
    year = day.year + YEARS_FROM_ACTIVATION
    return day.replace(year=year, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _to(stage: str) -> Effect:
    return lambda lot, _terms: replace(lot, stage=stage)


def _sent(lot: Lot, terms: Terms) -> Lot:
    """On the way; the sender holds the cards until they are received. Active ones lose it."""
    printed = lot.expires_on if lot.activated_on is None else _known(terms.printed_expires_on)
    return replace(
        lot,
        stage="in_transit",
        in_transit_to=_known(terms.party_id),
        activated_on=None,
        expires_on=printed,
    )


def _received(lot: Lot, _terms: Terms) -> Lot:
    return replace(lot, stage="stocked", holder_id=_known(lot.in_transit_to), in_transit_to=None)


def _stocked(lot: Lot, terms: Terms) -> Lot:
    return replace(lot, stage="stocked", holder_id=_known(terms.party_id))


def _activated(lot: Lot, terms: Terms) -> Lot:
    today = _known(terms.today)
    expires_on = max(lot.expires_on, three_years_on(today))
    return replace(lot, stage="active", activated_on=today, expires_on=expires_on)


def _deactivated(lot: Lot, terms: Terms) -> Lot:
    printed = _known(terms.printed_expires_on)
    return replace(lot, stage="stocked", activated_on=None, expires_on=printed)


def _held(lot: Lot, terms: Terms) -> Lot:
    return replace(lot, hold=_known(terms.hold))


def _released(lot: Lot, _terms: Terms) -> Lot:
    return replace(lot, hold=None)


def _extended(lot: Lot, terms: Terms) -> Lot:
    return replace(lot, expires_on=max(lot.expires_on, _known(terms.extended_to)))


def _voided(lot: Lot, _terms: Terms) -> Lot:
    # activated_on stays: it tells a card that was sold from one that never was.
    return replace(lot, stage="void", in_transit_to=None, hold=None)


_ANY = frozenset(STAGES) - {"void"}


def _from(*stages: str) -> frozenset[str]:
    return frozenset(stages)


MOVES: Mapping[str, Move] = {
    move.name: move
    for move in (
        Move(
            name="send_to_printer",
            from_stages=_from("generated"),
            permission=Permission.EXPORT,
            effect=_to("printing"),
        ),
        Move(
            name="take_into_stock",
            from_stages=_from("printing"),
            permission=Permission.TAKE_INTO_STOCK,
            effect=_stocked,
        ),
        Move(  # what the printer spoilt; part of taking the rest into stock
            name="spoil",
            from_stages=_from("printing"),
            permission=Permission.TAKE_INTO_STOCK,
            effect=_voided,
        ),
        Move(
            name="dispatch",
            from_stages=_from("stocked"),
            permission=Permission.DISPATCH,
            effect=_sent,
        ),
        Move(  # a dispatch to a sibling
            name="transfer",
            from_stages=_from("stocked"),
            permission=Permission.TRANSFER,
            effect=_sent,
            second_person_from=_from("stocked"),
        ),
        Move(
            name="receive",
            from_stages=_from("in_transit"),
            permission=Permission.RECEIVE,
            effect=_received,
        ),
        Move(
            name="activate",
            from_stages=_from("stocked"),
            permission=Permission.ACTIVATE,
            effect=_activated,
        ),
        Move(
            name="deactivate",
            from_stages=_from("active"),
            permission=Permission.DEACTIVATE,
            effect=_deactivated,
            second_person_from=_from("active"),
        ),
        Move(  # the end of an electronic card whose sale was undone; part of de-activating it
            name="withdraw",
            from_stages=_from("stocked"),
            permission=Permission.DEACTIVATE,
            effect=_voided,
        ),
        Move(
            name="return",
            from_stages=_from("stocked", "active"),
            permission=Permission.RETURN_STOCK,
            effect=_sent,
            second_person_from=_from("active"),
        ),
        Move(name="hold", from_stages=_ANY, permission=Permission.HOLD, effect=_held),
        Move(
            name="release",
            from_stages=_ANY,
            permission=Permission.HOLD,
            effect=_released,
            held="only",
        ),
        Move(
            name="void",
            from_stages=_ANY,
            permission=Permission.VOID,
            effect=_voided,
            second_person_from=_ANY,
            held="yes",
        ),
        Move(  # becomes the card of somebody whose own one is expired, damaged or lost
            name="replace",
            from_stages=_from("stocked"),
            permission=Permission.REPLACE_CARD,
            effect=_activated,
            second_person_from=_from("stocked"),
        ),
        Move(  # becomes the card of somebody whose redemption was reversed
            name="reissue",
            from_stages=_from("stocked"),
            permission=Permission.REPLACE_CARD,
            effect=_activated,
            second_person_from=_from("stocked"),
        ),
        Move(
            name="extend",
            from_stages=_from("active"),
            permission=Permission.REPLACE_CARD,
            effect=_extended,
        ),
    )
}
"""Every move of cards but `generate`, which makes them."""


def check(lots: Iterable[Lot], move: Move) -> None:
    """Raise WrongStage, LotOnHold or NotOnHold for the first lot that may not make the move."""
    for lot in lots:
        if lot.stage not in move.from_stages:
            raise _refusal(WrongStage, lot, f"{move.name} does not start from {lot.stage}")
        if move.held == "no" and lot.hold is not None:
            raise _refusal(LotOnHold, lot, f"on hold: {lot.hold}")
        if move.held == "only" and lot.hold is None:
            raise _refusal(NotOnHold, lot, "not on hold")


def needs_second_person(lots: Sequence[Lot], move: Move) -> bool:
    """Tell whether another person must agree to this move of these lots."""
    return any(lot.stage in move.second_person_from for lot in lots)


def after(lot: Lot, move: Move, terms: Terms) -> Lot:
    """Return what the move makes of a lot, its version risen by one; raises as `check` does."""
    check((lot,), move)
    return replace(move.effect(lot, terms), version=lot.version + 1)


def _refusal(error: type[DomainError], lot: Lot, message: str) -> DomainError:
    first, last = serial_text(lot.first_serial), serial_text(lot.last_serial)
    return error(
        f"{first} to {last}: {message}",
        first_serial=first,
        last_serial=last,
        stage=lot.stage,
        hold=lot.hold,
    )


def _known(value: T | None) -> T:
    if value is None:
        raise ValueError("the move lacks one of its terms")
    return value
