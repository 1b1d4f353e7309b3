"""Messages that did not leave: staff see them, and have them tried again."""

import pytest

from core.db import Database
from core.errors import NotFound
from core.outbox import Message, MessageRefused, put, send_due
from staff.events import list_events
from staff.messages import MessageNotGivenUp, StoredMessage, list_messages, resend_message
from staff.permissions import Actor, Forbidden
from tests.clocks import FakeClock
from tests.factories import make_member

PHONE = "+8613800001234"


class Gateway:
    """Refuses for good until it is mended."""

    def __init__(self) -> None:
        self.is_broken = True
        self.got: list[int] = []

    def send(self, message: Message) -> None:
        if self.is_broken:
            raise MessageRefused("http_400")
        self.got.append(message.id)


@pytest.fixture
def actor(db: Database) -> Actor:
    with db.write() as session:
        return make_member(session, "customer_service")


def given_up(db: Database, gateway: Gateway) -> int:
    with db.write() as session:
        message_id = put(session, "code", PHONE, "Code 123456")
    send_due(db, gateway)
    return message_id


def listed(db: Database, actor: Actor, state: str | None = None) -> list[StoredMessage]:
    with db.read() as session:
        return list_messages(session, actor, state)  # type: ignore[arg-type]


def test_a_message_given_up_is_listed_without_text_or_number(db: Database, actor: Actor) -> None:
    message_id = given_up(db, Gateway())
    (found,) = listed(db, actor, "given_up")
    assert (found.id, found.state, found.last_error) == (message_id, "given_up", "http_400")
    assert found.recipient == "+86****1234"
    assert "123456" not in repr(found)


def test_it_is_sent_again_once_under_its_own_id_and_that_is_on_record(
    db: Database, actor: Actor, clock: FakeClock
) -> None:
    gateway = Gateway()
    message_id = given_up(db, gateway)
    clock.advance(minutes=30)
    assert send_due(db, gateway) == 0
    gateway.is_broken = False
    db.transact(lambda session: resend_message(session, actor, message_id))
    with pytest.raises(MessageNotGivenUp):
        db.transact(lambda session: resend_message(session, actor, message_id))
    assert [item.state for item in listed(db, actor)] == ["waiting"]
    assert send_due(db, gateway) == 1
    assert gateway.got == [message_id]
    with pytest.raises(MessageNotGivenUp):
        db.transact(lambda session: resend_message(session, actor, message_id))
    with db.read() as session:
        events = list_events(session, f"message:{message_id}")
    assert [(event.kind, event.username) for event in events] == [
        ("message.resent", actor.username)
    ]


def test_a_message_sent_again_has_all_its_tries_anew(db: Database, actor: Actor) -> None:
    gateway = Gateway()
    message_id = given_up(db, gateway)
    db.transact(lambda session: resend_message(session, actor, message_id))
    send_due(db, gateway)
    (found,) = listed(db, actor, "given_up")
    assert found.attempts == 1


def test_lists_are_by_state_and_page(db: Database, actor: Actor) -> None:
    gateway = Gateway()
    first = given_up(db, gateway)
    gateway.is_broken = False
    second = given_up(db, gateway)
    with db.write() as session:
        third = put(session, "receipt", PHONE, "later")
    assert [item.id for item in listed(db, actor)] == [third, second, first]
    assert [item.id for item in listed(db, actor, "sent")] == [second]
    assert [item.id for item in listed(db, actor, "waiting")] == [third]
    with db.read() as session:
        assert [item.id for item in list_messages(session, actor, before_id=third, limit=1)] == [
            second
        ]


def test_only_who_may_sees_and_resends(db: Database, actor: Actor) -> None:
    message_id = given_up(db, Gateway())
    with db.write() as session:
        auditor, shop = make_member(session, "auditor"), make_member(session, "warehouse")
    assert listed(db, auditor)
    with pytest.raises(Forbidden):
        listed(db, shop)
    with pytest.raises(Forbidden):
        db.transact(lambda session: resend_message(session, auditor, message_id))
    with pytest.raises(NotFound):
        db.transact(lambda session: resend_message(session, actor, 1))
