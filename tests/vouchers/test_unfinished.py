"""A batch whose making ended early becomes one void lot, and its serials are never used again."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select, text

from core import jobs
from core.db import Database
from core.keyfile import Keys
from core.settings import variables
from core.tables import job
from tests.clocks import FakeClock
from tests.vouchers.making import House, open_house
from vouchers import generation, pins
from vouchers.batches import get_batch
from vouchers.generation import (
    BatchAlreadyGenerated,
    GenerationFailed,
    generate,
    recover_unfinished,
    start_generation,
    wait_for_generations,
)
from vouchers.pin_list import Pins, draw_pins
from vouchers.shares import WRITERS
from vouchers.tables import lot, print_file_part, stock_movement, voucher


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few cards need several transactions."""
    monkeypatch.setattr(generation, "CARDS_IN_ONE_TRANSACTION", 50)


class _Broken(Exception):
    """What a test breaks a generation with."""


def _make(house: House, batch_id: int, stop_at: int | None = None) -> None:
    def progress(done: int, _total: int) -> None:
        if done == stop_at:
            raise _Broken

    generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, progress)


def _check_void(house: House, batch_id: int, reason: str) -> None:
    with house.db.read() as session:
        item = get_batch(session, batch_id)
        pieces = session.execute(select(lot).where(lot.c.batch_id == batch_id)).all()
        movements = session.execute(
            select(stock_movement).where(stock_movement.c.batch_id == batch_id)
        ).all()
        parts = session.execute(select(func.count()).select_from(print_file_part)).scalar_one()
        (ended,) = session.execute(select(job).where(job.c.subject_id == batch_id)).all()
    assert item.state == "failed"
    assert [(p.first_serial, p.last_serial, p.stage) for p in pieces] == [
        (item.cards.first, item.cards.last, "void")
    ]
    assert [(m.first_serial, m.last_serial, m.to_stage) for m in movements] == [
        (item.cards.first, item.cards.last, "void")
    ]
    assert reason in movements[0].reason
    assert parts == 0
    assert (ended.state, reason in ended.error) == ("failed", True)


def _cards_of(house: House, batch_id: int) -> int:
    with house.db.read() as session:
        query = select(func.count()).where(voucher.c.batch_id == batch_id)
        return int(session.execute(query).scalar_one())


def _check_begun(house: House, batch_id: int, done: int) -> None:
    """Check that no piece was begun after one of those in hand was told as done."""
    ahead = 0 if house.db.is_sqlite else 50 * (WRITERS - 1)
    assert done <= _cards_of(house, batch_id) <= done + ahead


def test_an_error_on_the_way_makes_the_batch_void(house: House) -> None:
    batch_id = house.approved(200)
    with pytest.raises(GenerationFailed) as caught:
        _make(house, batch_id, stop_at=100)
    assert isinstance(caught.value.__cause__, _Broken)
    _check_void(house, batch_id, "_Broken")
    with house.db.read() as session:
        assert get_batch(session, batch_id).generated_count == _cards_of(house, batch_id)
    _check_begun(house, batch_id, done=100)


def test_the_serials_of_a_void_batch_are_never_used_again(house: House) -> None:
    batch_id = house.approved(100)
    with pytest.raises(GenerationFailed):
        _make(house, batch_id, stop_at=50)
    left = _cards_of(house, batch_id)
    with pytest.raises(BatchAlreadyGenerated):
        _make(house, batch_id)
    assert house.generated(100) > batch_id
    assert _cards_of(house, batch_id) == left


def test_an_interruption_by_hand_makes_the_batch_void_and_goes_on_up(house: House) -> None:
    batch_id = house.approved(100)

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, interrupt)
    _check_void(house, batch_id, "KeyboardInterrupt")


def test_an_error_in_the_draw_shows_no_pin(house: House) -> None:
    batch_id = house.approved(100)
    seen: list[str] = []

    def draw(count: int) -> Pins:
        if seen:
            raise ValueError(f"the source broke after {seen[-1]}")
        drawn = draw_pins(count)
        seen.extend(drawn.digits)
        return drawn

    with pytest.raises(GenerationFailed) as caught:
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, draw=draw)
    assert seen[-1] not in caught.value.message
    _check_void(house, batch_id, "ValueError")
    with house.db.read() as session:
        (ended,) = session.execute(select(job)).all()
    assert seen[-1] not in ended.error


@contextmanager
def _full_disk(db: Database, free_pages: int) -> Iterator[None]:
    """Let an SQLite database grow by a few pages only."""
    with db.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def limit(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + free_pages}")  # type: ignore[attr-defined]

    db.dispose()
    event.listen(db.engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(db.engine, "connect", limit)
        db.dispose()


def test_a_full_disk_makes_the_batch_void_and_says_so(sqlite_db: Database, keys: Keys) -> None:
    house = open_house(sqlite_db, keys)
    batch_id = house.approved(3_000)
    with _full_disk(sqlite_db, free_pages=30), pytest.raises(GenerationFailed, match="full"):
        _make(house, batch_id)
    assert 0 < _cards_of(house, batch_id) < 3_000
    _check_void(house, batch_id, "full")
    assert house.generated(100) > batch_id


def test_a_serial_that_is_taken_makes_the_batch_void(house: House) -> None:
    batch_id = house.approved(200)
    row = {"serial": batch_id * 100_000 + 120, "batch_id": batch_id}
    with house.db.write() as session:
        session.execute(voucher.insert(), row | {"pin_tag": pins.hybrid_tag(9, 9)})
    with pytest.raises(GenerationFailed):
        _make(house, batch_id)
    _check_void(house, batch_id, "no PIN could be drawn")


def test_a_database_error_makes_the_batch_void(house: House) -> None:
    batch_id = house.approved(200)

    def take_away(done: int, _total: int) -> None:
        with house.db.write() as session:
            session.execute(text(f"ALTER TABLE voucher RENAME COLUMN pin_tag TO tag{done}"))

    def put_back() -> None:
        with house.db.write() as session:
            session.execute(text("ALTER TABLE voucher RENAME COLUMN tag50 TO pin_tag"))

    with pytest.raises(GenerationFailed, match="the database refused"):
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, take_away)
    put_back()
    _check_void(house, batch_id, "the database refused")


