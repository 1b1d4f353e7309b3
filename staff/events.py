"""The log of who did what. Rows are only added, in the transaction of the deed itself."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.db import Session
from staff.permissions import Actor
from staff.tables import audit_event, staff_member


@dataclass(frozen=True)
class Event:
    """One deed; `username` is empty where the program itself acted or nobody was known."""

    id: int
    at: datetime
    username: str | None
    kind: str
    subject: str
    detail: dict[str, Any]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no blanks, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def record(session: Session, actor: Actor | None, kind: str, subject: str, **detail: Any) -> int:
    """Add one event; `detail` must be plain JSON values, never a secret."""
    event_id = session.new_id()
    row = {
        "id": event_id,
        "at": session.now,
        "member_id": actor.member_id if actor else None,
        "kind": kind,
        "subject": subject,
        "detail": canonical_json(detail),
    }
    session.execute(audit_event.insert(), row)
    return event_id


def list_events(
    session: Session, subject: str | None = None, before_id: int | None = None, limit: int = 50
) -> list[Event]:
    """Return the newest events first, at most `limit` (1 to 500) with ids below `before_id`."""
    query = (
        select(audit_event, staff_member.c.username)
        .outerjoin(staff_member, staff_member.c.id == audit_event.c.member_id)
        .order_by(audit_event.c.id.desc())
        .limit(max(1, min(limit, 500)))
    )
    if subject is not None:
        query = query.where(audit_event.c.subject == subject)
    if before_id is not None:
        query = query.where(audit_event.c.id < before_id)
    return [
        Event(row.id, row.at, row.username, row.kind, row.subject, json.loads(row.detail))
        for row in session.execute(query)
    ]
