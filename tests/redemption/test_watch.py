"""What no single request can see: packs that are tried out, too many wrong PINs overall."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from core.db import Database
from core.keyfile import Keys
from core.tables import outbox
from redemption import watch as watching
from redemption.alarms import raise_alarms
from redemption.requests import caller_of_partner, caller_of_phone, caller_withheld
from redemption.rules import NOT_ACTIVATED_CARD, Alarm
from redemption.tables import alarm, attempt
from redemption.watch import Try, hold_pack, is_too_many, packs_tried, watch
from tests.clocks import FakeClock
from tests.redemption.cards import make_cards
from vouchers.serials import pack_of, serial_text
from vouchers.tables import lot, stock_movement

AT = datetime(2025, 6, 11, 1, 30, tzinfo=UTC)
FIRST = 42_25_1010_070_00100


def tries(*hits: tuple[int, str, int]) -> list[Try]:
    """Make tries of (minutes, caller, card of the pack)."""
    return [Try(AT + timedelta(minutes=m), FIRST + card, caller) for m, caller, card in hits]


@pytest.mark.parametrize(
    ("hits", "is_tried"),
    [
        ([(0, "a", 1), (1, "b", 2), (2, "c", 3)], True),
        ([(0, "a", 1), (1, "b", 1), (2, "c", 1)], True),
        ([(0, "a", 1), (1, "a", 2), (2, "b", 3)], False),
        ([(0, "a", 1), (30, "b", 2), (60, "c", 3)], True),
        ([(0, "a", 1), (30, "b", 2), (61, "c", 3)], False),
        ([(0, "a", 1), (30, "b", 2), (61, "c", 3), (62, "a", 4)], True),
        ([(0, "a", 1), (1, "b", 2), (2, "c", 103)], False),
    ],
)
def test_three_callers_of_one_pack_within_an_hour(
    hits: list[tuple[int, str, int]], is_tried: bool
) -> None:
    found = packs_tried(tries(*hits), {})
    assert found == ([pack_of(FIRST)] if is_tried else [])


def test_what_came_before_a_hold_counts_no_more() -> None:
    old = [(0, "a", 1), (1, "b", 2), (2, "c", 3)]
    held = {pack_of(FIRST).first: AT + timedelta(minutes=2)}
    assert packs_tried(tries(*old), held) == []
    assert packs_tried(tries(*old, (3, "a", 1), (4, "b", 1)), held) == []
    assert packs_tried(tries(*old, (3, "a", 1), (4, "b", 1), (5, "d", 1)), held) != []


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [(20, 80, False), (21, 80, True), (19, 0, False), (20, 0, True), (1000, 4000, False)],
)
def test_over_a_fifth_of_many(wrong: int, right: int, told: bool) -> None:
    assert is_too_many(wrong, right) is told


def hit(db: Database, serials: list[int], callers: list[str]) -> None:
    """Raise the alarms that the engine raises for these hits."""
    for serial, caller in zip(serials, callers, strict=True):
        raised = Alarm(NOT_ACTIVATED_CARD, serial_text(serial), "tried", caller)
        db.transact(partial(raise_alarms, raised=[raised]))


def rows(db: Database, table: Any) -> list[Any]:
    with db.read() as session:
        return list(session.execute(select(table).order_by(*table.primary_key.columns)))


def kinds(db: Database) -> list[str]:
    return [row.kind for row in rows(db, alarm) if row.kind != NOT_ACTIVATED_CARD]


CALLERS = [
    caller_of_phone("+8613800000001").identity,
    caller_of_partner("bank", "c-1").identity,
    caller_withheld("gateway").identity,
]


def test_a_pack_that_is_tried_out_is_put_on_hold_once_with_an_alarm(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 250, stage="stocked")
    pack = pack_of(cards[120].serial)
    hit(db, [cards[i].serial for i in (110, 150, 190)], CALLERS)
    clock.advance(minutes=1)
    watch(db)
    watch(db)
    held = [row for row in rows(db, lot) if row.hold is not None]
    assert [(row.first_serial, row.last_serial, row.hold) for row in held] == [
        (pack.first, pack.last, "suspended")
    ]
    moved = [row for row in rows(db, stock_movement) if row.move == "hold"]
    assert [(row.first_serial, row.member_id) for row in moved] == [(pack.first, None)]
    assert kinds(db) == ["pack_held"]
    told = [row.body for row in rows(db, outbox) if row.kind == "alarm"]
    assert sum(body.startswith("pack_held") for body in told) == 1


def test_active_cards_of_the_pack_stay_good(db: Database, keys: Keys, clock: FakeClock) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 60, stage="stocked")
        session.execute(lot.update().values(last_serial=cards[9].serial))
        rest = session.execute(select(lot)).one()._asdict()
        session.execute(
            lot.insert(),
            rest
            | {
                "first_serial": cards[10].serial,
                "last_serial": cards[59].serial,
                "stage": "active",
                "activated_on": session.today,
            },
        )
    hit(db, [cards[0].serial] * 3, CALLERS)
    clock.advance(minutes=1)
    watch(db)
    assert [row.hold for row in rows(db, lot)] == ["suspended", None]


def test_two_callers_or_three_over_a_long_time_hold_nothing(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 10, stage="stocked")
    hit(db, [card.serial for card in cards[:2]], CALLERS[:2])
    clock.advance(minutes=61)
    hit(db, [cards[2].serial], CALLERS[2:])
    watch(db)
    assert kinds(db) == []
    assert [row.hold for row in rows(db, lot)] == [None]


def test_a_pack_that_staff_released_is_not_held_again_for_the_same_tries(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 10, stage="stocked")
    hit(db, [card.serial for card in cards[:3]], CALLERS)
    clock.advance(minutes=1)
    watch(db)
    with db.write() as session:
        session.execute(lot.update().values(hold=None))
    watch(db)
    assert [row.hold for row in rows(db, lot)] == [None]
    clock.advance(minutes=1)
    hit(db, [card.serial for card in cards[:3]], CALLERS)
    watch(db)
    assert [row.hold for row in rows(db, lot)] == ["suspended"]
    assert kinds(db) == ["pack_held", "pack_held"]


def test_processes_at_once_hold_a_pack_once(db: Database, keys: Keys, clock: FakeClock) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 10, stage="stocked")
    hit(db, [card.serial for card in cards[:3]], CALLERS)
    clock.advance(minutes=1)
    barrier = threading.Barrier(4)
    held: list[bool] = []

    def hold() -> None:
        barrier.wait()
        held.append(db.transact(lambda session: hold_pack(session, pack_of(cards[0].serial))))

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(held) == [False, False, False, True]
    assert kinds(db) == ["pack_held"]


def wrong(db: Database, count: int) -> None:
    """Write so many wrong PINs, as the engine does."""
    with db.write() as session:
        for number in range(count):
            row = {
                "id": session.new_id(),
                "at": session.now,
                "day": session.today,
                "channel": ("sms", "ivr", "api")[number % 3],
                "sender": "gateway",
                "caller": f"tel:{number}",
                "code": "pin_unknown",
            }
            session.execute(attempt.insert(), row)


def test_too_many_wrong_pins_alarm_once_in_five_minutes(db: Database, clock: FakeClock) -> None:
    wrong(db, 19)
    watch(db)
    assert kinds(db) == []
    wrong(db, 1)
    watch(db)
    clock.advance(minutes=4)
    wrong(db, 25)
    watch(db)
    assert kinds(db) == ["many_wrong_pins"]
    clock.advance(minutes=2)
    watch(db)
    assert kinds(db) == ["many_wrong_pins", "many_wrong_pins"]
    clock.advance(minutes=6)
    watch(db)
    assert len(kinds(db)) == 2  # quiet again
    assert watching.MANY_WRONG_PINS in rows(db, outbox)[0].body
