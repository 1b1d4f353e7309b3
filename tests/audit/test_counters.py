"""Counters of packs and the live tail say what a count of the redemptions says, at any instant."""

import random
import threading
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

import core.db
from audit.as_of import FINAL_AFTER, AsOfTooLate, final, latest_final
from audit.counters import rebuild, roll_up, rolled_up_to, used_cards_of
from audit.invariants_counters import COUNTERS
from core.db import Database, TransactionTooOld
from redemption.tables import redeemed_pack, redemption
from tests.clocks import START, FakeClock
from tests.factories import make_batch, make_redemption

CARDS = 450


def redeem(db: Database, serials: list[int]) -> None:
    with db.write() as session:
        for serial in serials:
            make_redemption(session, serial)


def packs(db: Database) -> dict[int, int]:
    with db.read() as session:
        return {row.first_serial: row.cards for row in session.execute(select(redeemed_pack))}


def naive(db: Database, first: int, last: int, as_of: datetime | None) -> int:
    query = select(func.count()).where(redemption.c.serial.between(first, last))
    if as_of is not None:
        query = query.where(redemption.c.at <= as_of)
    with db.read() as session:
        return int(session.execute(query).scalar_one())


def holds(db: Database) -> bool:
    with db.read() as session:
        return not COUNTERS[0].check(session)


@pytest.fixture
def first(db: Database) -> int:
    with db.write() as session:
        return make_batch(session, CARDS, stage="active")


def test_a_round_counts_what_is_a_minute_old_and_leaves_the_rest(
    db: Database, clock: FakeClock, first: int
) -> None:
    redeem(db, [first, first + 99, first + 100])
    clock.advance(seconds=59)
    assert roll_up(db) < START
    assert packs(db) == {}
    redeem(db, [first + 101])
    clock.advance(seconds=1)
    assert roll_up(db) == START
    assert packs(db) == {first: 2, first + 100: 1}
    clock.advance(hours=1)
    roll_up(db)
    assert packs(db) == {first: 2, first + 100: 2}
    assert holds(db)


def test_the_counts_are_those_of_the_rows_at_any_instant_and_for_any_range(
    db: Database, clock: FakeClock, first: int
) -> None:
    chance = random.Random(5)  # noqa: S311 - it must be repeatable
    left = list(range(first, first + CARDS))
    chance.shuffle(left)
    instants: list[datetime | None] = [None]
    for number in range(8):
        redeem(db, [left.pop() for _ in range(chance.randrange(40))])
        instants.append(clock.now)
        clock.advance(minutes=chance.choice((0.5, 3, 40, 200)))
        if number in (3, 5):
            roll_up(db)
    cuts = [0, 7, 99, 100, 130, 131, 300, 420, CARDS]
    pieces = [(first + a, first + b - 1) for a, b in pairwise(cuts)]
    for as_of in instants:
        with db.read() as session:
            found = used_cards_of(session, pieces, as_of)
        assert found == [naive(db, *piece, as_of) for piece in pieces], as_of
    assert holds(db)


def test_long_pauses_are_caught_up_in_steps(db: Database, clock: FakeClock, first: int) -> None:
    for day in range(3):
        redeem(db, [first + day])
        clock.advance(days=1)
    told: list[datetime] = []
    end = roll_up(db, told.append)
    assert 4 < len(told) < 20
    assert told == sorted(told) and told[-1] == end == latest_final(clock.now)
    assert packs(db) == {first: 3}


def test_several_processes_that_roll_up_at_once_count_once(
    db: Database, clock: FakeClock, first: int
) -> None:
    redeem(db, list(range(first, first + 200)))
    clock.advance(minutes=5)
    threads = [threading.Thread(target=roll_up, args=(db,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert packs(db) == {first: 100, first + 100: 100}


def test_wrong_counters_are_found_and_counted_anew(
    db: Database, clock: FakeClock, first: int
) -> None:
    redeem(db, [first, first + 1])
    clock.advance(minutes=5)
    roll_up(db)
    with db.write() as session:
        session.execute(redeemed_pack.update().values(cards=7))
    assert not holds(db)
    rebuild(db)
    assert packs(db) == {first: 2}
    assert holds(db)


def test_before_the_first_round_everything_is_the_tail(db: Database, first: int) -> None:
    redeem(db, [first, first + 101])
    with db.read() as session:
        assert rolled_up_to(session).year == 1970
        assert used_cards_of(session, [(first, first + CARDS - 1)], None) == [2]
        assert used_cards_of(session, [], None) == []


def test_an_instant_that_is_not_final_yet_is_refused() -> None:
    latest = START - timedelta(seconds=60)
    assert final(START, None) == final(START, latest) == latest
    with pytest.raises(AsOfTooLate):
        final(START, latest + timedelta(microseconds=1))


def test_a_transaction_that_became_too_old_leaves_nothing(
    db: Database, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a report as of a minute ago rests on: nothing is added to the past any more.
    assert FINAL_AFTER.total_seconds() >= 2 * core.db.MAX_TRANSACTION_S
    monkeypatch.setattr(core.db, "MAX_TRANSACTION_S", -1)
    with pytest.raises(TransactionTooOld):
        redeem(db, [first])
    assert naive(db, first, first, None) == 0
