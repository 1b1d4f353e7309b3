"""Messages that leave after the commit that decided them, each sent at least once.

A receiver tells repeats apart by the message's id, which never changes.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, Select, bindparam, select

from core.db import Database, Session
from core.sets import insert_rows
from core.tables import outbox

LEASE_S = 120
"""How long a relay keeps messages to itself; after a crash they are due again."""

_MARGIN_S = 60
_FIRST_PAUSE_S = 5
_LONGEST_PAUSE_S = 3600
_IDLE_S = 1.0
_TROUBLE_S = 5.0

_log = structlog.get_logger("wanneng.outbox")


@dataclass(frozen=True)
class NewMessage:
    """A message to be sent: its kind (`sms`, ...), to whom, and its text."""

    kind: str
    recipient: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True)
class Message:
    """A stored message; `attempts` counts this one."""

    id: int
    kind: str
    recipient: str = field(repr=False)
    body: str = field(repr=False)
    attempts: int


class Sink(Protocol):
    """Where messages go."""

    def send(self, message: Message) -> None:
        """Hand the message over, or raise; it may be called again for the same id."""


class LogSink:
    """Writes each message as one log line, the recipient masked; stands in for a gateway."""

    def send(self, message: Message) -> None:
        """Write the line."""
        _log.info(
            "message_sent",
            id=message.id,
            kind=message.kind,
            recipient=masked_recipient(message.recipient),
            text=message.body,
        )


def put(
    session: Session, kind: str, recipient: str, body: str, due_at: datetime | None = None
) -> int:
    """Store a message in the open transaction, to be sent after its commit; return its id."""
    return put_many(session, [NewMessage(kind, recipient, body)], due_at)[0]


def put_many(
    session: Session, messages: Sequence[NewMessage], due_at: datetime | None = None
) -> list[int]:
    """Store messages by one statement per 500; return their ids in order."""
    ids = [session.new_id() for _ in messages]
    rows = [
        {
            "id": new_id,
            "kind": message.kind,
            "recipient": message.recipient,
            "body": message.body,
            "created_at": session.now,
            "due_at": due_at or session.now,
        }
        for new_id, message in zip(ids, messages, strict=True)
    ]
    insert_rows(session, outbox, rows)
    return ids


def send_due(db: Database, sink: Sink, limit: int = 100) -> int:
    """Send what is due, at most `limit` messages; return how many were taken up.

    No transaction is open while sending: the rows are leased first (their due time moves ahead)
    and marked afterwards. A failure is put off (see `pause_s`); a crash repeats the lease's rows.
    """
    with db.read() as session:
        if session.execute(_due(session).limit(1)).first() is None:
            return 0
    taken = db.transact(lambda session: _lease(session, limit))
    deadline = time.monotonic() + LEASE_S - _MARGIN_S
    sent: list[int] = []
    failed: list[tuple[Message, str]] = []
    for message in taken:
        if time.monotonic() > deadline:
            break  # the rest is due again when the lease ends
        error = _send(sink, message)
        if error is None:
            sent.append(message.id)
        else:
            failed.append((message, error))
    db.transact(lambda session: _mark(session, sent, failed))
    return len(taken)


def run_relay(db: Database, sink: Sink, stop: threading.Event) -> None:
    """Send what becomes due until `stop` is set; survives outages of the database."""
    while not stop.is_set():
        try:
            taken = send_due(db, sink)
        except Exception as error:  # the relay must outlive whatever goes wrong
            _log.error("relay_failed", error=type(error).__name__)
            stop.wait(_TROUBLE_S)
            continue
        if taken == 0:
            stop.wait(_IDLE_S)


def pause_s(attempts: int) -> int:
    """Return the seconds until the next try after so many: 5, 10, 20, ... at most an hour."""
    doublings = max(0, min(attempts - 1, 20))
    return min(_FIRST_PAUSE_S << doublings, _LONGEST_PAUSE_S)


def masked_recipient(recipient: str) -> str:
    """Return a phone number or address with its middle hidden: `138****1234`."""
    if len(recipient) < 8:
        return "****"
    return f"{recipient[:3]}****{recipient[-4:]}"


def _due(session: Session) -> Select[Any]:
    return (
        select(outbox.c.id)
        .where(outbox.c.sent_at.is_(None), outbox.c.due_at <= session.now)
        .order_by(outbox.c.due_at, outbox.c.id)
    )


def _lease(session: Session, limit: int) -> list[Message]:
    due = _due(session).limit(limit).with_for_update(skip_locked=True)
    ids = session.execute(due).scalars().all()
    rows = session.execute(
        outbox.update()
        .where(outbox.c.id.in_(ids))
        .values(due_at=session.now + timedelta(seconds=LEASE_S), attempts=outbox.c.attempts + 1)
        .returning(outbox.c.id, outbox.c.kind, outbox.c.recipient, outbox.c.body, outbox.c.attempts)
    )
    return sorted((_message(row) for row in rows), key=lambda message: message.id)


def _message(row: Row[Any]) -> Message:
    return Message(row.id, row.kind, row.recipient, row.body, row.attempts)


def _send(sink: Sink, message: Message) -> str | None:
    """Return None, or the kind of the error: its text might hold the message or a password."""
    try:
        sink.send(message)
    except Exception as error:
        _log.warning("message_failed", id=message.id, error=type(error).__name__)
        return type(error).__name__
    return None


def _mark(session: Session, sent: list[int], failed: list[tuple[Message, str]]) -> None:
    if sent:
        session.execute(
            outbox.update()
            .where(outbox.c.id.in_(sent), outbox.c.sent_at.is_(None))
            .values(sent_at=session.now, last_error=None)
        )
    if failed:
        session.execute(
            outbox.update()
            .where(outbox.c.id == bindparam("of"), outbox.c.sent_at.is_(None))
            .values(due_at=bindparam("next_at"), last_error=bindparam("error")),
            [
                {
                    "of": message.id,
                    "next_at": session.now + timedelta(seconds=pause_s(message.attempts)),
                    "error": error,
                }
                for message, error in failed
            ],
        )
