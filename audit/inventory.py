"""Where all cards are, or were: by stage, holder and denomination."""

from bisect import bisect_right
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import CompoundSelect, Select, and_, select, true, union_all

from audit.counters import used_cards_of
from audit.history import Piece
from audit.pieces import Progress, all_pieces
from core.db import Session
from distribution.tables import party
from redemption.tables import redemption
from vouchers.tables import STAGES, batch, denomination, voucher_hold, voucher_hold_before


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


class Stock(msgspec.Struct, frozen=True):
    """A piece of cards with what is known of single ones: used, replaced, otherwise on hold.

    `replaced` and `held` count unused cards only.
    """

    piece: Piece
    face_fen: int
    used: int
    replaced: int
    held: int

    @property
    def open_cards(self) -> int:
        """The activated cards that can still turn into money; on hold and expired ones stay in."""
        if self.piece.stage != "active" or self.piece.hold == "replaced":
            return 0
        return self.piece.cards - self.used - self.replaced


def stock(
    session: Session,
    as_of: datetime | None = None,
    within: Set[int] | None = None,
    progress: Progress | None = None,
) -> list[Stock]:
    """Return all pieces as of an instant (None: now), of all holders or of those of `within`."""
    pieces = [
        piece
        for piece in all_pieces(session, as_of, progress)
        if within is None or piece.holder_id in within
    ]
    used = used_cards_of(session, [(piece.first, piece.last) for piece in pieces], as_of)
    faces = face_of_batches(session)
    replaced, held = _singles(session, pieces, as_of)
    return [
        Stock(piece, faces[piece.batch_id], count, replaced.get(place, 0), held.get(place, 0))
        for place, (piece, count) in enumerate(zip(pieces, used, strict=True))
    ]


def inventory(
    session: Session,
    as_of: datetime | None = None,
    within: Set[int] | None = None,
    progress: Progress | None = None,
) -> list[InventoryRow]:
    """Return all cards that were made, by stage (in the order of a card's life), holder, face.

    Counts ranges and packs, not cards: its cost grows with the lots and the packs in use.
    """
    sums: dict[tuple[str, int, int], list[int]] = {}
    for item in stock(session, as_of, within, progress):
        key = (item.piece.stage, item.piece.holder_id, item.face_fen)
        cards, used, held = sums.setdefault(key, [0, 0, 0])
        on_hold = item.replaced + item.held
        if item.piece.hold is not None:
            on_hold = item.piece.cards - item.used
        sums[key] = [cards + item.piece.cards, used + item.used, held + on_hold]
    names = party_names(session)
    found = [
        InventoryRow(stage, *names[holder], face, cards, cards * face, used, held)
        for (stage, holder, face), (cards, used, held) in sums.items()
    ]
    return sorted(found, key=lambda row: (STAGES.index(row.stage), row.party_code, row.face_fen))


def face_of_batches(session: Session) -> dict[int, int]:
    """Return the face value in fen of the cards of each batch."""
    query = select(batch.c.id, denomination.c.face_fen).join(
        denomination, denomination.c.id == batch.c.denomination_id
    )
    return {int(batch_id): int(face) for batch_id, face in session.execute(query)}


def party_names(session: Session) -> dict[int, tuple[str, str]]:
    """Return code and name of each party."""
    rows = session.execute(select(party.c.id, party.c.code, party.c.name))
    return {party_id: (code, name) for party_id, code, name in rows}


def _singles(
    session: Session, pieces: Sequence[Piece], as_of: datetime | None
) -> tuple[dict[int, int], dict[int, int]]:
    """Count the unused cards on hold by themselves by the place of their piece: replaced, other."""
    known = true() if as_of is None else redemption.c.at <= as_of
    held_then = _holds(as_of).subquery()
    query = (
        select(held_then.c.serial, held_then.c.hold)
        .outerjoin(redemption, and_(redemption.c.serial == held_then.c.serial, known))
        .where(redemption.c.serial.is_(None))
    )
    replaced: dict[int, int] = {}
    held: dict[int, int] = {}
    starts = [piece.first for piece in pieces]
    for serial, hold in session.execute(query):
        place = bisect_right(starts, serial) - 1
        if place >= 0 and serial <= pieces[place].last:
            counts = replaced if hold == "replaced" else held
            counts[place] = counts.get(place, 0) + 1
    return replaced, held


def _holds(as_of: datetime | None) -> Select[Any] | CompoundSelect[Any]:
    now = select(voucher_hold.c.serial, voucher_hold.c.hold)
    if as_of is None:
        return now
    before = voucher_hold_before.c
    return union_all(
        now.where(voucher_hold.c.at <= as_of),
        select(before.serial, before.hold).where(before.since <= as_of, before.until > as_of),
    )
