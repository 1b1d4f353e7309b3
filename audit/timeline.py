"""One card's whole life, told from the rows that it left: what happened, when, by whom, where."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Session
from core.errors import NotFound
from distribution.tables import party
from redemption.requests import Code
from redemption.tables import alarm, redemption, redemption_reversal, request
from staff import events
from staff.permissions import Actor, Permission, require
from staff.tables import staff_member
from vouchers.serials import batch_of, serial_text
from vouchers.tables import batch, card_proof, printer, stock_movement, voucher, voucher_hold

MOST_TRIES = 100
"""So many of the newest refused tries of one card are told."""

Detail = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a card; `by` is the member who did it, if one did.

    `event` is a move, or exported, redeemed, redemption_reversed, replaced, held, tried, alarmed,
    proven, not_proven, looked_up. Money in fen; of an account its last four digits.
    """

    at: datetime
    event: str
    by: str | None
    detail: Detail


def look_at_timeline(session: Session, actor: Actor, serial: int) -> list[Happening]:
    """Return what happened to a card, oldest first, and put on record who looked.

    Raises NotFound for a card never made, Forbidden.
    """
    require(actor, Permission.VIEW_VOUCHERS)
    made = select(voucher.c.serial).where(voucher.c.serial == serial)
    if session.execute(made).first() is None:
        raise NotFound(f"there is no card {serial_text(serial)}")
    found = [each for source in _SOURCES for each in source(session, serial)]
    record_look(session, actor, serial, "timeline")
    # The sort is stable: what has one time stays in the order of the sources.
    return sorted(found, key=lambda each: each.at)


def record_look(session: Session, actor: Actor, serial: int, what: str) -> None:
    """Put on record that somebody looked a card up."""
    events.record(session, actor, "voucher.looked_up", f"voucher:{serial_text(serial)}", what=what)


def _exported(session: Session, serial: int) -> Iterator[Happening]:
    rows = session.execute(
        select(batch.c.exported_at, batch.c.id, printer.c.name)
        .join(printer, printer.c.id == batch.c.printer_id)
        .where(batch.c.id == batch_of(serial), batch.c.exported_at.is_not(None))
    )
    for row in rows:
        yield Happening(
            row.exported_at, "exported", None, {"batch_id": str(row.id), "printer": row.name}
        )


def _moved(session: Session, serial: int) -> Iterator[Happening]:
    moved = stock_movement.c
    source, holder = party.alias("source"), party.alias("holder")
    receiver, owing = party.alias("receiver"), party.alias("owing")
    rows = session.execute(
        select(
            stock_movement,
            staff_member.c.username,
            source.c.code.label("source"),
            holder.c.code.label("holder"),
            receiver.c.code.label("receiver"),
            owing.c.code.label("owing"),
        )
        .outerjoin(staff_member, staff_member.c.id == moved.member_id)
        .outerjoin(source, source.c.id == moved.from_holder)
        .outerjoin(holder, holder.c.id == moved.to_holder)
        .outerjoin(receiver, receiver.c.id == moved.in_transit_to)
        .outerjoin(owing, owing.c.id == moved.owing_party_id)
        .where(
            moved.batch_id == batch_of(serial),
            moved.first_serial <= serial,
            moved.last_serial >= serial,
        )
        .order_by(moved.version)
    )
    return (Happening(row.at, row.move, row.username, _movement(row)) for row in rows)


def _movement(row: Row[Any]) -> Detail:
    return {
        "from_stage": row.from_stage,
        "to_stage": row.to_stage,
        "from_holder": row.source,
        "holder": row.holder,
        "in_transit_to": row.receiver,
        "from_hold": row.from_hold,
        "to_hold": row.to_hold,
        "expires_on": row.expires_on.isoformat(),
        "owing_party": row.owing,
        "face_fen": row.price_fen,
        "document": row.document,
        "reason": row.reason,
        "approval_id": None if row.approval_id is None else str(row.approval_id),
    }


def _redeemed(session: Session, serial: int) -> Iterator[Happening]:
    for row in session.execute(select(redemption).where(redemption.c.serial == serial)):
        detail = {
            "channel": row.channel,
            "sender": row.sender,
            "account_tail": row.account_number[-4:],
            "receipt_number": row.receipt_number,
            "face_fen": row.face_fen,
        }
        yield Happening(row.at, "redeemed", None, detail)


def _reversed(session: Session, serial: int) -> Iterator[Happening]:
    for row in _with_member(session, redemption_reversal.c.serial == serial, redemption_reversal):
        new = row.reissued_as
        detail = {
            "reason": row.reason,
            "approval_id": str(row.approval_id),
            "reissued_as": None if new is None else serial_text(new),
        }
        yield Happening(row.at, "redemption_reversed", row.username, detail)


def _excepted(session: Session, serial: int) -> Iterator[Happening]:
    for row in _with_member(session, voucher_hold.c.serial == serial, voucher_hold):
        new = row.replaced_by
        event = "held" if new is None else "replaced"
        detail = {
            "hold": row.hold,
            "replaced_by": None if new is None else serial_text(new),
            "reason": row.reason,
        }
        yield Happening(row.at, event, row.username, detail)


def _proven(session: Session, serial: int) -> Iterator[Happening]:
    for row in _with_member(session, card_proof.c.serial == serial, card_proof):
        yield Happening(row.at, row.outcome, row.username, {"try": row.number})


def _tried(session: Session, serial: int) -> Iterator[Happening]:
    """Refusals that named this card: its PIN or its serial number was sent."""
    rows = session.execute(
        select(request)
        .where(request.c.serial == serial, request.c.code != str(Code.REDEEMED))
        .order_by(request.c.at.desc())
        .limit(MOST_TRIES)
    )
    for row in rows:
        detail = {"answer": row.code, "channel": row.channel, "sender": row.sender}
        yield Happening(row.at, "tried", None, detail)


def _alarmed(session: Session, serial: int) -> Iterator[Happening]:
    query = select(alarm).where(alarm.c.subject == serial_text(serial))
    for row in session.execute(query.order_by(alarm.c.at.desc()).limit(MOST_TRIES)):
        yield Happening(row.at, "alarmed", None, {"kind": row.kind, "detail": row.detail})


def _with_member(session: Session, where: Any, table: Any) -> Iterable[Row[Any]]:
    query: Select[Any] = (
        select(table, staff_member.c.username)
        .outerjoin(staff_member, staff_member.c.id == table.c.member_id)
        .where(where)
    )
    return session.execute(query)


_SOURCES: tuple[Callable[[Session, int], Iterable[Happening]], ...] = (
    _moved,
    _exported,
    _tried,
    _alarmed,
    _proven,
    _excepted,
    _redeemed,
    _reversed,
)
