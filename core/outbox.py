"""Messages that leave after the commit that decided them, each sent at least once.

A receiver tells repeats apart by the message's id, which never changes. What a gateway refuses for
good, or too often, is given up and waits for staff (`staff/messages.py`).
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, Select, or_, select

from core.db import Database, Session
from core.sets import insert_rows
from core.tables import DELIVERIES, outbox

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


class MessageRefused(Exception):
    """Nobody will ever take this message; `reason` is stored and shown: no text, no number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GatewayTrouble(Exception):
    """The gateway did not take the message now; `reason` as for MessageRefused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sink(Protocol):
    """Where messages go."""

    def send(self, message: Message) -> None:
        """Hand the message over, or raise; it may be called again for the same id.

        MessageRefused gives the message up, any other exception puts it off.
        """


@dataclass(frozen=True)
class Kinds:
    """Which kinds of messages a relay takes: those of `only`, or all but those of `but`."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()


ALL_KINDS = Kinds()


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


def send_due(
    db: Database,
    sink: Sink,
    limit: int = 100,
    kinds: Kinds = ALL_KINDS,
    at_once: int = 1,
) -> int:
    """Send what is due, at most `limit` messages, `at_once` together; return how many were due.

    No transaction is open while sending: the rows are leased first (their due time moves ahead)
    and each is marked as soon as its gateway has answered. A failure is put off (see `pause_s`), or
    given up; a crash repeats what was not yet marked.
    """
    with db.read() as session:
        if session.execute(_due(session, kinds).limit(1)).first() is None:
            return 0
    taken = db.transact(lambda session: _lease(session, limit, kinds))
    _send_all(db, sink, taken, at_once)
    return len(taken)


def _send_all(db: Database, sink: Sink, taken: Sequence[Message], at_once: int) -> None:
    deadline = time.monotonic() + LEASE_S - _MARGIN_S
    waiting = deque(taken)
    running: dict[Future[_Sent], Message] = {}
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="send")
    try:
        while waiting or running:
            # After the deadline the rest is left: it is due again when the lease ends.
            while waiting and len(running) < at_once and time.monotonic() < deadline:
                message = waiting.popleft()
                running[pool.submit(_send, sink, message)] = message
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            results = [(running.pop(each), each.result()) for each in done]
            db.transact(partial(_mark, db=db, results=results))
    finally:
        pool.shutdown(cancel_futures=True)


def run_relay(
    db: Database,
    sink: Sink,
    stop: threading.Event,
    kinds: Kinds = ALL_KINDS,
    at_once: int = 1,
) -> None:
    """Send what becomes due until `stop` is set; survives outages of the database."""
    while not stop.is_set():
        try:
            taken = send_due(db, sink, kinds=kinds, at_once=at_once)
        except Exception as error:  # the relay must outlive whatever goes wrong
            _log.error("relay_failed", error=type(error).__name__)
            stop.wait(_TROUBLE_S)
            continue
        if taken == 0:
            stop.wait(_IDLE_S)


def record_report(session: Session, message_id: int, delivery: str) -> bool:
    """Store what a delivery report says of a message; tell whether there is such a message.

    Reports come late, twice and out of order: a message only goes on in the order of DELIVERIES.
    """
    later = DELIVERIES[: DELIVERIES.index(delivery)]
    session.execute(
        outbox.update()
        .where(
            outbox.c.id == message_id,
            or_(outbox.c.delivery.is_(None), outbox.c.delivery.in_(later)),
        )
        .values(delivery=delivery)
    )
    return session.execute(select(outbox.c.id).where(outbox.c.id == message_id)).first() is not None


def pause_s(attempts: int) -> int:
    """Return the seconds until the next try after so many: 5, 10, 20, ... at most an hour."""
    doublings = max(0, min(attempts - 1, 20))
    return min(_FIRST_PAUSE_S << doublings, _LONGEST_PAUSE_S)


def masked_recipient(recipient: str) -> str:
    """Return a phone number or address with its middle hidden: `138****1234`."""
    if len(recipient) < 8:
        return "****"
    return f"{recipient[:3]}****{recipient[-4:]}"


def _due(session: Session, kinds: Kinds) -> Select[Any]:
    due = select(outbox.c.id).where(
        outbox.c.sent_at.is_(None),
        outbox.c.given_up_at.is_(None),
        outbox.c.due_at <= session.now,
    )
    if kinds.only is not None:
        due = due.where(outbox.c.kind.in_(sorted(kinds.only)))
    if kinds.but:
        due = due.where(outbox.c.kind.not_in(sorted(kinds.but)))
    return due.order_by(outbox.c.due_at, outbox.c.id)


def _lease(session: Session, limit: int, kinds: Kinds) -> list[Message]:
    due = _due(session, kinds).limit(limit).with_for_update(skip_locked=True)
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of one try; `error` is None where the gateway took the message."""

    error: str | None = None
    is_final: bool = False


def _send(sink: Sink, message: Message) -> _Sent:
    """Try once. Only our own errors are told in words: others might hold the text or a password."""
    try:
        sink.send(message)
    except Exception as error:
        known = isinstance(error, MessageRefused | GatewayTrouble)
        why = error.reason if known else type(error).__name__  # type: ignore[attr-defined]
        _log.warning("message_failed", id=message.id, kind=message.kind, error=why)
        return _Sent(why, isinstance(error, MessageRefused))
    return _Sent()


def _mark(session: Session, db: Database, results: Sequence[tuple[Message, _Sent]]) -> None:
    for message, sent in results:
        session.execute(
            outbox.update()
            .where(outbox.c.id == message.id, outbox.c.sent_at.is_(None))
            .values(_outcome(session, message, sent, db.settings.message_attempts))
        )


def _outcome(session: Session, message: Message, sent: _Sent, most: int) -> dict[str, Any]:
    if sent.error is None:
        return {"sent_at": session.now, "last_error": None}
    if sent.is_final or message.attempts >= most:
        _log.error("message_given_up", id=message.id, kind=message.kind, error=sent.error)
        return {"given_up_at": session.now, "last_error": sent.error}
    next_at = session.now + timedelta(seconds=pause_s(message.attempts))
    return {"due_at": next_at, "last_error": sent.error}
