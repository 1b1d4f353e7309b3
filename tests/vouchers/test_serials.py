"""Serial numbers and ranges of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.serials import (
    RangeOutsideBatch,
    RangeReversed,
    SerialInvalid,
    SerialRange,
    batch_of,
    first_serial,
    pack_of,
    parse_range,
    parse_serial,
    serial_text,
    serial_texts,
)

EXAMPLE = "42251010007001008"
serials = st.integers(min_value=0, max_value=10**16 - 1)


def test_the_published_example_is_valid_and_keeps_its_sixteen_digits() -> None:
    assert parse_serial(EXAMPLE) == 4225101000700100
    assert serial_text(4225101000700100) == EXAMPLE


def test_the_parts_of_a_serial_stand_in_their_places() -> None:
    first = first_serial("42", 25, "1", "01", 7)
    assert first == 4225101000700000
    assert batch_of(first + 100) == 42251010007


@given(serials)
def test_every_serial_survives_writing_and_reading(serial: int) -> None:
    assert parse_serial(serial_text(serial)) == serial


@given(st.integers(0, 10**16 - 500), st.integers(0, 450))
def test_the_texts_of_consecutive_serials_are_those_of_each(first: int, count: int) -> None:
    serials = range(first, first + count)
    assert serial_texts(serials) == [serial_text(serial) for serial in serials]


@given(serials, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(serial: int, place: int, shift: int) -> None:
    text = serial_text(serial)
    wrong = text[:place] + str((int(text[place]) + shift) % 10) + text[place + 1 :]
    with pytest.raises(SerialInvalid):
        parse_serial(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4225101000700100",
        EXAMPLE + "0",
        EXAMPLE + "\n",
        " " + EXAMPLE,
        "42251 010007 001008",
        "-2251010007001008",
        "４２２５１０１０００７００１００８",
        "4225101000700100²",
        "4225101000700100\x00",
    ],
)
def test_anything_but_seventeen_ascii_digits_is_no_serial(text: str) -> None:
    with pytest.raises(SerialInvalid) as caught:
        parse_serial(text)
    assert caught.value.code == "serial_invalid"


def test_a_range_counts_both_its_ends() -> None:
    cards = parse_range(EXAMPLE, serial_text(4225101000700199))
    assert (cards.count, cards.batch_id) == (100, 42251010007)
    assert 4225101000700199 in cards
    assert 4225101000700200 not in cards


def test_a_reversed_range_has_its_own_error() -> None:
    with pytest.raises(RangeReversed) as caught:
        SerialRange(4225101000700101, 4225101000700100)
    assert caught.value.code == "range_reversed"


def test_a_range_over_two_batches_has_its_own_error() -> None:
    with pytest.raises(RangeOutsideBatch) as caught:
        SerialRange(4225101000799999, 4225101000800000)
    assert caught.value.code == "range_outside_batch"


def test_a_part_that_is_too_long_gives_no_serial() -> None:
    with pytest.raises(SerialInvalid):
        first_serial("42", 25, "1", "01", 10_000)


def test_ranges_share_what_lies_in_both() -> None:
    cards = SerialRange(1_000_100, 1_000_199)
    assert cards.overlap(1_000_150, 1_000_300) == SerialRange(1_000_150, 1_000_199)
    assert cards.overlap(1_000_200, 1_000_300) is None


@given(serials)
def test_a_pack_is_the_hundred_cards_with_the_same_first_fourteen_digits(serial: int) -> None:
    pack = pack_of(serial)
    assert serial in pack
    assert {serial_text(pack.first)[:14], serial_text(pack.last)[:14]} == {serial_text(serial)[:14]}
    assert pack.count == 100