def test_what_cannot_even_be_made_void_is_made_void_later(house: House) -> None:
    batch_id = house.approved(200)

    def take_away(_done: int, _total: int) -> None:
        with house.db.write() as session:
            session.execute(text("ALTER TABLE lot RENAME TO lot_away"))
        raise _Broken

    with pytest.raises(GenerationFailed):
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, take_away)
    with house.db.write() as session:
        assert get_batch(session, batch_id).state == "generating"
        session.execute(text("ALTER TABLE lot_away RENAME TO lot"))
    assert recover_unfinished(house.db, house.warehouse_id) == [batch_id]
    _check_void(house, batch_id, "the process that made it ended")


def test_a_failure_in_the_background_ends_the_job(house: House) -> None:
    batch_id = house.approved(200)
    with house.db.write() as session:
        session.execute(text("ALTER TABLE print_file_part RENAME TO away"))
    job_id = start_generation(house.db, house.keys, house.asks, batch_id, house.warehouse_id)
    assert wait_for_generations(60)
    with house.db.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO print_file_part"))
        assert not jobs.is_alive(jobs.get(session, job_id), session.now)
    assert recover_unfinished(house.db, house.warehouse_id) == [batch_id]


def test_a_batch_for_which_no_thread_is_to_be_had_is_not_thought_to_be_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    batch_id = house.approved(200)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(threading.Thread, "start", none)
        start_generation(house.db, house.keys, house.asks, batch_id, house.warehouse_id)
    assert recover_unfinished(house.db, house.warehouse_id) == [batch_id]
    assert wait_for_generations(60)


def test_the_batch_of_a_living_thread_is_left_alone(house: House) -> None:
    batch_id = house.approved(200)
    recovered: list[int] = []

    def recover(_done: int, _total: int) -> None:
        recovered.extend(recover_unfinished(house.db, house.warehouse_id))

    generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, recover)
    assert recovered == []
    assert recover_unfinished(house.db, house.warehouse_id) == []
    with house.db.read() as session:
        assert get_batch(session, batch_id).state == "generated"


def test_a_batch_given_up_by_others_does_not_grow_any_more(house: House, clock: FakeClock) -> None:
    batch_id = house.approved(200)
    recovered: list[int] = []

    def lose(done: int, _total: int) -> None:
        if done == 100:
            with house.db.write() as session:
                session.execute(job.update().values(owner="far/away/pid:[1]#1@1.00"))
            recovered.extend(recover_unfinished(house.db, house.warehouse_id))
            clock.advance(seconds=61)
            recovered.extend(recover_unfinished(house.db, house.warehouse_id))

    with pytest.raises(GenerationFailed, match="given up"):
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, lose)
    assert recovered == [batch_id]
    _check_begun(house, batch_id, done=100)
    _check_void(house, batch_id, "the process that made it ended")


_MAKE = """
import os, sys
from core import settings
from core.db import Database
from core.keyfile import Keys
from staff.permissions import Actor
from vouchers import generation

import accounts.tables, distribution.tables, redemption.tables

def wait(done, total):
    print(done, flush=True)
    sys.stdin.read()

db = Database(settings.load(os.environ))
batch_id, holder_id, member_id, person_id = map(int, sys.argv[1:])
actor = Actor(member_id, person_id, "maker", "issuer")
generation.CARDS_IN_ONE_TRANSACTION = 50
generation.generate(db, Keys(db.settings.key_file), actor, batch_id, holder_id, wait)
"""


@contextmanager
def _other_process(house: House, batch_id: int) -> Iterator["subprocess.Popen[str]"]:
    """Let another process make the first 50 cards and wait there."""
    who = house.asks
    arguments = [str(n) for n in (batch_id, house.warehouse_id, who.member_id, who.person_id)]
    with subprocess.Popen(
        [sys.executable, "-c", _MAKE, *arguments],
        env=os.environ | variables(house.db.settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "50\n"
            yield process
        finally:
            process.kill()


def test_a_batch_whose_process_was_killed_is_made_void_at_the_next_start(house: House) -> None:
    batch_id = house.approved(200)
    with _other_process(house, batch_id) as process:
        assert recover_unfinished(house.db, house.warehouse_id) == []
        process.kill()
        process.wait()
    assert recover_unfinished(house.db, house.warehouse_id) == [batch_id]
    _check_void(house, batch_id, "the process that made it ended")
    _check_begun(house, batch_id, done=50)
    assert recover_unfinished(house.db, house.warehouse_id) == []


def test_a_killed_batch_does_not_stop_others(house: House) -> None:
    batch_id = house.approved(200)
    with _other_process(house, batch_id):
        assert house.generated(100) > batch_id
