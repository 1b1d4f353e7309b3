"""Alarms: what a person must look at."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.db import Session
from redemption.tables import alarm
from staff.permissions import Actor, Permission, require


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: of what kind, about what, and what happened."""

    id: int
    at: datetime
    kind: str
    subject: str
    detail: str


def list_alarms(
    session: Session, actor: Actor, before_id: int | None = None, limit: int = 50
) -> list[Alarm]:
    """Return the newest alarms first, at most `limit` (1 to 500) with ids below `before_id`."""
    require(actor, Permission.VIEW_REDEMPTIONS)
    query = select(alarm).order_by(alarm.c.id.desc()).limit(max(1, min(limit, 500)))
    if before_id is not None:
        query = query.where(alarm.c.id < before_id)
    return [Alarm(**row._mapping) for row in session.execute(query)]
