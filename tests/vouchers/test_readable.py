"""What the readable digits of a card leave possible."""

import pickle
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.pins import Pin, damm_digit, draw
from vouchers.readable import MOST_MISSING, Readable, ReadableInvalid

places = st.sets(st.integers(0, 17), max_size=3)


def _without(pin: Pin, holes: set[int]) -> str:
    return "".join("?" if i in holes else digit for i, digit in enumerate(pin.digits))


@given(places)
def test_the_candidates_are_exactly_the_pins_that_fit(holes: set[int]) -> None:
    pin = draw()
    found = list(Readable(_without(pin, holes)).candidates())
    assert pin in found
    assert len(found) == len(set(found)) == 10 ** max(0, len(holes) - 1)
    for each in found:
        assert _without(each, holes) == _without(pin, holes)


def test_a_whole_pin_whose_check_digit_is_wrong_leaves_none() -> None:
    digits = draw().digits
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert damm_digit(wrong) != "0"
    assert list(Readable(wrong).candidates()) == []


def test_six_may_be_missing_and_no_more() -> None:
    pin = draw()
    six = Readable(_without(pin, set(range(6))))
    assert six.missing == MOST_MISSING
    assert len(list(islice(six.candidates(), 100))) == 100
    with pytest.raises(ReadableInvalid):
        Readable(_without(pin, set(range(7))))


@pytest.mark.parametrize("text", ["", "?" * 18, "1" * 17, "1" * 19, "1" * 17 + "x", "1" * 17 + "²"])
def test_what_is_not_eighteen_places_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ReadableInvalid) as caught:
        Readable(text)
    assert "1111" not in str(caught.value)


def test_it_is_read_as_printed_and_as_typed() -> None:
    pin = draw()
    typed = f"{pin.digits[:6]} {pin.digits[6:12]}-{pin.digits[12:17]}？"
    wide = typed.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    for text in (typed, wide):
        assert list(Readable.parse(text).candidates()) == [pin]


def test_the_digits_are_never_shown_nor_written() -> None:
    shown = Readable("1" * 12 + "?" * 6)
    assert "1" not in f"{shown} {shown!r}"
    with pytest.raises(TypeError):
        pickle.dumps(shown)
