"""Which cards go out: whole cartons, then packs, the oldest first, in few ranges."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.allocation import NotEnoughStock, Stock, allocate, free_of
from distribution.ranges import card_count, joined, shared, whole_units, without
from vouchers.serials import SerialRange

BASE = 4_226_101_000_100_000
OLD, NEW = date(2027, 12, 31), date(2028, 12, 31)


def cards(first: int, last: int) -> SerialRange:
    return SerialRange(BASE + first, BASE + last)


def stock(*pieces: tuple[int, int], on: date = NEW) -> list[Stock]:
    return [Stock(cards(first, last), on) for first, last in pieces]


def taken(found: list[SerialRange]) -> list[tuple[int, int]]:
    return [(item.first - BASE, item.last - BASE) for item in found]


def test_cartons_packs_and_cards_of_one_lot_lie_side_by_side() -> None:
    assert taken(allocate(stock((0, 9_999)), 2_345)) == [(0, 2_344)]


def test_whole_cartons_come_before_the_packs_that_are_open_already() -> None:
    found = allocate(stock((300, 899), (1_000, 4_999)), 1_200)
    assert taken(found) == [(300, 499), (1_000, 1_999)]


def test_loose_cards_go_before_a_pack_is_opened() -> None:
    assert taken(allocate(stock((37, 60), (200, 399)), 20)) == [(37, 56)]
    assert taken(allocate(stock((37, 60), (200, 399)), 30)) == [(37, 60), (200, 205)]


def test_the_oldest_go_first() -> None:
    both = stock((0, 4_999)) + stock((10_000, 11_999), on=OLD)
    assert taken(allocate(both, 1_000)) == [(10_000, 10_999)]
    assert taken(allocate(both, 3_000)) == [(0, 999), (10_000, 11_999)]


def test_of_cards_of_one_day_the_fewest_ranges_are_taken() -> None:
    found = allocate(stock((0, 999), (2_000, 2_999), (5_000, 8_999)), 3_000)
    assert taken(found) == [(5_000, 7_999)]


def test_a_run_that_fits_is_taken_whole() -> None:
    assert taken(allocate(stock((0, 8_999), (20_000, 21_999)), 2_000)) == [(20_000, 21_999)]


def test_too_little_is_refused_with_the_numbers() -> None:
    with pytest.raises(NotEnoughStock) as refused:
        allocate(stock((0, 99)), 101)
    assert refused.value.details == {"available": 100, "needed": 101}


def test_what_is_set_apart_is_not_free() -> None:
    assert [item.cards for item in free_of(stock((0, 99)), [cards(10, 19)])] == [
        cards(0, 9),
        cards(20, 99),
    ]


pieces = st.lists(st.tuples(st.integers(0, 6_000), st.integers(1, 2_500)), min_size=1, max_size=6)


@given(pieces, st.lists(st.sampled_from([OLD, NEW]), min_size=6, max_size=6), st.data())
def test_exactly_the_count_and_as_many_whole_cartons_as_there_can_be(
    spans: list[tuple[int, int]], days: list[date], data: st.DataObject
) -> None:
    whole = joined(cards(first, first + size - 1) for first, size in spans)
    held = [Stock(item, day) for item, day in zip(whole, days, strict=False)]
    count = data.draw(st.integers(1, card_count(whole)))
    found = allocate(held, count)
    assert card_count(found) == count
    assert found == joined(found)
    assert without(found, whole) == []
    wanted = min(count // 1_000, card_count(whole_units(whole, 1_000)) // 1_000)
    assert card_count(whole_units(found, 1_000)) // 1_000 >= wanted


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=8)


@given(spans, spans)
def test_ranges_are_sets_of_cards(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    ones = [cards(first, first + more) for first, more in left]
    others = [cards(first, first + more) for first, more in right]
    a = {serial for item in ones for serial in item}
    b = {serial for item in others for serial in item}
    for found, expected in (
        (joined([*ones, *others]), a | b),
        (shared(ones, others), a & b),
        (without(ones, others), a - b),
    ):
        assert {serial for item in found for serial in item} == expected
        assert card_count(found) == len(expected)
        assert found == joined(found)
