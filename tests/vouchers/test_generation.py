"""From an approved batch to cards, an encrypted print file and one lot."""

import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import func, select, text

from core import jobs
from core.db import Database
from core.errors import ConfigurationError, InvalidInput, TryLater
from core.keyfile import Keys
from staff.permissions import Forbidden
from tests.factories import make_member
from tests.vouchers.making import House, open_house
from vouchers import generation, key_rotation, pins
from vouchers.batches import Batch, get_batch
from vouchers.draws import NewCards
from vouchers.generation import (
    BatchAlreadyGenerated,
    GenerationFailed,
    generate,
    start_generation,
    wait_for_generations,
)
from vouchers.key_rotation import KeyFull
from vouchers.pin_list import Pins, draw_pins
from vouchers.pins import Pin
from vouchers.print_file import PrintedCard, read_print_file
from vouchers.shares import BATCHES_AT_ONCE
from vouchers.tables import batch, lot, print_file_part, stock_movement, voucher

QUICK, SLOW = 5_000, 20_000


def _batch(house: House, batch_id: int) -> Batch:
    with house.db.read() as session:
        return get_batch(session, batch_id)


def _make(house: House, batch_id: int, draw: Callable[[int], Pins] = draw_pins) -> None:
    generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, draw=draw)


def _drawing(*many: Pin) -> Callable[[int], Pins]:
    """Draw these PINs first, then others."""
    left: Iterator[Pin] = iter(many)
    return lambda count: Pins((next(left, None) or pins.draw()).digits for _ in range(count))


