"""Credit notes: the paper of what a party was credited for sold cards that came back.

The receipt of the cards posts the money; a note names the movements and, through them, the entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Session
from core.numbers import paper_number
from distribution import papers
from distribution.errors import PaperUnknown
from distribution.paper_tables import consignment, credit_note, credit_note_line
from distribution.tables import party
from staff.permissions import Actor, Permission, require
from vouchers.serials import SerialRange
from vouchers.tables import stock_movement


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """Returned cards of one price, and the journal entry that credited them."""

    cards: SerialRange
    price_fen: int
    commission_fen: int
    entry_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """What `party` was credited, in fen: the face value less the commission clawed back."""

    id: int
    number: str
    consignment: str
    party: str
    party_name: str
    cards: int
    face_value_fen: int
    commission_fen: int
    credit_fen: int
    at: datetime
    lines: tuple[CreditLine, ...]


def issue_credit_notes(session: Session, of: Row[Any], movement_ids: Sequence[int]) -> list[str]:
    """Write a note for each party that these receipts have credited; return their numbers."""
    moved = stock_movement.c
    rows = session.execute(
        select(stock_movement)
        .where(moved.id.in_(movement_ids), moved.price_fen.is_not(None))
        .order_by(moved.owing_party_id, moved.first_serial)
    ).all()
    numbers = []
    for party_id, group in groupby(rows, attrgetter("owing_party_id")):
        numbers.append(_write(session, of.id, party_id, list(group)))
    return numbers


def read_credit_note(session: Session, actor: Actor, number: str) -> CreditNote:
    """Return a note of the actor's own party or one below, or of what came back to them."""
    require(actor, Permission.VIEW_TRADE)
    query = _query(session, actor).where(credit_note.c.number == number)
    row = session.execute(query).one_or_none()
    if row is None:
        raise PaperUnknown("there is no credit note of this number")
    return _note(session, row)


def list_credit_notes(
    session: Session, actor: Actor, after_id: int = 0, limit: int = 50
) -> list[CreditNote]:
    """Return the notes that the actor may see, by id."""
    require(actor, Permission.VIEW_TRADE)
    rows = papers.page(session, _query(session, actor), credit_note, after_id, limit)
    return [_note(session, row) for row in rows]


def _write(session: Session, consignment_id: int, party_id: int, rows: Sequence[Row[Any]]) -> str:
    counts = [row.last_serial - row.first_serial + 1 for row in rows]
    face = sum(row.price_fen * count for row, count in zip(rows, counts, strict=True))
    commission = sum(row.commission_fen * count for row, count in zip(rows, counts, strict=True))
    note = {
        "id": session.new_id(),
        "number": paper_number(session, "CR"),
        "consignment_id": consignment_id,
        "party_id": party_id,
        "card_count": sum(counts),
        "face_value_fen": face,
        "commission_fen": commission,
        "credit_fen": face - commission,
        "at": session.now,
    }
    session.execute(credit_note.insert(), note)
    lines = [{"movement_id": row.id, "credit_note_id": note["id"]} for row in rows]
    session.execute(credit_note_line.insert(), lines)
    return str(note["number"])


def _query(session: Session, actor: Actor) -> Select[Any]:
    query = (
        select(
            credit_note,
            consignment.c.number.label("consignment"),
            party.c.code.label("party"),
            party.c.name.label("party_name"),
        )
        .join(consignment, consignment.c.id == credit_note.c.consignment_id)
        .join(party, party.c.id == credit_note.c.party_id)
    )
    sides = (credit_note.c.party_id, consignment.c.sender_id, consignment.c.receiver_id)
    condition = papers.within_scope(session, actor, *sides)
    return query if condition is None else query.where(condition)


def _note(session: Session, row: Row[Any]) -> CreditNote:
    moved = stock_movement.c
    lines = session.execute(
        select(stock_movement)
        .join(credit_note_line, credit_note_line.c.movement_id == moved.id)
        .where(credit_note_line.c.credit_note_id == row.id)
        .order_by(moved.first_serial)
    )
    return CreditNote(
        id=row.id,
        number=row.number,
        consignment=row.consignment,
        party=row.party,
        party_name=row.party_name,
        cards=row.card_count,
        face_value_fen=row.face_value_fen,
        commission_fen=row.commission_fen,
        credit_fen=row.credit_fen,
        at=row.at,
        lines=tuple(
            CreditLine(
                cards=SerialRange(each.first_serial, each.last_serial),
                price_fen=each.price_fen,
                commission_fen=each.commission_fen,
                entry_id=each.entry_id,
            )
            for each in lines
        ),
    )
