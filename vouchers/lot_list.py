"""Lots as a person looks at them: read without any lock."""

from sqlalchemy import select

from core.db import Session
from staff.permissions import Actor, Permission, require
from vouchers.lots import BatchUnknown, Lot
from vouchers.serials import SerialRange
from vouchers.tables import batch, lot


def list_lots(session: Session, actor: Actor, cards: SerialRange, limit: int = 500) -> list[Lot]:
    """Return the lots that hold cards of a range, in the order of their serials, at most `limit`.

    Raises BatchUnknown.
    """
    require(actor, Permission.VIEW_VOUCHERS)
    known = select(batch.c.id).where(batch.c.id == cards.batch_id)
    if session.execute(known).first() is None:
        raise BatchUnknown(f"there is no batch {cards.batch_id}")
    rows = session.execute(
        select(lot)
        .where(
            lot.c.batch_id == cards.batch_id,
            lot.c.first_serial <= cards.last,
            lot.c.last_serial >= cards.first,
        )
        .order_by(lot.c.first_serial)
        .limit(limit)
    )
    return [Lot(**row) for row in rows.mappings()]
