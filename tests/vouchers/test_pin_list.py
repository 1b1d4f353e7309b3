"""Many PINs at once: as good as single ones, as hidden, and with the same tags."""

import copy
import hashlib
import hmac
import json
import pickle
import secrets
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keyfile import PinKey
from vouchers import pins
from vouchers.pin_list import Pins, draw_pins, full_tags, hybrid_tags
from vouchers.pins import Pin

KEY = PinKey(3, b"t" * 32, b"v" * 32, live=True)
EXAMPLE = "680419129695212192"


@pytest.mark.parametrize("count", [0, 1, 7, 3_000])
def test_so_many_pins_are_drawn_as_were_asked_for(count: int) -> None:
    drawn = draw_pins(count)
    assert len(drawn) == len(drawn.digits) == len(set(drawn.digits)) == count
    assert all(Pin.parse(digits).digits == digits for digits in drawn.digits)


def test_every_digit_stands_in_every_place_equally_often() -> None:
    drawn = draw_pins(20_000).digits
    for place in range(18):
        for digit in "0123456789":
            often = sum(digits[place] == digit for digits in drawn)
            assert 1_700 < often < 2_300  # seven times the deviation of chance


def test_numbers_that_would_make_some_pins_likelier_are_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first_unfair = 184 * 10**17
    numbers = iter([2**64 - 1, first_unfair - 1, first_unfair, 68_041_912_969_521_219])

    def token_bytes(size: int) -> bytes:
        return array("Q", [next(numbers) for _ in range(size // 8)]).tobytes()

    monkeypatch.setattr(secrets, "token_bytes", token_bytes)
    last = "9" * 17
    assert draw_pins(2).digits == [last + pins.damm_digit(last), EXAMPLE]


def test_leading_zeros_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    assert draw_pins(1).digits == ["0" * 18]


def test_tags_are_those_of_single_pins() -> None:
    drawn = draw_pins(50)
    single = [Pin.parse(digits) for digits in drawn.digits]
    assert full_tags(KEY, drawn) == [pins.full_tag(KEY, pin).bytes for pin in single]
    assert hybrid_tags(KEY, drawn) == [
        pins.hybrid_tag(KEY.version, pins.short_tag(KEY, pin)).bytes for pin in single
    ]


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=3))
def test_the_begun_hmac_is_hmac(key: bytes, messages: list[bytes]) -> None:
    keyed = pins.hmac_sha256(key)
    for message in messages:
        assert keyed(message) == hmac.digest(key, message, hashlib.sha256)


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="block"):
        pins.hmac_sha256(bytes(65))


@pytest.mark.parametrize("write", [repr, str, "{}".format, lambda many: repr([many])])
def test_many_pins_are_shown_hidden(write: Any) -> None:
    assert "Pins(2 hidden)" in write(Pins([EXAMPLE, EXAMPLE]))


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy])
def test_many_pins_cannot_be_serialised(write: Any) -> None:
    with pytest.raises(TypeError):
        write(Pins([EXAMPLE]))
