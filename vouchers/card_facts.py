"""What a redemption must know of cards, read under a lock that no move can pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select

from core.db import Session
from core.sets import among
from core.trips import Asked, answered, ask
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


@dataclass(frozen=True, slots=True)
class AskedCards:
    """The lots that were nearest to cards, those that were locked, and the cards' own holds."""

    nearest: Asked[Mapping[int, int]]
    locked: Asked[Mapping[int, Row[Any]]]
    holds: Asked[Mapping[int, str]]

    def facts(self) -> dict[int, CardFacts]:
        """Return the cards' facts after the trip; raises LotMoved.

        Serials without a voucher or without a lot yet (their batch is being made) are left out.
        """
        locked, holds = self.locked.value, self.holds.value
        return {
            serial: _facts(serial, locked.get(start), holds.get(serial))
            for serial, start in self.nearest.value.items()
        }


def ask_for_cards(session: Session, serials: Sequence[int]) -> AskedCards:
    """Lock the lots of the cards FOR SHARE, in order, then ask for what stands of single cards.

    The lots are found twice, since the lock may come to wait for a move that splits or merges them:
    then what was locked does not hold the card, and LotMoved is raised.
    """
    if not serials:
        return AskedCards(answered({}), answered({}), answered({}))
    these = {"serials": serials}
    return AskedCards(
        nearest=ask(session, _NEAREST_LOTS, these, _starts),
        locked=ask(session, _SHARE_LOTS, these, lambda rows: {r.first_serial: r for r in rows}),
        holds=ask(session, _HOLDS, these, lambda rows: {row.serial: row.hold for row in rows}),
    )


_NEAREST = (
    select(func.max(lot.c.first_serial))
    .where(lot.c.first_serial <= voucher.c.serial)
    .scalar_subquery()
)
_NEAREST_LOTS = select(voucher.c.serial, voucher.c.batch_id, _NEAREST.label("first_serial")).where(
    among(voucher.c.serial, "serials")
)
_SHARE_LOTS = (
    select(lot, denomination.c.face_fen)
    .join(batch, batch.c.id == lot.c.batch_id)
    .join(denomination, denomination.c.id == batch.c.denomination_id)
    .where(lot.c.first_serial.in_(select(_NEAREST).where(among(voucher.c.serial, "serials"))))
    .order_by(lot.c.first_serial)
    .with_for_update(read=True, of=lot)
)
_HOLDS = select(voucher_hold.c.serial, voucher_hold.c.hold).where(
    among(voucher_hold.c.serial, "serials")
)


def _starts(rows: Sequence[Any]) -> dict[int, int]:
    return {
        row.serial: row.first_serial
        for row in rows
        if row.first_serial is not None and batch_of(row.first_serial) == row.batch_id
    }


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