def _printed(house: House, batch_id: int) -> list[PrintedCard]:
    return list(read_print_file(house.exported(batch_id).ciphertext, house.secret_key))


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few cards need several transactions."""
    monkeypatch.setattr(generation, "CARDS_IN_ONE_TRANSACTION", 40)
    monkeypatch.setattr(generation, "SLOW_CARDS_IN_ONE_TRANSACTION", 40)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("face_fen", [QUICK, SLOW])
def test_a_batch_becomes_cards_one_lot_and_one_movement(house: House, face_fen: int) -> None:
    batch_id = house.generated(100, face_fen)
    item = _batch(house, batch_id)
    assert (item.state, item.generated_count, item.key_version) == ("generated", 100, 1)
    with house.db.read() as session:
        serials = list(
            session.execute(select(voucher.c.serial).order_by(voucher.c.serial)).scalars()
        )
        (piece,) = session.execute(select(lot)).all()
        (movement,) = session.execute(select(stock_movement)).all()
    assert serials == list(item.cards)
    assert (piece.first_serial, piece.last_serial) == (item.cards.first, item.cards.last)
    assert (piece.stage, piece.holder_id, piece.version) == ("generated", house.warehouse_id, 1)
    assert piece.expires_on == date(2028, 6, 10)
    assert (movement.move, movement.from_stage, movement.to_stage) == (
        "generate",
        None,
        "generated",
    )
    assert movement.member_id == house.asks.member_id
    assert movement.approval_id == item.order_approval_id


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("face_fen", [QUICK, SLOW])
def test_the_print_file_holds_every_card_in_order(house: House, face_fen: int) -> None:
    batch_id = house.generated(100, face_fen)
    cards = _printed(house, batch_id)
    assert [card.serial for card in cards] == list(_batch(house, batch_id).cards)
    assert {card.face_fen for card in cards} == {face_fen}
    assert {card.expires_on for card in cards} == {date(2028, 6, 10)}
    assert len({card.pin for card in cards}) == 100
    assert cards[0].qr_text == f"http://127.0.0.1:8000/c#{cards[0].pin.digits}"


def test_only_the_printers_key_opens_the_print_file(house: House) -> None:
    export = house.exported(house.generated(10))
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(export.ciphertext, [pyrage.x25519.Identity.generate()])
    assert b"serial_number" not in export.ciphertext


def test_a_card_behind_argon2id_keeps_28_bits_and_its_own_salt(house: House) -> None:
    house.generated(50, SLOW)
    with house.db.read() as session:
        rows = session.execute(select(voucher)).all()
    assert all(row.pin_tag.bytes[:10] == bytes(10) for row in rows)
    assert {len(row.salt) for row in rows} == {16}
    assert len({row.salt for row in rows}) == 50
    assert len({row.verifier for row in rows}) == 50


def test_a_card_with_a_quick_tag_has_no_verifier(house: House) -> None:
    house.generated(10)
    with house.db.read() as session:
        rows = session.execute(select(voucher)).all()
    assert {(row.salt, row.verifier) for row in rows} == {(None, None)}
    assert not any(row.pin_tag.bytes[:10] == bytes(10) for row in rows)


@pytest.mark.usefixtures("small_steps")
def test_progress_rises_to_the_size_of_the_batch(house: House) -> None:
    seen: list[tuple[int, int]] = []
    generate(
        house.db,
        house.keys,
        house.asks,
        house.approved(100),
        house.warehouse_id,
        lambda done, total: seen.append((done, total)),
    )
    assert seen == [(40, 100), (80, 100), (100, 100)]


@pytest.mark.parametrize("face_fen", [QUICK, SLOW])
def test_a_pin_drawn_twice_is_drawn_again(house: House, face_fen: int) -> None:
    one, two = pins.draw(), pins.draw()
    batch_id = house.approved(3, face_fen)
    _make(house, batch_id, _drawing(one, one, one, two))
    printed = [card.pin for card in _printed(house, batch_id)]
    assert printed[0] == one
    assert two in printed
    assert len(set(printed)) == 3


@pytest.mark.parametrize("new_face", [QUICK, SLOW])
@pytest.mark.parametrize("old_face", [QUICK, SLOW])
@pytest.mark.parametrize("rotations", [0, 1, 3])
def test_the_pin_of_another_card_is_drawn_again_whatever_its_key_and_form(
    house: House, old_face: int, new_face: int, rotations: int
) -> None:
    old = house.cards(2, old_face)
    for _ in range(rotations):
        key_rotation.rotate(house.db, house.keys, house.admin)
    batch_id = house.approved(3, new_face)
    _make(house, batch_id, _drawing(old[0].pin, old[1].pin, old[0].pin))
    new = [card.pin for card in _printed(house, batch_id)]
    assert len({*new, *(card.pin for card in old)}) == 5
    assert [getattr(item, "serial", None) for item in house.find(*[c.pin for c in old])] == [
        card.serial for card in old
    ]


def test_a_source_that_repeats_itself_ends_the_batch(house: House) -> None:
    pin = pins.draw()
    with pytest.raises(GenerationFailed, match="no PIN could be drawn") as caught:
        _make(house, house.approved(2), lambda count: Pins([pin.digits] * count))
    assert pin.digits not in str(caught.value)


def test_new_cards_show_neither_their_pins_nor_their_tags() -> None:
    cards = NewCards([1], draw_pins(1), [b"tag" * 5], [(b"salt", b"verifier")])
    assert repr(cards) == "NewCards(serials=[1], pins=Pins(1 hidden))"


def test_a_batch_is_made_once_even_if_two_begin_at_once(house: House) -> None:
    batch_id = house.approved(100)
    gate = threading.Barrier(4)

    def begin(_: int) -> str | None:
        gate.wait()
        try:
            _make(house, batch_id)
        except BatchAlreadyGenerated as error:
            return error.code
        return None

    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(begin, range(4)))
    assert sorted(ends, key=str) == [None] + ["batch_already_generated"] * 3
    with house.db.read() as session:
        assert session.execute(select(func.count()).select_from(voucher)).scalar_one() == 100


def test_a_generated_batch_is_not_made_again(house: House) -> None:
    batch_id = house.generated(10)
    with pytest.raises(BatchAlreadyGenerated):
        _make(house, batch_id)
    assert _batch(house, batch_id).state == "generated"


def test_two_batches_can_be_made_at_the_same_time(house: House) -> None:
    batch_ids = [house.approved(120, QUICK), house.approved(120, SLOW), house.approved(120, QUICK)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda batch_id: _make(house, batch_id), batch_ids))
    printed = {card.pin for batch_id in batch_ids for card in _printed(house, batch_id)}
    assert len(printed) == 360


def test_generation_in_the_background_is_followed_by_its_job(house: House) -> None:
    batch_id = house.approved(100)
    job_id = start_generation(house.db, house.keys, house.asks, batch_id, house.warehouse_id)
    assert wait_for_generations(60)
    with house.db.read() as session:
        job = jobs.get(session, job_id)
    assert (job.kind, job.subject_id, job.state) == ("generate", batch_id, "done")
    assert (job.done_count, job.total_count) == (100, 100)
    assert _batch(house, batch_id).state == "generated"


def test_more_batches_than_a_process_can_make_beside_its_work_are_put_off(
    postgresql_db: Database, keys: Keys
) -> None:
    house = open_house(postgresql_db, keys)
    begun = [house.approved(10) for _ in range(BATCHES_AT_ONCE)]
    late = house.approved(10)

    def start(batch_id: int) -> None:
        start_generation(house.db, house.keys, house.asks, batch_id, house.warehouse_id)

    with house.db.write() as session:
        session.execute(text("LOCK TABLE voucher IN EXCLUSIVE MODE"))
        for batch_id in begun:
            start(batch_id)
        with pytest.raises(TryLater):
            start(late)
        assert _batch(house, late).state == "approved"
    assert wait_for_generations(60)
    start(late)
    assert wait_for_generations(60)
    assert {_batch(house, batch_id).state for batch_id in [*begun, late]} == {"generated"}


def test_a_refusal_in_the_background_is_told_at_once(house: House) -> None:
    batch_id = house.generated(10)
    for _ in range(BATCHES_AT_ONCE + 1):  # it takes up no place
        with pytest.raises(BatchAlreadyGenerated):
            start_generation(house.db, house.keys, house.asks, batch_id, house.warehouse_id)


def test_what_cannot_begin_leaves_the_batch_approved(house: House) -> None:
    batch_id = house.approved(10)
    with house.db.write() as session:
        finance = make_member(session, "finance")
    with pytest.raises(Forbidden):
        generate(house.db, house.keys, finance, batch_id, house.warehouse_id)
    with pytest.raises(InvalidInput, match="warehouse"):
        generate(house.db, house.keys, house.asks, batch_id, 1)
    assert _batch(house, batch_id).state == "approved"


def test_an_address_too_long_for_the_qr_is_told_before_anything_is_made(
    house: House,
) -> None:
    batch_id = house.approved(10)
    object.__setattr__(house.db.settings, "public_url", "https://" + "x" * 100)
    with pytest.raises(ConfigurationError, match="WANNENG_PUBLIC_URL"):
        _make(house, batch_id)
    assert _batch(house, batch_id).state == "approved"


@pytest.mark.parametrize("wrong", [{"argon2_memory_kib": 4}, {"argon2_time_cost": 256}])
def test_a_wrong_cost_of_argon2id_does_not_cost_a_batch(
    house: House, wrong: dict[str, int]
) -> None:
    batch_id = house.approved(10)
    for name, value in wrong.items():
        object.__setattr__(house.db.settings, name, value)
    with pytest.raises(ConfigurationError, match="WANNENG_ARGON2"):
        _make(house, batch_id)
    assert _batch(house, batch_id).state == "approved"


def test_a_full_key_version_must_be_rotated_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "MAX_HYBRID_CARDS", 15)
    house.generated(10, SLOW)
    batch_id = house.approved(10, SLOW)
    with pytest.raises(KeyFull):
        _make(house, batch_id)
    _make(house, house.approved(10, QUICK))
    key_rotation.rotate(house.db, house.keys, house.admin)
    _make(house, batch_id)
    assert _batch(house, batch_id).key_version == 2


def test_of_two_batches_begun_at_once_only_one_fills_the_key_version(
    postgresql_db: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "MAX_HYBRID_CARDS", 15)
    house = open_house(postgresql_db, keys)
    first, second = house.approved(10, SLOW), house.approved(10, SLOW)
    with ThreadPoolExecutor(1) as thread:
        with house.db.write() as session:
            key_rotation.pin_to_batch(session, keys.get(), 10)
            session.execute(batch.update().where(batch.c.id == first).values(key_version=1))
            waiting = thread.submit(_make, house, second)
            wait([waiting], timeout=0.5)  # it cannot end, but it may get as far as it can
        with pytest.raises(KeyFull):
            waiting.result(30)


@pytest.mark.usefixtures("small_steps")
def test_ciphertext_is_stored_together_with_the_rows(house: House) -> None:
    stored: list[int] = []

    def count_parts(_done: int, _total: int) -> None:
        with house.db.read() as session:
            query = select(func.coalesce(func.sum(func.length(print_file_part.c.ciphertext)), 0))
            stored.append(session.execute(query).scalar_one())

    generate(
        house.db, house.keys, house.asks, house.approved(1_600), house.warehouse_id, count_parts
    )
    assert stored == sorted(stored)
    assert len(set(stored)) > 1  # it grows by 64 KiB, as age gives it out


def _peak(house: House, count: int) -> int:
    batch_id = house.approved(count)
    tracemalloc.start()
    _make(house, batch_id)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CARDS_IN_ONE_TRANSACTION", 200)
    _make(house, house.approved(800))  # what is loaded once
    assert _peak(house, 4_800) < 1.3 * _peak(house, 1_600)


def _database_files(db: Database) -> bytes:
    path = Path(str(db.engine.url.database))
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def test_no_pin_reaches_the_disk_or_the_log(
    sqlite_db: Database, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = open_house(sqlite_db, keys)
    batch_ids = [house.generated(60, QUICK), house.generated(60, SLOW)]
    written = _database_files(sqlite_db)
    cards = [card for batch_id in batch_ids for card in _printed(house, batch_id)]
    written += _database_files(sqlite_db)
    key = keys.get().current
    for card in cards:
        for secret in (card.pin.digits, pins.grouped(card.pin)):
            assert secret.encode() not in written
            assert secret not in caplog.text
        is_slow = card.face_fen == SLOW
        full = pins.full_tag(key, card.pin)
        found = full.bytes in written or full.hex.encode() in written
        assert found != is_slow
