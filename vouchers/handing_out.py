"""Single cards handed to a customer in the place of others: locked, looked at, made active.

A card handed out so is sold to nobody a second time. It carries the price of the sale that it
stands for, so that voiding or returning it later is booked as it would have been for that card.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from core.db import Session
from core.errors import DomainError
from staff.permissions import Actor, Forbidden
from vouchers.lots import Lot, cut, load_lots, save_lots
from vouchers.movements import Cause, Price, Step, record_movements
from vouchers.moves import MOVES, LotOnHold, Terms, after, check
from vouchers.queries import batch_terms, spent_serials
from vouchers.serials import SerialRange, batch_of, serial_text
from vouchers.tables import stock_movement, voucher_hold


class CardUnfit(DomainError):
    """The new card cannot stand for the old one: another value, expired, or the same card."""

    code = "card_unfit"


@dataclass(frozen=True, slots=True)
class LockedCard:
    """One card whose lots are locked; nobody moves or redeems it until the transaction ends.

    `locked` are all lots that `save_lots` must be told of, `hold` its own exception or its lot's,
    `spent` whether it is redeemed or replaced.
    """

    serial: int
    lot: Lot
    locked: Sequence[Lot]
    hold: str | None
    spent: bool

    @property
    def facts(self) -> dict[str, str | None]:
        """What an approval remembers of it: the lot's version would rise with a neighbour's."""
        item = self.lot
        return {
            "serial_number": serial_text(self.serial),
            "stage": item.stage,
            "holder_id": str(item.holder_id),
            "hold": self.hold,
            "expires_on": item.expires_on.isoformat(),
            "activated_on": None if item.activated_on is None else item.activated_on.isoformat(),
        }


def require_company(actor: Actor) -> None:
    """Raise Forbidden for a member of a party: a customer's cards and money are the company's."""
    if actor.party_id is not None:
        raise Forbidden("only staff of the company may do this", permission="company")


def lock_cards(session: Session, serials: Iterable[int]) -> Mapping[int, LockedCard]:
    """Lock the lots of single cards, in order; then read what is known of the cards.

    Raises BatchUnknown, BatchNotReady, RangeOutsideBatch.
    """
    wanted = sorted(set(serials))
    locked = {serial: load_lots(session, SerialRange(serial, serial)) for serial in wanted}
    return {serial: _locked(session, serial, locked[serial]) for serial in wanted}


def check_new_card(session: Session, old: int, new: LockedCard, move: str, today: date) -> int:
    """Return the face value in fen once the new card may stand for the old one.

    Raises CardUnfit, LotOnHold, WrongStage.
    """
    if new.serial == old:
        raise CardUnfit("a card cannot stand for itself")
    check((new.lot,), MOVES[move])
    if new.hold is not None:
        raise LotOnHold(
            f"the card {serial_text(new.serial)} is on hold", first_serial=serial_text(new.serial)
        )
    was, becomes = (batch_terms(session, batch_of(serial)) for serial in (old, new.serial))
    if was.denomination_id != becomes.denomination_id:
        raise CardUnfit(
            "the new card has another value", face_fen=was.face_fen, new_face_fen=becomes.face_fen
        )
    if becomes.printed_expires_on < today:
        raise CardUnfit("the new card is past its date", expires_on=str(becomes.printed_expires_on))
    return becomes.face_fen


def sale_of(session: Session, serial: int) -> Price:
    """Return at which price a card was sold, to whom: its last movement with a price.

    Only final while the caller holds the card's lot, and for cards that were sold.
    """
    moved = stock_movement.c
    row = session.execute(
        select(moved.owing_party_id, moved.price_fen, moved.commission_fen)
        .where(
            moved.batch_id == batch_of(serial),
            moved.first_serial <= serial,
            moved.last_serial >= serial,
            moved.price_fen.is_not(None),
        )
        .order_by(moved.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise RuntimeError(f"{serial_text(serial)} is active, but no movement tells its price")
    return Price(
        owing_party_id=row.owing_party_id,
        price_fen=row.price_fen,
        commission_fen=row.commission_fen,
    )


def hand_out(
    session: Session,
    card: LockedCard,
    move: str,
    price: Price,
    cause: Cause,
    entry_id: int | None = None,
) -> int:
    """Make a stocked card active, at the price it stands for; return the movement's id."""
    becomes = after(card.lot, MOVES[move], Terms(today=session.today))
    before, inside, behind = cut(card.locked, SerialRange(card.serial, card.serial))
    save_lots(session, card.locked, [*before, becomes, *behind])
    step = Step(move=move, before=inside[0], after=becomes, price=price, entry_id=entry_id)
    return record_movements(session, [step], cause)[0]


def _locked(session: Session, serial: int, lots: Sequence[Lot]) -> LockedCard:
    cards = SerialRange(serial, serial)
    _, inside, _ = cut(lots, cards)
    own = session.execute(
        select(voucher_hold.c.hold).where(voucher_hold.c.serial == serial)
    ).scalar_one_or_none()
    spent = bool(spent_serials(session, cards))
    holds = [hold for hold in (own, inside[0].hold) if hold is not None]
    # The hold that says most: a lost card may be replaced, a suspended one may not.
    hold = min(holds, key=lambda each: each in ("lost", "damaged"), default=None)
    return LockedCard(serial, inside[0], lots, hold, spent)
