"""What a redemption must know of cards, read under a lock that no move can pass."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, func, literal_column, select

from core.db import Session
from core.sets import among, items
from core.trips import Asked, answered, ask
from vouchers.serials import CARDS_PER_BATCH, batch_of
from vouchers.tables import batch, denomination, lot, voucher, voucher_hold


class LotMoved(Exception):
    """A lot was split or merged between finding and locking it; begin the transaction again."""


class CardFacts(Struct, frozen=True, gc=False):
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
    """Which cards there are, the lots that were locked, sorted, and the cards' own holds."""

    session: Session
    serials: Sequence[int]
    exist: Asked[AbstractSet[int]]
    locked: Asked[Sequence[Any]]
    holds: Asked[Mapping[int, str]]

    def facts(self) -> dict[int, CardFacts]:
        """Return the cards' facts after the trip; raises LotMoved.

        Serials without a voucher or without a lot yet (their batch is being made) are left out.
        """
        exist, holds, locked = self.exist.value, self.holds.value, self.locked.value
        starts = [row.first_serial for row in locked]
        found: dict[int, CardFacts] = {}
        for serial in self.serials:
            place = bisect_right(starts, serial) - 1
            if place >= 0 and serial <= locked[place].last_serial:
                if serial in exist:
                    found[serial] = _facts(serial, locked[place], holds.get(serial))
            elif _has_lot(self.session, serial):
                raise LotMoved
        return found


def ask_for_cards(
    session: Session, serials: Sequence[int], known: AbstractSet[int] = frozenset()
) -> AskedCards:
    """Lock the lots of the cards FOR SHARE, in order, then ask for what stands of single cards.

    `known` are those that were found by their PIN and so exist. The lock may come to wait for a
    move that splits or merges lots: then what was locked does not hold the card, and LotMoved is
    raised.
    """
    if not serials:
        return AskedCards(session, (), answered(set()), answered(()), answered({}))
    these = {"serials": serials}
    return AskedCards(
        session,
        serials,
        exist=_existing(session, known, [s for s in serials if s not in known]),
        locked=ask(session, _SHARE_LOTS, these, list),
        holds=ask(session, _HOLDS, these, lambda rows: {row.serial: row.hold for row in rows}),
    )


_ASKED = items("serials", BigInteger())
_FIRST_OF_BATCH = _ASKED.c.value - _ASKED.c.value % literal_column(str(CARDS_PER_BATCH))
_NEAREST = (
    select(func.max(lot.c.first_serial))
    # Not from the first lot of all: PostgreSQL reads a whole page of them to return the last.
    .where(lot.c.first_serial.between(_FIRST_OF_BATCH, _ASKED.c.value))
    .scalar_subquery()
)
_SHARE_LOTS = (
    select(lot, denomination.c.face_fen)
    .join(batch, batch.c.id == lot.c.batch_id)
    .join(denomination, denomination.c.id == batch.c.denomination_id)
    .where(lot.c.first_serial.in_(select(_NEAREST).select_from(_ASKED).distinct()))
    .order_by(lot.c.first_serial)
    .with_for_update(read=True, of=lot)
)
_HOLDS = select(voucher_hold.c.serial, voucher_hold.c.hold).where(
    among(voucher_hold.c.serial, "serials")
)
_EXIST = select(voucher.c.serial).where(among(voucher.c.serial, "serials"))


def _existing(
    session: Session, known: AbstractSet[int], doubtful: Sequence[int]
) -> Asked[AbstractSet[int]]:
    if not doubtful:
        return answered(known)
    return ask(
        session, _EXIST, {"serials": doubtful}, lambda rows: known | {row.serial for row in rows}
    )


def _has_lot(session: Session, serial: int) -> bool:
    """Tell whether some lot of the card's batch begins at or below it."""
    first = batch_of(serial) * CARDS_PER_BATCH
    lots = select(lot.c.first_serial).where(lot.c.first_serial.between(first, serial)).limit(1)
    return session.execute(lots).first() is not None


def _facts(serial: int, row: Any, voucher_hold: str | None) -> CardFacts:
    return CardFacts(
        serial=serial,
        face_fen=row.face_fen,
        stage=row.stage,
        hold=row.hold,
        expires_on=row.expires_on,
        activated_on=row.activated_on,
        voucher_hold=voucher_hold,
    )
