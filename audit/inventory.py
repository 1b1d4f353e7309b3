"""Where all cards are: by stage, holder and denomination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.sql.selectable import ScalarSelect

from audit.ranges import lot_size, total, used_cards
from core.db import Session
from distribution.tables import party
from redemption.tables import redemption
from vouchers.tables import STAGES, batch, denomination, lot, voucher_hold


@dataclass(frozen=True)
class InventoryRow:
    """The cards of one face value that one party holds in one stage.

    Cards in transit count with their sender until they are received. `used_cards` and `held_cards`
    are among `cards`; a used card is not counted as held. `face_value_fen` is that of all `cards`.
    """

    stage: str
    party_code: str
    party_name: str
    face_fen: int
    cards: int
    face_value_fen: int
    used_cards: int
    held_cards: int


def inventory(session: Session) -> list[InventoryRow]:
    """Return all cards that were made, by stage (in the order of a card's life), holder, face.

    Counts ranges, not cards: its cost grows with the lots and the redemptions.
    """
    used = used_cards(lot.c.first_serial, lot.c.last_serial)
    held = case((lot.c.hold.is_not(None), lot_size - used), else_=_held_alone())
    key: Sequence[ColumnElement[Any]] = (
        lot.c.stage,
        party.c.code,
        party.c.name,
        denomination.c.face_fen,
    )
    rows = session.execute(
        select(*key, total(lot_size), total(used), total(held))
        .join(party, party.c.id == lot.c.holder_id)
        .join(batch, batch.c.id == lot.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .group_by(*key)
    )
    found = [
        InventoryRow(stage, code, name, face, int(cards), int(cards) * face, int(used), int(held))
        for stage, code, name, face, cards, used, held in rows
    ]
    return sorted(found, key=lambda row: (STAGES.index(row.stage), row.party_code, row.face_fen))


def _held_alone() -> ScalarSelect[int]:
    """The unused cards of the outer lot that are on hold by themselves."""
    return (
        select(func.count())
        .select_from(voucher_hold)
        .outerjoin(redemption, redemption.c.serial == voucher_hold.c.serial)
        .where(
            voucher_hold.c.serial.between(lot.c.first_serial, lot.c.last_serial),
            redemption.c.serial.is_(None),
        )
        .scalar_subquery()
    )
