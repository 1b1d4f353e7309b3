"""Cards that are on the way for too long, at any instant of the past."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, select

from core.db import Session
from distribution.papers import within_scope
from distribution.ranges import Ranges, card_count, without
from distribution.tables import party
from staff.permissions import Actor, Permission, require
from vouchers.serials import SerialRange
from vouchers.tables import batch, denomination, stock_movement


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Cards that were sent under one document and have not arrived; `days` are whole ones."""

    document: str | None
    sender: str
    receiver: str
    sent_at: datetime
    days: int
    ranges: Ranges
    cards: int
    face_value_fen: int


def in_transit_too_long(session: Session, actor: Actor, days: int, at: datetime) -> list[Overdue]:
    """Return what was on the way for more than `days` days at an instant, the oldest first.

    Read from the movements: of an instant that is final the answer never changes.
    """
    require(actor, Permission.VIEW_TRADE)
    found: dict[tuple[Any, ...], list[tuple[Ranges, int]]] = {}
    for row in _sent(session, actor, at - timedelta(days=days), at):
        rest = without([_cards(row)], _moved_on(session, row, at))
        if rest:
            key = (row.at, row.document, row.sender, row.receiver)
            found.setdefault(key, []).append((rest, row.face_fen))
    return [_overdue(key, parts, at) for key, parts in sorted(found.items(), key=_oldest)]


def _sent(session: Session, actor: Actor, before: datetime, at: datetime) -> list[Row[Any]]:
    moved, on = stock_movement, stock_movement.alias("on")
    sender, receiver = party.alias("sender"), party.alias("receiver")
    gone = exists().where(
        on.c.batch_id == moved.c.batch_id,
        on.c.version > moved.c.version,
        on.c.first_serial <= moved.c.first_serial,
        on.c.last_serial >= moved.c.last_serial,
        on.c.to_stage != "in_transit",
        on.c.at <= at,
    )
    query = (
        select(
            moved,
            sender.c.code.label("sender"),
            receiver.c.code.label("receiver"),
            denomination.c.face_fen,
        )
        .join(sender, sender.c.id == moved.c.to_holder)
        .join(receiver, receiver.c.id == moved.c.in_transit_to)
        .join(batch, batch.c.id == moved.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(
            moved.c.to_stage == "in_transit",
            moved.c.from_stage != "in_transit",
            moved.c.at < before,
            ~gone,
        )
        .order_by(moved.c.at, moved.c.id)
    )
    condition = within_scope(session, actor, moved.c.to_holder, moved.c.in_transit_to)
    return list(session.execute(query if condition is None else query.where(condition)))


def _moved_on(session: Session, row: Row[Any], at: datetime) -> Ranges:
    moved = stock_movement.c
    rows = session.execute(
        select(moved.first_serial, moved.last_serial).where(
            moved.batch_id == row.batch_id,
            moved.version > row.version,
            moved.first_serial <= row.last_serial,
            moved.last_serial >= row.first_serial,
            moved.to_stage != "in_transit",
            moved.at <= at,
        )
    )
    return [SerialRange(*each) for each in rows]


def _cards(row: Row[Any]) -> SerialRange:
    return SerialRange(row.first_serial, row.last_serial)


def _oldest(item: tuple[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    at, document, *more = item[0]
    return (at, document or "", *more)


def _overdue(key: tuple[Any, ...], parts: Iterable[tuple[Ranges, int]], at: datetime) -> Overdue:
    sent_at, document, sender, receiver = key
    known = list(parts)
    return Overdue(
        document=document,
        sender=sender,
        receiver=receiver,
        sent_at=sent_at,
        days=(at - sent_at).days,
        ranges=[cards for ranges, _ in known for cards in ranges],
        cards=sum(card_count(ranges) for ranges, _ in known),
        face_value_fen=sum(card_count(ranges) * face_fen for ranges, face_fen in known),
    )
