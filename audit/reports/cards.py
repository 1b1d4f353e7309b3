"""Reports of cards: where they are, what is on the way, what was spoilt, what is sold and open."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from audit.history import Applied, Piece, applied
from audit.inventory import face_of_batches, inventory, party_names, stock
from audit.pieces import all_pieces, movements_by_batch
from audit.ranges import movement_size
from audit.reports.report import Ask, Report
from core.db import Session
from core.sheets import Column, Sheet
from vouchers.movements import latest
from vouchers.serials import SerialRange, serial_text
from vouchers.tables import batch, denomination, stock_movement

TOO_LONG = timedelta(days=7)
"""Cards that are on the way for longer are overdue."""

_NOT_DELIVERED = ("generated", "printing")
_moved = stock_movement.c
_HOLDER = (Column("holder", "Holder"), Column("holder_name", "Name"))
_FACE = Column("face_fen", "Face", "fen")
_RANGE = (Column("first_serial", "First serial"), Column("last_serial", "Last serial"))


def _inventory(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("stage", "Stage"),
        *_HOLDER,
        _FACE,
        Column("cards", "Cards", "count"),
        Column("face_value_fen", "Face value", "fen"),
        Column("used_cards", "Used", "count"),
        Column("held_cards", "On hold", "count"),
    )
    rows = [
        (
            row.stage,
            row.party_code,
            row.party_name,
            row.face_fen,
            row.cards,
            row.face_value_fen,
            row.used_cards,
            row.held_cards,
        )
        for row in inventory(session, ask.as_of, ask.within, ask.progress)
    ]
    return Sheet("inventory", columns, rows)


def _sold_not_used(session: Session, ask: Ask) -> Sheet:
    columns = (
        *_HOLDER,
        _FACE,
        Column("active_cards", "Active", "count"),
        Column("used_cards", "Used", "count"),
        Column("open_cards", "Open", "count"),
        Column("open_fen", "Open value", "fen"),
        Column("oldest_activated_on", "Oldest open since", "date"),
    )
    sums: dict[tuple[int, int], tuple[int, int, int, date | None]] = {}
    for item in stock(session, ask.as_of, ask.within, ask.progress):
        if item.piece.stage != "active":
            continue
        key = (item.piece.holder_id, item.face_fen)
        active, used, unused, oldest = sums.get(key, (0, 0, 0, None))
        since = item.piece.activated_on
        if item.open_cards and since is not None:
            oldest = since if oldest is None else min(oldest, since)
        sums[key] = (
            active + item.piece.cards,
            used + item.used,
            unused + item.open_cards,
            oldest,
        )
    names = party_names(session)
    rows = [
        (*names[holder], face, active, used, unused, unused * face, oldest)
        for (holder, face), (active, used, unused, oldest) in sums.items()
    ]
    return Sheet("sold not used", columns, sorted(rows, key=lambda row: (row[0], row[2])))


def _in_transit(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("sender", "From"),
        Column("receiver", "To"),
        _FACE,
        *_RANGE,
        Column("cards", "Cards", "count"),
        Column("face_value_fen", "Face value", "fen"),
        Column("sent_at", "Sent", "instant"),
        Column("days", "Days", "count"),
        Column("overdue", "Overdue"),
        Column("document", "Document"),
    )
    pieces = [piece for piece in all_pieces(session, ask.as_of) if _is_on_the_way(piece, ask)]
    faces, names = face_of_batches(session), party_names(session)
    rows = []
    for part, (at, document) in _departures(session, pieces, ask):
        face, days = faces[part.batch_id], (ask.as_of - at).days
        rows.append(
            (
                names[part.holder_id][0],
                names[part.in_transit_to or 0][0],
                face,
                serial_text(part.first),
                serial_text(part.last),
                part.cards,
                part.cards * face,
                at,
                days,
                "yes" if ask.as_of - at > TOO_LONG else "",
                document,
            )
        )
    return Sheet("in transit", columns, sorted(rows, key=lambda row: (row[7], row[3])))


def _is_on_the_way(piece: Piece, ask: Ask) -> bool:
    ends = {piece.holder_id, piece.in_transit_to}
    return piece.stage == "in_transit" and (ask.within is None or bool(ends & ask.within))


def _departures(
    session: Session, pieces: Iterable[Piece], ask: Ask
) -> Iterable[tuple[Piece, tuple[datetime, str | None]]]:
    """Cut pieces on the way by the movements that sent them; tell when, and by which document."""
    by_batch: dict[int, list[Piece]] = {}
    for piece in pieces:
        by_batch.setdefault(piece.batch_id, []).append(piece)
    for batch_id, movements in movements_by_batch(session, sorted(by_batch), ask.progress):
        sent = [item for item in applied(movements, ask.as_of) if _is_departure(item)]
        for piece in by_batch[batch_id]:
            for cards, moved in latest(SerialRange(piece.first, piece.last), sent):
                part = Piece(cards.first, cards.last, *_facts(piece))
                yield part, (moved.at, moved.document)


def _is_departure(item: Applied) -> bool:
    moved = item[2]
    return moved.stage == "in_transit" and moved.from_stage != "in_transit"


def _facts(piece: Piece) -> tuple[Any, ...]:
    return (
        piece.batch_id,
        piece.stage,
        piece.holder_id,
        piece.in_transit_to,
        piece.hold,
        piece.expires_on,
        piece.activated_on,
    )


def _spoilt(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("at", "When", "instant"),
        Column("batch", "Batch"),
        _FACE,
        *_RANGE,
        Column("cards", "Cards", "count"),
        Column("face_value_fen", "Face value", "fen"),
        Column("document", "Document"),
        Column("reason", "Reason"),
    )
    found = session.execute(
        select(
            _moved.at,
            _moved.batch_id,
            _moved.first_serial,
            _moved.last_serial,
            movement_size,
            _moved.document,
            _moved.reason,
        )
        .where(_moved.at <= ask.as_of, _is_spoilt(), *_since(ask))
        .order_by(_moved.at, _moved.first_serial)
    )
    faces = face_of_batches(session)
    rows = [
        (
            at,
            str(batch_id),
            faces[batch_id],
            serial_text(first),
            serial_text(last),
            cards,
            cards * faces[batch_id],
            document,
            reason,
        )
        for at, batch_id, first, last, cards, document, reason in found
    ]
    return Sheet("spoilt", columns, rows)


def _since(ask: Ask) -> tuple[ColumnElement[bool], ...]:
    return () if ask.since is None else (_moved.at >= ask.since,)


def _is_spoilt() -> ColumnElement[bool]:
    return and_(_moved.from_stage.in_(_NOT_DELIVERED), _moved.to_stage == "void")


def _production(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("batch", "Batch"),
        _FACE,
        Column("requested_cards", "Requested", "count"),
        Column("generated_cards", "Generated", "count"),
        Column("delivered_cards", "Delivered", "count"),
        Column("spoilt_cards", "Spoilt", "count"),
        Column("waiting_cards", "Not delivered yet", "count"),
        Column("void_cards", "Void later", "count"),
        Column("missing_cards", "Requested, not generated", "count"),
    )
    born, leaves = _moved.from_stage.is_(None), _moved.from_stage.in_(_NOT_DELIVERED)
    voided = and_(_moved.to_stage == "void", or_(_moved.from_stage.not_in(_NOT_DELIVERED)))
    # An electronic card is delivered as it is made.
    counts = [_sum(born), _sum(and_(or_(born, leaves), _moved.to_stage == "stocked"))]
    counts += [_sum(_is_spoilt()), _sum(voided)]
    found = session.execute(
        select(batch.c.id, denomination.c.face_fen, batch.c.size, *counts)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .outerjoin(stock_movement, and_(_moved.batch_id == batch.c.id, _moved.at <= ask.as_of))
        .where(batch.c.created_at <= ask.as_of)
        .group_by(batch.c.id, denomination.c.face_fen, batch.c.size)
        .order_by(batch.c.id)
    )
    rows = [
        (
            str(batch_id),
            face,
            size,
            int(made),
            int(delivered),
            int(spoilt),
            int(made - delivered - spoilt),
            int(void),
            int(size - made),
        )
        for batch_id, face, size, made, delivered, spoilt, void in found
    ]
    return Sheet("production", columns, rows)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, movement_size), else_=0)), 0)


REPORTS = (
    Report(
        name="inventory",
        zh="库存：按阶段、持有方、面值",
        en="Cards by stage, holder and face; in transit they count with their sender.",
        make=_inventory,
        of_parties=True,
    ),
    Report(
        name="in-transit",
        zh="在途：何时发出、是否逾期",
        en="Cards on the way: since when, and whether for over 7 days.",
        make=_in_transit,
        of_parties=True,
    ),
    Report(
        name="sold-not-used",
        zh="已售未用：按网点、面值",
        en="Activated cards not used yet, by holder and face: the liability where it was sold.",
        make=_sold_not_used,
        of_parties=True,
    ),
    Report(
        name="production",
        zh="制卡核对：订制、生成、交付、损坏、作废",
        en="Batches reconciled: requested, generated, delivered, spoilt, void.",
        make=_production,
    ),
    Report(
        name="spoilt",
        zh="损坏卡",
        en="Cards that the printer spoilt, and what was void before delivery.",
        make=_spoilt,
        has_period=True,
    ),
)
