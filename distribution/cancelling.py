"""Undoing a till's sale soon after it: a de-activation like any other, by two persons."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select

from core.db import Session
from core.errors import DomainError
from core.settings import Settings
from distribution.errors import NotHolder
from distribution.moves import Moved, PendingApproval, move_cards
from distribution.parties import require_scope
from distribution.requests import MoveRequest
from distribution.till_sales import SaleUnknown
from distribution.till_tables import till_sale
from staff.permissions import Actor, Permission, require
from vouchers.lots import load_lots
from vouchers.movements import last_movements
from vouchers.serials import SerialRange, serial_text


class SaleTooOld(DomainError):
    """The sale can no longer be cancelled at the counter; its cards may be de-activated."""

    code = "sale_too_old"


class SaleUndone(DomainError):
    """The sale was undone before; its cards were sold again since, which is another sale."""

    code = "sale_undone"


def request_cancelling(
    session: Session, settings: Settings, actor: Actor, sale_id: int, reason: str
) -> int:
    """Ask a second person to undo a sale that no card of was used; return the approval's id.

    What he agrees to is the move `deactivate` of the sale's cards: the money goes back, a card of
    plastic is in stock again, an electronic one ends. Raises SaleUnknown (another's sale too),
    SaleTooOld, SaleUndone, AlreadyRedeemed, WrongStage.
    """
    require(actor, Permission.DEACTIVATE)
    row = session.execute(select(till_sale).where(till_sale.c.id == sale_id)).one_or_none()
    if row is None or not _may_see(session, actor, row.party_id):
        raise SaleUnknown("there is no such sale")
    if session.now - row.at > timedelta(minutes=settings.till_cancel_minutes):
        raise SaleTooOld(
            f"a sale is cancelled within {settings.till_cancel_minutes} minutes;"
            " de-activate its cards instead"
        )
    _check_still_sold(session, row)
    move = MoveRequest(
        move="deactivate",
        first_serial=serial_text(row.first_serial),
        last_serial=serial_text(row.last_serial),
        document=f"sale {sale_id}",
        reason=reason,
    )
    asked: Moved | PendingApproval = move_cards(session, actor, move)
    if not isinstance(asked, PendingApproval):
        raise AssertionError("active cards are de-activated by two persons")
    return asked.approval_id


def _check_still_sold(session: Session, row: Row[Any]) -> None:
    """Lock the cards; raise SaleUndone where one of them was activated again since."""
    cards = SerialRange(row.first_serial, row.last_serial)
    load_lots(session, cards)
    sold = last_movements(session, cards, "activate")
    if any(movement.entry_id != row.entry_id for _, movement in sold):
        raise SaleUndone("the sale was undone, and its cards were sold again since")


def _may_see(session: Session, actor: Actor, party_id: int) -> bool:
    try:
        require_scope(session, actor, {party_id})
    except NotHolder:
        return False
    return True
