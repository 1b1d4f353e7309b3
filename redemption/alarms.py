"""Alarms: what a person must look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.db import Session
from core.gateways.routes import ALARM
from core.outbox import NewMessage, put_many
from redemption.rules import Alarm as NewAlarm
from redemption.tables import alarm
from staff.permissions import Actor, Permission, require

_STAFF = "staff"
"""Whom the alarm's gateway reaches is its own business."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: of what kind, about what, what happened, and who gave cause for it."""

    id: int
    at: datetime
    kind: str
    subject: str
    detail: str
    caller: str | None


def list_alarms(
    session: Session, actor: Actor, before_id: int | None = None, limit: int = 50
) -> list[Alarm]:
    """Return the newest alarms first, at most `limit` (1 to 500) with ids below `before_id`."""
    require(actor, Permission.VIEW_REDEMPTIONS)
    query = select(alarm).order_by(alarm.c.id.desc()).limit(max(1, min(limit, 500)))
    if before_id is not None:
        query = query.where(alarm.c.id < before_id)
    return [
        Alarm(row.id, row.at, row.kind, row.subject, row.detail, row.caller)
        for row in session.execute(query)
    ]


def raise_alarms(session: Session, raised: Sequence[NewAlarm]) -> None:
    """Store alarms, and the messages that tell staff of them."""
    for each in raised:
        session.execute(alarm.insert(), _row(session, each, None))
    put_many(session, [_message(each) for each in raised])


def raise_once(session: Session, raised: NewAlarm, once: str) -> bool:
    """Store an alarm unless one was raised under the same `once` before; tell whether it was."""
    row = _row(session, raised, once)
    if session.execute(session.insert_new(alarm), row).rowcount != 1:
        return False
    put_many(session, [_message(raised)])
    return True


def _row(session: Session, raised: NewAlarm, once: str | None) -> dict[str, object]:
    return {
        "id": session.new_id(),
        "at": session.now,
        "kind": raised.kind,
        "subject": raised.subject,
        "detail": raised.detail,
        "caller": raised.caller,
        "once": once,
    }


def _message(raised: NewAlarm) -> NewMessage:
    return NewMessage(ALARM, _STAFF, f"{raised.kind}: {raised.subject}\n{raised.detail}")
