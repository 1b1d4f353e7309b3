"""Texts over SMPP, against a centre that knows nothing of the product."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy import text as sql

from api.smpp.link import Throttle
from api.smpp.parts import read_reference
from api.smpp.server import serve
from core.db import Database
from core.errors import ConfigurationError
from core.keyfile import Keys
from core.outbox import put
from core.settings import Settings
from core.tables import outbox
from redemption.tables import attempt, redemption
from tests.api.smpp.centre import (
    BAD_DESTINATION,
    DELIVER_RESP,
    THROTTLED,
    Centre,
    centre,
    parts,
    text,
    texts,
)
from tests.api.world import World, furnish
from tests.clocks import FakeClock
from vouchers.pins import draw

PATIENCE_S = 30


@dataclass
class Texting:
    """A process bound to a centre, and what lies behind it."""

    world: World
    centre: Centre

    def count(self, table: Any) -> int:
        """Return how many rows a table has."""
        with self.world.db.read() as session:
            return int(session.execute(select(func.count()).select_from(table)).scalar_one())

    def message(self, message_id: int) -> Any:
        """Return a message as it is stored."""
        with self.world.db.read() as session:
            return session.execute(select(outbox).where(outbox.c.id == message_id)).one()

    def send(self, body: str, recipient: str = "+8613800000001") -> int:
        """Put a message into the outbox."""
        with self.world.db.write() as session:
            return put(session, "receipt", recipient, body)


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@contextmanager
def serving(settings: Settings, clock: FakeClock) -> Iterator[None]:
    """Hold the connection in a thread with a loop of its own."""
    ending: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        ending.append((asyncio.get_running_loop(), stop))
        await serve(settings, stop, clock)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        yield
    finally:
        until(lambda: bool(ending))
        loop, stop = ending[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def addressed(settings: Settings, end: Centre, more: str = "") -> Settings:
    url = f"smpp://me@127.0.0.1:{end.port}?from=95598{more}"
    return replace(settings, sms_gateway=url, sms_gateway_secret="s3cret")


@pytest.fixture
def texting(db: Database, keys: Keys, clock: FakeClock) -> Iterator[Texting]:
    """A process that is bound."""
    world = furnish(db, keys)
    with centre() as end, serving(addressed(db.settings, end), clock):
        assert end.bound.wait(PATIENCE_S)
        yield Texting(world, end)


def test_a_card_by_text_is_redeemed_before_it_is_acknowledged(texting: Texting) -> None:
    account, card = texting.world.account(), texting.world.card()
    said = f"CZ {account} {card.pin.digits}".encode()
    assert texting.centre.deliver(text(said)) == [DELIVER_RESP]
    assert texting.count(redemption) == 1
    until(lambda: bool(texting.centre.sent))
    (reply,) = texting.centre.sent
    assert reply.text.startswith(f"充值50.00元，户号尾号{account[-4:]}")
    assert (reply.source, reply.destination, reply.coding) == ("95598", "8613800000001", 8)


def test_a_chinese_text_in_ucs2_is_understood(texting: Texting) -> None:
    account, card = texting.world.account(), texting.world.card()
    said = f"充值 {account} {card.pin.digits}".encode("utf-16-be")
    assert texting.centre.deliver(text(said, coding=8)) == [DELIVER_RESP]
    assert texting.count(redemption) == 1


@pytest.mark.parametrize("wide", [False, True])
def test_a_text_in_parts_is_joined_whatever_their_order(texting: Texting, wide: bool) -> None:
    account, card = texting.world.account(), texting.world.card()
    said = f"充值 {account} {card.pin.digits}".encode("utf-16-be")
    pieces = parts(said, 24, 200, wide=wide, coding=8)
    assert len(pieces) > 2
    answers = texting.centre.deliver(pieces[1], pieces[0], *pieces[2:])
    assert answers == [DELIVER_RESP] * len(pieces)
    assert texting.count(redemption) == 1


def test_parts_of_two_senders_under_one_reference_are_not_mixed(texting: Texting) -> None:
    one, other = texting.world.cards(2)
    accounts = texting.world.account(), texting.world.account()
    first = parts(f"CZ {accounts[0]} {one.pin.digits}".encode(), 20, 7, source="8613800000001")
    second = parts(f"CZ {accounts[1]} {other.pin.digits}".encode(), 20, 7, source="8613800000002")
    texting.centre.deliver(first[0], second[0], second[1], first[1])
    with texting.world.db.read() as session:
        query = select(redemption.c.caller, redemption.c.account_number)
        found = {row.caller: row.account_number for row in session.execute(query)}
    assert found == {"tel:+8613800000001": accounts[0], "tel:+8613800000002": accounts[1]}


def test_a_text_that_comes_again_has_one_effect_and_one_reply(texting: Texting) -> None:
    account = texting.world.account()
    wrong = text(f"CZ {account} {draw().digits}".encode())
    card = text(f"CZ {account} {texting.world.card().pin.digits}".encode())
    texting.centre.deliver(wrong, wrong, card, card, card)
    assert (texting.count(attempt), texting.count(redemption)) == (1, 1)
    until(lambda: len(texting.centre.sent) >= 2)
    assert texting.count(outbox) == 2


def test_a_text_that_was_told_to_come_again_is_answered_again(texting: Texting) -> None:
    """On SQLite a table that is missing is an outage ("try later"), on PostgreSQL a fault."""
    account, card = texting.world.account(), texting.world.card()
    body = text(f"CZ {account} {card.pin.digits}".encode())
    with texting.world.db.write() as session:
        session.execute(sql("ALTER TABLE caller_language RENAME TO away"))
    texting.centre.deliver(body, body)
    assert (texting.count(redemption), texting.count(outbox)) == (0, 2)
    with texting.world.db.write() as session:
        session.execute(sql("ALTER TABLE away RENAME TO caller_language"))
    texting.centre.deliver(body, body)
    assert (texting.count(redemption), texting.count(outbox)) == (1, 3)


def test_two_cards_one_after_the_other_are_two_messages(texting: Texting) -> None:
    account = texting.world.account()
    for card in texting.world.cards(2):
        texting.centre.deliver(text(f"CZ {account} {card.pin.digits}".encode()))
    assert texting.count(redemption) == 2


def test_a_line_that_is_cut_before_the_acknowledgement_redeems_once(
    texting: Texting, clock: FakeClock
) -> None:
    account, card = texting.world.account(), texting.world.card()
    body = text(f"CZ {account} {card.pin.digits}".encode())
    texting.centre.post(body)
    texting.centre.drop()
    assert texting.centre.bound.wait(PATIENCE_S)
    assert texting.centre.deliver(body) == [DELIVER_RESP]
    assert texting.count(redemption) == 1
    clock.advance(seconds=10)  # the reply may have found no line, and been put off
    until(lambda: bool(texting.centre.sent))
    assert texts(texting.centre)[0].startswith("充值50.00元")


@pytest.mark.parametrize(
    "body",
    [
        text(b"\xff\x08\x04\x00", esm_class=0x40),  # a header longer than the text
        text(b"\5", esm_class=0x40),
        text(b"id:1 sub:xx dlvrd:yy submit date:zz stat:DELIVRD", esm_class=4),
        text(b"\xd8\x00\xd8", coding=8),
        text(b"\xff" * 140, coding=4),
        b"\0\xff\xff",
        text(b"", coding=0),
        text(b"BAL\0\0", source="CMCC"),
    ],
)
def test_what_cannot_be_read_ends_neither_line_nor_process(texting: Texting, body: bytes) -> None:
    texting.centre.deliver(body)
    account, card = texting.world.account(), texting.world.card()
    texting.centre.deliver(text(f"CZ {account} {card.pin.digits}".encode()))
    assert texting.count(redemption) == 1


# -- what goes out


def test_texts_go_out_with_coding_numbers_and_a_reference(texting: Texting) -> None:
    message_id = texting.send("Top-up OK: CNY 50.00")
    until(lambda: texting.message(message_id).sent_at is not None)
    (sent,) = texting.centre.sent
    assert (sent.coding, sent.text, sent.destination) == (
        0,
        "Top-up OK: CNY 50.00",
        "8613800000001",
    )
    assert sent.reference == message_id & 0xFFFF


def test_a_refusal_for_good_is_given_up(texting: Texting) -> None:
    texting.centre.statuses = [BAD_DESTINATION]
    message_id = texting.send("text")
    until(lambda: texting.message(message_id).given_up_at is not None)
    assert texting.message(message_id).last_error == "smpp_ESME_RINVDSTADR"


def test_throttling_puts_off_and_sends_later(texting: Texting, clock: FakeClock) -> None:
    texting.centre.statuses = [THROTTLED]
    message_id = texting.send("text")
    until(lambda: texting.message(message_id).last_error == "smpp_ESME_RTHROTTLED")
    assert texting.message(message_id).given_up_at is None
    clock.advance(seconds=10)
    until(lambda: texting.message(message_id).sent_at is not None)
    assert len(texting.centre.sent) == 1


def test_a_lost_answer_sends_again_under_the_same_reference(
    texting: Texting, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.smpp.link.ANSWER_S", 0.5)
    texting.centre.silent_texts = 1
    message_id = texting.send("text")
    until(lambda: texting.message(message_id).last_error is not None)
    assert texting.centre.bound.wait(PATIENCE_S)
    clock.advance(seconds=10)
    until(lambda: texting.message(message_id).sent_at is not None)
    assert {sent.reference for sent in texting.centre.sent} == {message_id & 0xFFFF}


def test_reports_are_stored(texting: Texting) -> None:
    message_id = texting.send("text")
    until(lambda: texting.message(message_id).sent_at is not None)
    report = (
        b"id:C1 sub:001 dlvrd:001 submit date:2506110930 done date:2506110931 "
        b"stat:DELIVRD err:000 text:x"
    )
    texting.centre.deliver(text(report, esm_class=4))
    assert texting.message(message_id).delivery == "delivered"
    texting.centre.deliver(text(report.replace(b"C1", b"C9"), esm_class=4))


# -- the line itself


def test_the_line_is_kept_alive_and_taken_up_again(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    furnish(db, keys)
    with centre() as end, serving(addressed(db.settings, end, "&enquire=1"), clock):
        until(lambda: end.enquiries >= 1)
        end.drop()
        until(lambda: end.binds >= 2 and end.bound.is_set())


def test_a_wrong_password_is_tried_again_and_then_binds(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    furnish(db, keys)
    with centre() as end:
        end.password = "other"
        with serving(addressed(db.settings, end), clock):
            until(lambda: end.binds >= 2)
            end.password = "s3cret"
            assert end.bound.wait(PATIENCE_S)


def test_only_an_smpp_gateway_is_served(db: Database, clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError, match="smpp://"):
        asyncio.run(serve(db.settings, asyncio.Event(), clock))


def test_the_pauses_grow_while_it_is_too_much_and_end_with_it() -> None:
    async def main() -> None:
        throttle = Throttle()
        assert await throttle.allow_request()
        await throttle.throttled()
        assert not await throttle.allow_request()
        assert throttle._pause_s == 1.0
        await throttle.throttled()
        assert throttle._pause_s == 2.0
        await throttle.not_throttled()
        assert throttle._pause_s == 0.0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ((200, 2, 3), (200, 2, 3)),
        ((0xABCD_0302, 2, 3), (0xABCD, 2, 3)),
        ((0x0000_0302, 2, 3), (0, 2, 3)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_long_references_are_read(read: tuple[int, int, int], meant: tuple[int, int, int]) -> None:
    assert read_reference(*read) == meant
