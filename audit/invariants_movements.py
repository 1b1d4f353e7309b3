"""Invariants of stock movements: replayed they give the lots, and stock adds up."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row, Select, func, select, union_all

from accounts.ledger import LedgerCode
from audit.books import credit_balance_fen
from audit.invariant import Invariant, Offence, first_of, none_of
from audit.ranges import lot_size, movement_size
from audit.replay import Break, Facts, Moved, Piece, Replayed, replay
from core.db import Session
from distribution.tables import party
from vouchers.serials import serial_text
from vouchers.tables import batch, lot, stock_movement

_FACTS = tuple(item.name for item in fields(Facts))


def _replayed(session: Session) -> Iterator[tuple[int, Replayed]]:
    """Replay one batch after the other; never is more than one in memory."""
    moved = stock_movement.c
    for batch_id in session.execute(select(batch.c.id).order_by(batch.c.id)).scalars().all():
        rows = session.execute(
            select(stock_movement)
            .where(moved.batch_id == batch_id)
            .order_by(moved.version, moved.id)
        )
        yield batch_id, replay(_moved(row) for row in rows)


def _moved(row: Row[Any]) -> Moved:
    return Moved(
        id=row.id,
        move=row.move,
        first=row.first_serial,
        last=row.last_serial,
        version=row.version,
        found=(row.from_stage, row.from_holder, row.from_hold),
        left=Facts(
            stage=row.to_stage,
            holder_id=row.to_holder,
            in_transit_to=row.in_transit_to,
            hold=row.to_hold,
            expires_on=row.expires_on,
            activated_on=row.activated_on,
        ),
        price_fen=row.price_fen,
    )


def _movements_give_lots(session: Session) -> list[Offence]:
    return first_of(
        found
        for batch_id, replayed in _replayed(session)
        for found in _unlike(_lots(session, batch_id), replayed.pieces)
    )


def _lots(session: Session, batch_id: int) -> list[Piece]:
    rows = session.execute(
        select(lot).where(lot.c.batch_id == batch_id).order_by(lot.c.first_serial)
    )
    return [
        Piece(
            first=row.first_serial,
            last=row.last_serial,
            facts=Facts(**{name: getattr(row, name) for name in _FACTS}),
            version=row.version,
            clearing_fen=0,
        )
        for row in rows
    ]


def _unlike(lots: Sequence[Piece], pieces: Sequence[Piece]) -> Iterator[Offence]:
    """Walk along lots and replayed pieces together; tell where they differ."""
    left, right = list(reversed(lots)), list(reversed(pieces))
    while left and right:
        is_lot, should_be = left[-1], right[-1]
        if is_lot.last < should_be.first:
            yield _offence(left.pop().first, {"movements": "none"})
        elif should_be.last < is_lot.first:
            yield _offence(right.pop().first, {"lots": "none"})
        else:
            facts = _different(is_lot, should_be)
            if facts:
                yield _offence(max(is_lot.first, should_be.first), facts)
            if is_lot.last <= should_be.last:
                left.pop()
            if should_be.last <= is_lot.last:
                right.pop()
    yield from (_offence(piece.first, {"movements": "none"}) for piece in reversed(left))
    yield from (_offence(piece.first, {"lots": "none"}) for piece in reversed(right))


def _offence(serial: int, facts: dict[str, str]) -> Offence:
    return Offence(f"serial {serial_text(serial)}", facts)


def _different(is_lot: Piece, should_be: Piece) -> dict[str, str]:
    expected = asdict(should_be.facts)
    facts = {
        name: f"lot {value}, movements {expected[name]}"
        for name, value in asdict(is_lot.facts).items()
        if value != expected[name]
    }
    if is_lot.version < should_be.version:
        facts["version"] = f"lot {is_lot.version}, movements {should_be.version}"
    return facts


def _movements_follow(session: Session) -> list[Offence]:
    return first_of(
        _as_offence(found) for _, replayed in _replayed(session) for found in replayed.breaks
    )


def _as_offence(found: Break) -> Offence:
    stage, holder_id, hold = found.moved.found
    facts = {
        "movement": str(found.moved.id),
        "move": found.moved.move,
        "begins_with": f"stage {stage}, holder {holder_id}, hold {hold}",
    }
    if found.was is not None:
        was = found.was
        facts["cards_were"] = f"stage {was.stage}, holder {was.holder_id}, hold {was.hold}"
    return _offence(found.first, facts)


def _returns_clearing(session: Session) -> list[Offence]:
    waiting_fen = sum(
        piece.clearing_fen * (piece.last - piece.first + 1)
        for _, replayed in _replayed(session)
        for piece in replayed.pieces
    )
    ledger_fen = credit_balance_fen(session, LedgerCode.RETURNS_CLEARING)
    if waiting_fen == ledger_fen:
        return []
    facts = {"cards_fen": str(waiting_fen), "ledger_fen": str(ledger_fen)}
    return [Offence(f"ledger account {int(LedgerCode.RETURNS_CLEARING)}", facts)]


def _stock_that_does_not_add_up() -> Select[Any]:
    """Cards in, less cards out, less cards there, by holder and stage: 0 everywhere."""
    moved = stock_movement.c
    flows = union_all(
        select(
            moved.to_holder.label("holder_id"),
            moved.to_stage.label("stage"),
            movement_size.label("moved"),
            (movement_size - movement_size).label("there"),
        ),
        select(
            moved.from_holder, moved.from_stage, -movement_size, movement_size - movement_size
        ).where(moved.from_stage.is_not(None)),
        select(lot.c.holder_id, lot.c.stage, lot_size - lot_size, lot_size),
    ).subquery()
    moved_cards, there = func.sum(flows.c.moved), func.sum(flows.c.there)
    return (
        select(
            func.coalesce(party.c.code, "?").label("party"),
            flows.c.stage,
            moved_cards.label("in_less_out"),
            there.label("closing"),
        )
        .select_from(flows)
        .outerjoin(party, party.c.id == flows.c.holder_id)
        .group_by(party.c.code, flows.c.holder_id, flows.c.stage)
        .having(moved_cards != there)
    )


MOVEMENTS = (
    Invariant(
        "movements_give_lots",
        "依次重演出入库流水即得到现有号段。",
        "The movements of a batch, replayed, give its lots.",
        _movements_give_lots,
    ),
    Invariant(
        "movements_follow",
        "每笔流水都从上一笔流水结束时的状态开始。",
        "Every movement begins with the cards as the one before it left them.",
        _movements_follow,
    ),
    Invariant(
        "stock_adds_up",
        "每个持有方在每个阶段的库存：期初加收入减发出等于期末。",
        "Stock adds up for every holder and stage: opening and in, less out, is closing.",
        none_of(_stock_that_does_not_add_up()),
    ),
    Invariant(
        "returns_clearing",
        "返销清算余额等于已退回而尚未收妥的卡的面值。",
        "Returns clearing holds the face value of sold cards sent back and not yet received.",
        _returns_clearing,
    ),
)
