"""What a redemption must know of cards, read under a lock that no move can pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select

from core.db import Session
from core.sets import among
from vouchers.serials import batch_of
from vouchers.tables import batch, denomination, lot, voucher, voucher_hold


class LotMoved(Exception):
    """A lot was split or merged between finding and locking it; begin the transaction again."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The facts of a card's life but for its redemption: its lot's, and its own exception."""

    serial: int
    face_fen: int
    stage: str
    hold: str | None
    expires_on: date
    activated_on: date | None
    voucher_hold: str | None


def load_cards(session: Session, serials: Sequence[int]) -> dict[int, CardFacts]:
    """Lock the lots of the cards FOR SHARE, in order, then read their facts.

    Serials without a voucher or without a lot yet (their batch is being made) are left out.
    Raises LotMoved.
    """
    if not serials:
        return {}
    starts = _nearest_lots(session, serials)
    locked = _share_lots(session, sorted(set(starts.values())))
    holds = _holds(session, sorted(starts))
    return {
        serial: _facts(serial, locked.get(start), holds.get(serial))
        for serial, start in starts.items()
    }


_NEAREST_LOTS = select(
    voucher.c.serial,
    voucher.c.batch_id,
    select(func.max(lot.c.first_serial))
    .where(lot.c.first_serial <= voucher.c.serial)
    .scalar_subquery()
    .label("first_serial"),
).where(among(voucher.c.serial, "serials"))
_SHARE_LOTS = (
    select(lot, denomination.c.face_fen)
    .join(batch, batch.c.id == lot.c.batch_id)
    .join(denomination, denomination.c.id == batch.c.denomination_id)
    .where(among(lot.c.first_serial, "starts"))
    .order_by(lot.c.first_serial)
    .with_for_update(read=True, of=lot)
)
_HOLDS = select(voucher_hold.c.serial, voucher_hold.c.hold).where(
    among(voucher_hold.c.serial, "serials")
)


def _nearest_lots(session: Session, serials: Sequence[int]) -> dict[int, int]:
    rows = session.execute(_NEAREST_LOTS, {"serials": serials})
    return {
        row.serial: row.first_serial
        for row in rows
        if row.first_serial is not None and batch_of(row.first_serial) == row.batch_id
    }


def _share_lots(session: Session, starts: Sequence[int]) -> dict[int, Row[Any]]:
    rows = session.execute(_SHARE_LOTS, {"starts": starts})
    return {row.first_serial: row for row in rows}


def _facts(serial: int, row: Row[Any] | None, voucher_hold: str | None) -> CardFacts:
    if row is None or row.last_serial < serial:
        raise LotMoved
    return CardFacts(
        serial=serial,
        face_fen=row.face_fen,
        stage=row.stage,
        hold=row.hold,
        expires_on=row.expires_on,
        activated_on=row.activated_on,
        voucher_hold=voucher_hold,
    )


def _holds(session: Session, serials: Sequence[int]) -> dict[int, str]:
    if not serials:
        return {}
    rows = session.execute(_HOLDS, {"serials": serials})
    return {row.serial: row.hold for row in rows}
