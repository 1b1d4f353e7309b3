"""Orders of cards: cut into batches, agreed to by a second person before anything is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from core.clock import local_day
from core.db import Session, take_block
from core.errors import DomainError, InvalidInput
from core.settings import Settings
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers import printers
from vouchers.denominations import Denomination, by_face
from vouchers.printers import Printer
from vouchers.serials import CARDS_PER_BATCH, NO_PRINTER, batch_of, first_serial, serial_text
from vouchers.tables import batch, batch_order

MAX_CARDS = 10_000_000
"""Cards in one order at most: 100 full batches, so that what is approved fits on a page."""

_BATCHES_A_YEAR = 9_999


class BatchNumbersUsedUp(DomainError):
    """The year's four-digit batch numbers do not suffice for this order."""

    code = "batch_numbers_used_up"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order has set down; nothing is made before the approval is agreed to."""

    order_id: int
    approval_id: int
    batch_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _PlannedBatch:
    first_serial: int
    size: int

    @property
    def id(self) -> int:
        return batch_of(self.first_serial)

    def content(self) -> dict[str, Any]:
        return {
            "batch_id": self.id,
            "count": self.size,
            "first_serial": serial_text(self.first_serial),
            "last_serial": serial_text(self.first_serial + self.size - 1),
        }


def order_batches(
    session: Session,
    settings: Settings,
    actor: Actor,
    face_fen: int,
    count: int,
    printer_name: str | None,
) -> Ordered:
    """Set down an order of `count` cards of a face (fen) and ask for a second person's agreement.

    Without a printer the cards are electronic: made one by one, as tills sell them. Serial numbers
    and the printed date are decided here, and never given to another card. Raises InvalidInput,
    FaceUnknown, PrinterUnknown, BatchNumbersUsedUp.
    """
    require(actor, Permission.ORDER_BATCHES)
    if not 1 <= count <= MAX_CARDS:
        raise InvalidInput(f"an order holds 1 to {MAX_CARDS} cards", count=count)
    denomination = by_face(session, face_fen)
    printer = None if printer_name is None else printers.by_name(session, printer_name)
    today = local_day(session.now, settings.zone)
    planned = _plan(session, settings, denomination, printer, count, today)
    expires_on = today + timedelta(days=denomination.validity_days)
    order_id = session.new_id()
    content = {
        "order_id": order_id,
        "face_fen": face_fen,
        "count": count,
        "expires_on": expires_on.isoformat(),
        "printer": None if printer is None else printer.name,
        "printer_fingerprint": None if printer is None else printer.fingerprint,
        "batches": [item.content() for item in planned],
    }
    approval_id = approvals.request(session, actor, "batch_order", content)
    row = {
        "id": order_id,
        "denomination_id": denomination.id,
        "printer_id": None if printer is None else printer.id,
        "card_count": count,
        "requested_by": actor.member_id,
        "approval_id": approval_id,
        "created_at": session.now,
    }
    session.execute(batch_order.insert(), row)
    session.execute(batch.insert(), [_batch_row(item, row, expires_on) for item in planned])
    return Ordered(order_id, approval_id, tuple(item.id for item in planned))


def approve_order(session: Session, decision: Decision) -> list[int]:
    """Carry out an agreed order: its batches may be generated; return their ids."""
    content = decision.content
    ids = [item["batch_id"] for item in content["batches"]]
    if not _printer_still_fits(session, content):
        raise ContentChanged("the printer of this order is no longer registered as it was")
    _decide_batches(session, content["order_id"], ids, "approved")
    events.record(session, decision.decider, "order.approved", f"batch_order:{content['order_id']}")
    return ids


def refuse_order(session: Session, decision: Decision) -> None:
    """Mark the batches of a refused order; their serial numbers are never used."""
    content = decision.content
    ids = [item["batch_id"] for item in content["batches"]]
    _decide_batches(session, content["order_id"], ids, "refused")


def _plan(
    session: Session,
    settings: Settings,
    denomination: Denomination,
    printer: Printer | None,
    count: int,
    today: date,
) -> list[_PlannedBatch]:
    sizes = _sizes(count)
    year2 = today.year % 100
    first = take_block(session.connection, f"batch:{year2:02d}", len(sizes)) + 1
    if first + len(sizes) - 1 > _BATCHES_A_YEAR:
        raise BatchNumbersUsedUp(f"this year's batch numbers end with {_BATCHES_A_YEAR}")
    issuer, face_code = settings.issuer_code, denomination.face_code
    printer_code = NO_PRINTER if printer is None else printer.code
    return [
        _PlannedBatch(first_serial(issuer, year2, printer_code, face_code, number), size)
        for number, size in enumerate(sizes, first)
    ]


def _sizes(count: int) -> list[int]:
    """Cut an order into full batches and a rest. Pure."""
    full, rest = divmod(count, CARDS_PER_BATCH)
    return [CARDS_PER_BATCH] * full + ([rest] if rest else [])


def _batch_row(planned: _PlannedBatch, order: dict[str, Any], expires_on: date) -> dict[str, Any]:
    return {
        "id": planned.id,
        "order_id": order["id"],
        "denomination_id": order["denomination_id"],
        "printer_id": order["printer_id"],
        "first_serial": planned.first_serial,
        "size": planned.size,
        "expires_on": expires_on,
        "state": "requested",
        "created_at": order["created_at"],
    }


def _printer_still_fits(session: Session, content: dict[str, Any]) -> bool:
    query = select(batch_order.c.printer_id).where(batch_order.c.id == content["order_id"])
    printer_id = session.execute(query).scalar_one()
    if printer_id is None:
        return content["printer"] is None
    printer = printers.by_id(session, printer_id)
    return printer.active and printer.fingerprint == content["printer_fingerprint"]


def _decide_batches(session: Session, order_id: int, ids: Sequence[int], state: str) -> None:
    done = session.execute(
        batch.update()
        .where(batch.c.order_id == order_id, batch.c.id.in_(ids), batch.c.state == "requested")
        .values(state=state)
    )
    if done.rowcount != len(ids):
        raise ContentChanged("the batches of this order are no longer as they were asked for")
