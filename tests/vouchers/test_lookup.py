"""From a PIN to its card, under both protections and every live key."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core import trips
from core.db import Call, Database, Session
from core.keyfile import Keys
from tests.vouchers.making import House, open_house
from vouchers import key_rotation, pins
from vouchers.lookup import ArgonPool, Busy, Check, Found, look_up
from vouchers.pins import Pin

SLOW, QUICK = 20_000, 5_000


@pytest.mark.parametrize("face_fen", [QUICK, SLOW])
def test_every_printed_pin_finds_its_own_card(house: House, face_fen: int) -> None:
    cards = house.cards(60, face_fen)
    found = house.find(*[card.pin for card in cards])
    batch_id = cards[0].serial // 100_000
    assert found == [Found(card.serial, batch_id, face_fen, 1) for card in cards]


@pytest.mark.parametrize("face_fen", [QUICK, SLOW])
def test_a_pin_that_nobody_printed_finds_nothing(house: House, face_fen: int) -> None:
    house.cards(60, face_fen)
    assert house.find(*[pins.draw() for _ in range(30)]) == [None] * 30


def test_answers_stand_in_the_order_of_the_questions(house: House) -> None:
    quick, slow = house.cards(3, QUICK), house.cards(3, SLOW)
    asked = [slow[1].pin, None, quick[2].pin, pins.draw(), slow[1].pin, quick[2].pin]
    serials = [getattr(found, "serial", None) for found in house.find(*asked)]
    assert serials == [slow[1].serial, None, quick[2].serial, None, slow[1].serial, quick[2].serial]
    assert house.find() == []


def test_cards_made_before_and_after_rotations_are_found(house: House) -> None:
    cards = {version: house.cards(5, QUICK) + house.cards(5, SLOW) for version in [1]}
    for version in (2, 3, 4):
        assert key_rotation.rotate(house.db, house.keys, house.admin) == version
        cards[version] = house.cards(5, QUICK) + house.cards(5, SLOW)
    for version, many in cards.items():
        for card, found in zip(many, house.find(*[c.pin for c in many]), strict=True):
            assert isinstance(found, Found)
            assert (found.serial, found.key_version) == (card.serial, version)


def test_512_pins_are_looked_up_by_one_select(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.cards(5)
    sent: list[Call] = []
    send = trips._send

    def note(session: Session, calls: Sequence[Call]) -> None:
        sent.extend(calls)
        send(session, calls)

    monkeypatch.setattr(trips, "_send", note)
    house.find(*[pins.draw() for _ in range(512)])
    assert len(sent) == 1


def test_a_pin_that_shares_the_short_tag_of_a_card_is_not_taken_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With 12 bits instead of 28 such a PIN can be drawn.
    monkeypatch.setattr(pins, "_SHORT_BITS", 12)
    (card,) = house.cards(1, SLOW)
    key = house.keys.get().current
    other = card.pin
    while other == card.pin or pins.short_tag(key, other) != pins.short_tag(key, card.pin):
        other = pins.draw()
    found = house.find(card.pin, other)
    assert isinstance(found[0], Found)
    assert found[1] is None


def _blocked_pool(house: House, queue: int) -> tuple[ArgonPool, threading.Event]:
    pool = ArgonPool(replace(house.db.settings, argon2_threads=1, argon2_queue=queue))
    gate = threading.Event()
    check = _Gate(gate)
    for _ in range(1 + queue):
        assert pool.submit(check) is not None
    return pool, gate


class _Gate:
    """Something slow for the pool, that ends when the test says so."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    def run(self) -> bool:
        return self._gate.wait(60)


@pytest.mark.parametrize("queue", [0, 3])
def test_a_full_queue_turns_away_the_slow_request_alone(house: House, queue: int) -> None:
    quick, slow = house.cards(1, QUICK), house.cards(1, SLOW)
    pool, gate = _blocked_pool(house, queue)
    asked = [slow[0].pin, quick[0].pin, pins.draw()]
    with house.db.read() as session:
        found = look_up(session, house.keys.get(), asked).find(pool, asked)
    assert found[0] == Busy()
    assert isinstance(found[1], Found)
    assert found[2] is None
    gate.set()
    pool.close()


def test_a_place_in_the_queue_is_free_again_when_its_check_has_ended(house: House) -> None:
    (card,) = house.cards(1, SLOW)
    pool = ArgonPool(replace(house.db.settings, argon2_threads=1, argon2_queue=0))
    with house.db.read() as session:
        for _ in range(5):
            (found,) = look_up(session, house.keys.get(), [card.pin]).find(pool, [card.pin])
            assert isinstance(found, Found)
    pool.close()


def test_one_pin_asked_for_many_times_is_checked_once(house: House) -> None:
    (card,) = house.cards(1, SLOW)
    pool = ArgonPool(replace(house.db.settings, argon2_threads=1, argon2_queue=0))
    with house.db.read() as session:
        found = look_up(session, house.keys.get(), [card.pin] * 20).find(pool, [card.pin] * 20)
    pool.close()
    assert {getattr(item, "serial", None) for item in found} == {card.serial}


def test_parallel_lookups_share_the_pool(house: House) -> None:
    cards = house.cards(20, SLOW)
    pool = ArgonPool(house.db.settings)

    def found_for(pin: Pin) -> object:
        with house.db.read() as session:
            return look_up(session, house.keys.get(), [pin]).find(pool, [pin])[0]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(found_for, [card.pin for card in cards]))
    pool.close()
    assert [getattr(item, "serial", None) for item in found] == [card.serial for card in cards]


def test_a_check_shows_no_pin(house: House) -> None:
    (card,) = house.cards(1, SLOW)
    shown = repr(Check(house.keys.get(), Found(1, 1, 1, 1), b"", b"", card.pin))
    assert card.pin.digits not in shown


def test_a_database_error_shows_no_pin(sqlite_db: Database, keys: Keys) -> None:
    house = open_house(sqlite_db, keys)
    (card,) = house.cards(1)
    with sqlite_db.write() as session:
        session.execute(text("ALTER TABLE voucher RENAME TO away"))
    with pytest.raises(OperationalError, match="voucher") as caught:
        house.find(card.pin)
    assert card.pin.digits not in str(caught.value)
    assert pins.full_tag(keys.get().current, card.pin).hex not in str(caught.value)
