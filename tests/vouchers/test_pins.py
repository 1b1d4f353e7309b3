"""PINs: the check digit, what is refused, what is shown, and what may be stored."""

import copy
import dataclasses
import json
import pickle
import traceback
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.keyfile import PinKey
from vouchers import pins
from vouchers.pins import Argon2Cost, Pin, PinMalformed

KEY = PinKey(1, b"t" * 32, b"v" * 32, live=True)
OTHER = PinKey(2, b"T" * 32, b"V" * 32, live=True)
COST = Argon2Cost(memory_kib=64, passes=1)
EXAMPLE = "680419129695212192"

bodies = st.text("0123456789", min_size=17, max_size=17)
good_pins = bodies.map(lambda body: Pin.parse(body + pins.damm_digit(body)))


def test_the_check_digit_is_that_of_the_published_examples() -> None:
    assert pins.damm_digit("572") == "4"
    assert pins.damm_digit(EXAMPLE[:17]) == EXAMPLE[17]


@given(bodies)
def test_a_row_of_digits_with_its_check_digit_is_a_pin(body: str) -> None:
    assert Pin.parse(body + pins.damm_digit(body)).digits[:17] == body


@given(good_pins, st.integers(0, 17), st.integers(1, 9))
def test_every_single_wrong_digit_is_caught(pin: Pin, place: int, shift: int) -> None:
    wrong = str((int(pin.digits[place]) + shift) % 10)
    with pytest.raises(PinMalformed):
        Pin.parse(pin.digits[:place] + wrong + pin.digits[place + 1 :])


@given(good_pins, st.integers(0, 16))
def test_every_swap_of_neighbours_is_caught(pin: Pin, place: int) -> None:
    digits = list(pin.digits)
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    if "".join(digits) != pin.digits:
        with pytest.raises(PinMalformed):
            Pin.parse("".join(digits))


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE[:17],
        EXAMPLE + "0",
        EXAMPLE + "\n",
        " " + EXAMPLE[1:],
        "680419 129695 212192",
        "６８０４１９１２９６９５２１２１９２",
        "٦٨٠٤١٩١٢٩٦٩٥٢١٢١٩٢",
        "-" + EXAMPLE[1:],
        "x" * 18,
        "\x00" * 18,
        "\ud800" * 18,
    ],
)
def test_anything_but_eighteen_ascii_digits_is_malformed(text: str) -> None:
    with pytest.raises(PinMalformed) as caught:
        Pin.parse(text)
    assert caught.value.code == "pin_malformed"


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    wrong = EXAMPLE[:17] + "3"
    with pytest.raises(PinMalformed) as caught:
        Pin.parse(wrong)
    assert wrong[:6] not in "".join(traceback.format_exception(caught.value))
    assert caught.value.details == {}


@pytest.mark.parametrize(
    "write",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        lambda pin: repr([pin]),
        lambda pin: repr({"pin": pin}),
        lambda pin: f"{pin!s:>40}",
    ],
)
def test_a_pin_is_shown_hidden(write: Any) -> None:
    shown = write(Pin.parse(EXAMPLE))
    assert "hidden" in shown
    assert not any(digit in shown for digit in "0123456789")


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy])
def test_a_pin_cannot_be_serialised(write: Any) -> None:
    with pytest.raises(TypeError):
        write(Pin.parse(EXAMPLE))
    assert not dataclasses.is_dataclass(Pin)


def test_a_pin_cannot_be_changed_and_equals_its_twin() -> None:
    pin = Pin.parse(EXAMPLE)
    with pytest.raises(AttributeError):
        pin.digits = "1"
    assert {pin, Pin.parse(EXAMPLE)} == {pin}
    assert pin != EXAMPLE


def test_draws_are_well_formed_and_differ() -> None:
    drawn = {pins.draw() for _ in range(500)}
    assert len(drawn) == 500
    assert all(pins.damm_digit(pin.digits) == "0" for pin in drawn)
    for place in range(18):
        assert {pin.digits[place] for pin in drawn} == set("0123456789")


def test_a_pin_is_printed_in_three_groups() -> None:
    assert pins.grouped(Pin.parse(EXAMPLE)) == "680419 129695 212192"


@given(good_pins)
def test_a_hybrid_tag_holds_twenty_eight_bits_beside_the_version_and_no_more(pin: Pin) -> None:
    short = pins.short_tag(KEY, pin)
    assert 0 <= short < 2**28
    tag = pins.hybrid_tag(0xABCD, short).bytes
    assert tag[:10] == bytes(10)
    assert tag[10:12] == b"\xab\xcd"
    assert tag[12:] == short.to_bytes(4, "big")


@given(good_pins)
def test_the_short_tag_is_the_beginning_of_the_full_one(pin: Pin) -> None:
    assert pins.full_tag(KEY, pin).int >> 100 == pins.short_tag(KEY, pin)


@given(good_pins, good_pins)
def test_tags_differ_by_pin_and_by_key(one: Pin, other: Pin) -> None:
    assert (pins.full_tag(KEY, one) == pins.full_tag(KEY, other)) == (one == other)
    assert pins.full_tag(KEY, one) != pins.full_tag(OTHER, one)


def test_candidates_are_both_forms_under_each_key() -> None:
    pin = Pin.parse(EXAMPLE)
    candidates = pins.candidate_tags([KEY, OTHER], [pin])[pin]
    assert [tag for each in candidates for tag in each.both] == [
        pins.full_tag(KEY, pin).bytes,
        pins.hybrid_tag(1, pins.short_tag(KEY, pin)).bytes,
        pins.full_tag(OTHER, pin).bytes,
        pins.hybrid_tag(2, pins.short_tag(OTHER, pin)).bytes,
    ]


def test_a_verifier_fits_its_own_serial_face_and_pin_only() -> None:
    pin = Pin.parse(EXAMPLE)
    message = pins.verifier_message(4225101000700100, 20_000, pin)
    stored = pins.verifier(KEY, COST, b"s" * 16, message)
    assert pins.verifies(KEY, stored, b"s" * 16, message)
    others = [
        pins.verifier_message(4225101000700101, 20_000, pin),
        pins.verifier_message(4225101000700100, 20_001, pin),
        pins.verifier_message(4225101000700100, 20_000, pins.draw()),
    ]
    assert not any(pins.verifies(KEY, stored, b"s" * 16, other) for other in others)
    assert not pins.verifies(OTHER, stored, b"s" * 16, message)
    assert not pins.verifies(KEY, stored, b"S" * 16, message)


def test_a_verifier_stays_good_when_the_settings_change() -> None:
    message = pins.verifier_message(1, 20_000, Pin.parse(EXAMPLE))
    stored = pins.verifier(KEY, Argon2Cost(memory_kib=128, passes=2), b"s" * 16, message)
    assert len(stored) == 36
    assert pins.verifies(KEY, stored, b"s" * 16, message)


@pytest.mark.parametrize(("memory_kib", "passes"), [(7, 1), (2**24, 1), (64, 0), (64, 256)])
def test_impossible_costs_are_refused(memory_kib: int, passes: int) -> None:
    with pytest.raises(InvalidInput):
        Argon2Cost(memory_kib, passes)
