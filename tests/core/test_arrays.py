"""Arrays in PostgreSQL's binary form: whatever is packed is read again as it was."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, Text

from core.arrays import packer_of
from core.places import RowPlace

SIGNS = st.sampled_from(["a", "0", "\x00", "ü", "卡", "😀", "\x7f", "\x80"])
TEXTS = st.lists(st.text(SIGNS, max_size=4) | st.none(), max_size=8)
ALIKE = st.integers(0, 4).flatmap(
    lambda length: st.lists(st.text(SIGNS, min_size=length, max_size=length), max_size=8)
)


def unpacked(array: bytes) -> list[bytes | None]:
    """Return the items of an array of one dimension."""
    dimensions, _, _ = struct.unpack_from("!iii", array)
    if not dimensions:
        return []
    count, _ = struct.unpack_from("!ii", array, 12)
    items: list[bytes | None] = []
    at = 20
    for _ in range(count):
        (length,) = struct.unpack_from("!i", array, at)
        at += 4
        items.append(None if length < 0 else array[at : at + length])
        at += max(0, length)
    assert at == len(array)
    return items


def texts(values: Sequence[Any]) -> list[bytes | None]:
    """Return texts as the database keeps them."""
    return [None if value is None else value.encode() for value in values]


@given(TEXTS | ALIKE)
def test_texts_of_any_signs_and_lengths(values: list[str | None]) -> None:
    assert unpacked(packer_of(Text())(values)) == texts(values)


@pytest.mark.parametrize("length", [126, 127, 128, 255, 256, 70_000])
def test_texts_of_one_length_however_long(length: int) -> None:
    values = ["a" * length, "b" * length, "ü" * length]
    for part in (values[:2], values):
        assert unpacked(packer_of(Text())(part)) == texts(part)


@given(st.lists(st.binary(max_size=3) | st.none(), max_size=8))
def test_bytes_of_any_lengths(values: list[bytes | None]) -> None:
    assert unpacked(packer_of(LargeBinary())(values)) == values


def test_places_of_rows_stay_as_they_came() -> None:
    places = [bytes([0, 0, 0, block, 0, line]) for block in range(3) for line in range(1, 4)]
    assert unpacked(packer_of(RowPlace())(places)) == places
