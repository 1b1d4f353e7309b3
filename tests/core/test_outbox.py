"""Messages leave after the commit, at least once, and nothing is locked meanwhile."""

import io
import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from core import log
from core.db import Database
from core.outbox import (
    LEASE_S,
    LogSink,
    Message,
    NewMessage,
    masked_recipient,
    pause_s,
    put,
    put_many,
    run_relay,
    send_due,
)
from core.tables import outbox
from tests.clocks import FakeClock


class Unreachable(Exception):
    """The gateway does not answer."""


class Box:
    """A sink that keeps what it is sent, and fails for the recipients named."""

    def __init__(self, broken: Sequence[str] = ()) -> None:
        self.broken = set(broken)
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        if message.recipient in self.broken:
            raise Unreachable(f"cannot send {message.body}")
        self.messages.append(message)

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.messages]


def write(db: Database, *bodies: str, recipient: str = "13800001234") -> list[int]:
    with db.write() as session:
        return put_many(session, [NewMessage("sms", recipient, body) for body in bodies])


def rows(db: Database) -> list[Any]:
    with db.read() as session:
        return list(session.execute(select(outbox).order_by(outbox.c.id)).all())


def test_what_is_put_is_sent_once_in_order(db: Database) -> None:
    ids = write(db, "one", "two", "三")
    box = Box()
    assert send_due(db, box) == 3
    assert send_due(db, box) == 0
    assert box.bodies == ["one", "two", "三"]
    assert [message.id for message in box.messages] == ids
    assert all(row.sent_at is not None and row.attempts == 1 for row in rows(db))


def test_a_message_of_a_transaction_that_failed_is_never_sent(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as session:
        put(session, "sms", "13800001234", "never")
        raise ZeroDivisionError
    box = Box()
    assert send_due(db, box) == 0
    assert rows(db) == []


def test_a_message_waits_until_it_is_due(db: Database, clock: FakeClock) -> None:
    due_at = clock.advance(minutes=10)
    clock.advance(minutes=-10)
    with db.write() as session:
        put(session, "sms", "13800001234", "later", due_at)
    box = Box()
    assert send_due(db, box) == 0
    clock.advance(minutes=10)
    assert send_due(db, box) == 1


def test_no_more_than_the_limit_is_taken_up_the_longest_due_first(
    db: Database, clock: FakeClock
) -> None:
    write(db, "a", "b")
    clock.advance(seconds=1)
    write(db, "c")
    box = Box()
    assert [send_due(db, box, limit=2), send_due(db, box, limit=2)] == [2, 1]
    assert box.bodies == ["a", "b", "c"]


def test_thousands_of_messages_are_put_by_few_statements(db: Database) -> None:
    ids = write(db, *[str(number) for number in range(1_234)])
    assert len(set(ids)) == 1_234
    assert [row.body for row in rows(db)] == [str(number) for number in range(1_234)]


def test_a_failure_is_put_off_longer_each_time_and_tells_no_secret(
    db: Database, clock: FakeClock
) -> None:
    write(db, "余额17.90", recipient="13800001234")
    box = Box(broken=["13800001234"])
    waits = []
    for _ in range(4):
        assert send_due(db, box) == 1
        row = rows(db)[0]
        waits.append((row.due_at - clock()).total_seconds())
        assert send_due(db, box) == 0
        clock.now = row.due_at
    assert waits == [5, 10, 20, 40]
    assert (row.attempts, row.last_error, row.sent_at) == (4, "Unreachable", None)
    box.broken.clear()
    assert send_due(db, box) == 1
    assert rows(db)[0].last_error is None
    assert box.bodies == ["余额17.90"]


def test_pauses_are_at_most_an_hour() -> None:
    assert [pause_s(attempts) for attempts in (0, 1, 2, 3, 10, 11, 10_000)] == [
        5,
        5,
        10,
        20,
        2560,
        3600,
        3600,
    ]


def test_one_bad_recipient_does_not_stop_the_others(db: Database) -> None:
    write(db, "to nobody", recipient="bad")
    write(db, "to somebody")
    box = Box(broken=["bad"])
    assert send_due(db, box) == 2
    assert box.bodies == ["to somebody"]


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_crash_while_sending_repeats_the_message_with_the_same_id(
    db: Database, clock: FakeClock
) -> None:
    write(db, "receipt")

    class Dying(Box):
        def send(self, message: Message) -> None:
            super().send(message)
            raise Killed

    first, second = Dying(), Box()
    with pytest.raises(Killed):
        send_due(db, first)
    assert send_due(db, second) == 0
    clock.advance(seconds=LEASE_S)
    assert send_due(db, second) == 1
    assert first.messages[0].id == second.messages[0].id
    assert second.messages[0].attempts == 2


def test_nothing_is_locked_while_sending(db: Database) -> None:
    write(db, "first")
    seen: list[int] = []

    class Writing(Box):
        def send(self, message: Message) -> None:
            super().send(message)
            seen.append(len(write(db, "written meanwhile")))

    assert send_due(db, Writing()) == 1
    assert seen == [1]
    assert len(rows(db)) == 2


def test_relays_at_once_send_each_message_once(db: Database) -> None:
    write(db, *[str(number) for number in range(200)])
    boxes = [Box() for _ in range(4)]
    barrier = threading.Barrier(4)

    def relay(box: Box) -> None:
        barrier.wait()
        while send_due(db, box, limit=7):
            pass

    threads = [threading.Thread(target=relay, args=(box,)) for box in boxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [message.id for box in boxes for message in box.messages]
    assert len(sent) == len(set(sent)) == 200
    assert all(row.sent_at is not None for row in rows(db))


def test_the_relay_sends_until_it_is_stopped_and_survives_an_outage(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.outbox._TROUBLE_S", 0.01)
    monkeypatch.setattr("core.outbox._IDLE_S", 0.01)
    write(db, "one")
    stop, got = threading.Event(), threading.Event()
    failures = iter([RuntimeError("no connection to 13800001234")])

    class Telling(Box):
        def send(self, message: Message) -> None:
            super().send(message)
            got.set()

    real = db.read

    def broken_once() -> Any:
        for failure in failures:
            raise failure
        return real()

    monkeypatch.setattr(db, "read", broken_once)
    box = Telling()
    thread = threading.Thread(target=run_relay, args=(db, box, stop))
    thread.start()
    assert got.wait(20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert box.bodies == ["one"]


@pytest.mark.parametrize(
    ("recipient", "shown"),
    [
        ("13800001234", "138****1234"),
        ("+8613800001234", "+86****1234"),
        ("1380000", "****"),
        ("", "****"),
    ],
)
def test_recipients_are_masked(recipient: str, shown: str) -> None:
    assert masked_recipient(recipient) == shown


@pytest.mark.usefixtures("logging_put_back")
def test_the_log_sink_writes_one_line_without_the_number(db: Database) -> None:
    stream = io.StringIO()
    log.configure("json", stream=stream)
    ids = write(db, "充值50.00元，\n余额17.90。")
    assert send_due(db, LogSink()) == 1
    line = json.loads(stream.getvalue())
    assert (line["event"], line["id"], line["kind"]) == ("message_sent", ids[0], "sms")
    assert line["recipient"] == "138****1234"
    assert line["text"] == "充值50.00元，\n余额17.90。"
    assert "13800001234" not in stream.getvalue()


def test_neither_number_nor_text_stands_in_a_repr() -> None:
    message = Message(1, "sms", "13800001234", "余额17.90", 1)
    new = NewMessage("sms", "13800001234", "余额17.90")
    assert "13800001234" not in repr(message) + repr(new)
    assert "17.90" not in repr(message) + repr(new)
