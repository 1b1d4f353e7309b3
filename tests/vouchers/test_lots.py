"""Lots stay a tiling, and every card keeps its facts, however they are cut and merged."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.db import Database
from tests.factories import make_batch, make_party
from vouchers.lots import (
    BatchNotReady,
    BatchUnknown,
    Lot,
    LotsChanged,
    changes,
    cut,
    cut_out,
    load_lots,
    merge,
    save_lots,
)
from vouchers.serials import RangeOutsideBatch, SerialRange
from vouchers.tables import lot as lot_table

SIZE = 40
WHOLE = Lot(
    first_serial=0,
    last_serial=SIZE - 1,
    batch_id=0,
    stage="stocked",
    holder_id=1,
    in_transit_to=None,
    hold=None,
    expires_on=date(2028, 12, 31),
    activated_on=None,
    version=1,
)

serials = st.integers(0, SIZE - 1)
ranges = st.tuples(serials, serials).map(lambda pair: SerialRange(min(pair), max(pair)))
holds = st.sampled_from([None, "stolen", "lost"])


def facts_by_serial(lots: list[Lot]) -> dict[int, str | None]:
    return {serial: lot.hold for lot in lots for serial in lot.cards}


def is_tiling(lots: list[Lot]) -> bool:
    return [serial for lot in lots for serial in lot.cards] == list(range(SIZE))


def write(rows: list[Lot], old: list[Lot], new: list[Lot]) -> list[Lot]:
    """Apply row changes to a table held in a list, one row after the other, keys checked."""
    by_first = {row.first_serial: row for row in rows}
    todo = changes(old, new)
    for gone in todo.deletes:
        assert by_first.pop(gone.first_serial) == gone
    for was, becomes in todo.updates:
        assert by_first[was.first_serial] == was
        assert becomes.first_serial == was.first_serial
        taken = {row.last_serial for row in by_first.values() if row is not was}
        assert becomes.last_serial not in taken
        by_first[was.first_serial] = becomes
    for fresh in todo.inserts:
        assert fresh.first_serial not in by_first
        assert fresh.last_serial not in {row.last_serial for row in by_first.values()}
        by_first[fresh.first_serial] = fresh
    return sorted(by_first.values(), key=lambda row: row.first_serial)


@given(st.lists(st.tuples(ranges, holds), max_size=12))
def test_any_changes_of_ranges_keep_the_tiling_and_the_facts_of_every_card(
    history: list[tuple[SerialRange, str | None]],
) -> None:
    rows, expected = [WHOLE], dict.fromkeys(range(SIZE))
    versions = dict.fromkeys(range(SIZE), 1)
    for cards, hold in history:
        before, inside, after = cut(rows, cards)
        moved = [replace(item, hold=hold, version=item.version + 1) for item in inside]
        rows = write(rows, rows, merge([*before, *moved, *after]))
        expected |= dict.fromkeys(cards, hold)
        assert is_tiling(rows)
        assert facts_by_serial(rows) == expected
        assert all(left.hold != right.hold for left, right in pairwise(rows))
        for item in rows:
            for serial in item.cards:
                assert item.version >= versions[serial] + (serial in cards)
                versions[serial] = item.version


@given(st.lists(ranges, max_size=6), ranges)
def test_cutting_changes_no_card_and_loses_none(
    cuts: list[SerialRange], cards: SerialRange
) -> None:
    lots = [WHOLE]
    for each in cuts:
        before, inside, after = cut(lots, each)
        lots = [*before, *inside, *after]
    before, inside, after = cut(lots, cards)
    assert is_tiling([*before, *inside, *after])
    assert [serial for lot in inside for serial in lot.cards] == list(cards)
    assert merge([*before, *inside, *after]) == [WHOLE]


@given(st.sets(serials), ranges)
def test_cutting_single_cards_out_parts_exactly_those(out: set[int], cards: SerialRange) -> None:
    _, inside, _ = cut([WHOLE], cards)
    without, alone = cut_out(inside, out)
    assert [s for lot in alone for s in lot.cards] == [s for s in cards if s in out]
    assert [s for lot in without for s in lot.cards] == [s for s in cards if s not in out]


def test_neighbours_merge_only_if_they_agree_in_all_but_the_version() -> None:
    left, right = WHOLE.clip(0, 9), replace(WHOLE.clip(10, 19), version=7)
    assert merge([left, right]) == [replace(WHOLE.clip(0, 19), version=7)]
    assert merge([left, replace(right, holder_id=2)]) == [left, replace(right, holder_id=2)]
    assert merge([left, right.clip(11, 19)]) == [left, right.clip(11, 19)]


def test_rows_that_stay_the_same_are_not_written() -> None:
    left, right = WHOLE.clip(0, 9), replace(WHOLE.clip(10, 39), hold="lost")
    todo = changes([left, right], [left, replace(right, hold="stolen")])
    assert (todo.deletes, len(todo.updates), todo.inserts) == ((), 1, ())


def test_loading_brings_the_lots_that_overlap_or_touch_and_no_others(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 60, with_vouchers=False)
        lots = load_lots(session, SerialRange(first, first + 59))
        tens = [
            replace(lots[0].clip(first + at, first + at + 9), hold="lost" if at % 20 else None)
            for at in range(0, 60, 10)
        ]
        save_lots(session, lots, tens)

    def loaded(start: int, stop: int) -> list[int]:
        with db.write() as session:
            found = load_lots(session, SerialRange(first + start, first + stop))
            return [item.first_serial - first for item in found]

    assert loaded(20, 29) == [10, 20, 30]
    assert loaded(21, 28) == [20]
    assert loaded(25, 34) == [20, 30]
    assert loaded(0, 0) == [0]
    assert loaded(59, 59) == [50]
    assert loaded(9, 50) == [0, 10, 20, 30, 40, 50]


def test_a_saved_split_and_merge_is_read_back_as_it_was_meant(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 30, with_vouchers=False)
        cards = SerialRange(first + 10, first + 19)
        other = make_party(session)
        old = load_lots(session, cards)
        before, inside, after = cut(old, cards)
        save_lots(session, old, [*before, replace(inside[0], holder_id=other, version=2), *after])
    with db.write() as session:
        split = load_lots(session, SerialRange(first, first + 29))
        home = split[0].holder_id
        assert [(item.count, item.holder_id) for item in split] == [
            (10, home),
            (10, other),
            (10, home),
        ]
        save_lots(session, split, [replace(item, holder_id=home) for item in split])
    with db.read() as session:
        (row,) = session.execute(lot_table.select()).all()
        assert (row.first_serial, row.last_serial, row.version) == (first, first + 29, 2)


def test_a_row_that_was_changed_meanwhile_is_not_overwritten(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10, with_vouchers=False)
        old = load_lots(session, SerialRange(first, first))
        save_lots(session, old, [replace(old[0], hold="lost", version=2)])
    with pytest.raises(LotsChanged), db.write() as session:
        save_lots(session, old, [replace(old[0], hold="stolen", version=2)])
    with db.read() as session:
        assert session.execute(lot_table.select()).one().hold == "lost"


def test_a_range_must_lie_in_a_batch_whose_cards_are_made(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10, with_vouchers=False)
    with pytest.raises(BatchUnknown), db.write() as session:
        load_lots(session, SerialRange(10**15, 10**15))
    with pytest.raises(RangeOutsideBatch), db.write() as session:
        load_lots(session, SerialRange(first, first + 10))
    with db.write() as session:
        session.execute(lot_table.delete())
    with pytest.raises(BatchNotReady), db.write() as session:
        load_lots(session, SerialRange(first, first))
