"""Messages to customers and staff, as staff see them: whether they left, and sending again.

Neither the text nor the whole number is shown: a code in a text is the customer's secret.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, select

from core.db import Session
from core.errors import DomainError, NotFound
from core.outbox import masked_recipient
from core.tables import outbox
from staff import events
from staff.permissions import Actor, Permission, require

MessageState = Literal["waiting", "sent", "given_up"]


class MessageNotGivenUp(DomainError):
    """The message was sent, or is still being tried: there is nothing to send again."""

    code = "message_not_given_up"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message; the recipient's middle is hidden.

    `last_error` tells why the last try failed, `delivery` what the gateway reported later.
    """

    id: int
    kind: str
    recipient: str
    state: MessageState
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    given_up_at: datetime | None
    last_error: str | None
    delivery: str | None


def list_messages(
    session: Session,
    actor: Actor,
    state: MessageState | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[StoredMessage]:
    """Return the newest messages first, at most `limit` (1 to 500) with ids below `before_id`."""
    require(actor, Permission.VIEW_MESSAGES)
    query = select(outbox).order_by(outbox.c.id.desc()).limit(max(1, min(limit, 500)))
    if before_id is not None:
        query = query.where(outbox.c.id < before_id)
    if state is not None:
        query = query.where(_IN_STATE[state])
    return [_stored(row) for row in session.execute(query)]


def resend_message(session: Session, actor: Actor, message_id: int) -> None:
    """Have a message that was given up tried again, from now, under its own id.

    Asked twice it is sent once. Raises NotFound, MessageNotGivenUp, Forbidden.
    """
    require(actor, Permission.RESEND_MESSAGES)
    changed = session.execute(
        outbox.update()
        .where(outbox.c.id == message_id, outbox.c.given_up_at.is_not(None))
        .values(given_up_at=None, attempts=0, due_at=session.now)
    )
    if changed.rowcount != 1:
        found = session.execute(select(outbox.c.id).where(outbox.c.id == message_id)).first()
        if found is None:
            raise NotFound(f"there is no message {message_id}")
        raise MessageNotGivenUp(f"message {message_id} was not given up")
    events.record(session, actor, "message.resent", f"message:{message_id}")


_IN_STATE: dict[MessageState, ColumnElement[bool]] = {
    "waiting": outbox.c.sent_at.is_(None) & outbox.c.given_up_at.is_(None),
    "sent": outbox.c.sent_at.is_not(None),
    "given_up": outbox.c.given_up_at.is_not(None),
}


def _stored(row: Row[Any]) -> StoredMessage:
    state: MessageState = "waiting"
    if row.sent_at is not None:
        state = "sent"
    elif row.given_up_at is not None:
        state = "given_up"
    return StoredMessage(
        id=row.id,
        kind=row.kind,
        recipient=masked_recipient(row.recipient),
        state=state,
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        given_up_at=row.given_up_at,
        last_error=row.last_error,
        delivery=row.delivery,
    )
