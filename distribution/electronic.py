"""Electronic cards: sold as they are made, and never in anybody's stock.

Two movements tell of a sale, as of any card: it is made at the till's outlet, and activated there
with its money. A sale undone ends the card, for its PIN may be known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.db import Session
from core.keyfile import KeyFile
from core.settings import Settings
from distribution.books import Sale, book
from distribution.errors import CardsElectronic
from distribution.requests import MoveOrder
from distribution.sealed_pins import withdraw_pins
from vouchers.electronic import Place, card_at_sale, take_place
from vouchers.lots import Lot, save_lots
from vouchers.movements import Cause, Step, record_movements
from vouchers.moves import MOVES, Terms, after
from vouchers.pin_list import Pins, draw_pins
from vouchers.pins import Pin
from vouchers.queries import BatchTerms
from vouchers.serials import SerialRange

_ALLOWED = ("deactivate", "hold", "release", "void")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronicCard:
    """A card just made and activated; its PIN is in memory only, and its repr hides it."""

    cards: SerialRange
    terms: BatchTerms
    pin: Pin = field(repr=False)
    entry_id: int | None


@dataclass(frozen=True, slots=True)
class CardMaking:
    """What making a card takes beside the session; `draw` is where PINs come from."""

    settings: Settings
    keyfile: KeyFile
    draw: Callable[[int], Pins] = draw_pins


def sell_electronic(
    session: Session, making: CardMaking, outlet_id: int, face_fen: int, cause: Cause
) -> ElectronicCard:
    """Make the next card of a face and activate it at an outlet, with its money.

    Lock order: batch, lot, party; the key versions come last. Raises FaceUnknown,
    ElectronicSoldOut, NoContract, PrepaidExhausted, OverCreditLimit, NoFreePin.
    """
    place = take_place(session, face_fen)
    cards = SerialRange(place.serial, place.serial)
    terms = BatchTerms(
        denomination_id=place.denomination_id,
        face_fen=face_fen,
        printed_expires_on=place.expires_on,
        is_electronic=True,
    )
    born = _born(place, outlet_id)
    facts = Terms(today=session.today, printed_expires_on=place.expires_on)
    active = Step(move="activate", before=born, after=after(born, MOVES["activate"], facts))
    with card_at_sale(making.settings, making.keyfile, place, making.draw) as card:
        booked = book(session, Sale(cards=cards, terms=terms, spent=()), [active])
        pin = card.store(session)
    save_lots(session, place.neighbour, [*place.neighbour, active.after])
    made = Step(move="generate", before=None, after=born)
    record_movements(session, [made, *booked], cause)
    return ElectronicCard(cards=cards, terms=terms, pin=pin, entry_id=booked[0].entry_id)


def check_electronic(order: MoveOrder) -> None:
    """Raise CardsElectronic for a move that only cards of plastic can make. Pure."""
    if order.move.name not in _ALLOWED:
        raise CardsElectronic(
            f"electronic cards are sold at tills; {order.move.name} is not for them"
        )


def withdrawals(session: Session, steps: Sequence[Step]) -> list[Step]:
    """Return the steps that end de-activated electronic cards; forget the PINs of dead ones."""
    if steps[0].move in ("deactivate", "void"):
        withdraw_pins(session, [step.after.cards for step in steps])
    if steps[0].move != "deactivate":
        return []
    move = MOVES["withdraw"]
    return [
        Step(move=move.name, before=step.after, after=after(step.after, move, Terms()))
        for step in steps
    ]


def _born(place: Place, outlet_id: int) -> Lot:
    return Lot(
        first_serial=place.serial,
        last_serial=place.serial,
        batch_id=place.batch_id,
        stage="stocked",
        holder_id=outlet_id,
        in_transit_to=None,
        hold=None,
        expires_on=place.expires_on,
        activated_on=None,
        version=1,
    )
