"""Lists as PostgreSQL reads them: an array in binary form, packed here in one go.

psycopg packs item by item, which took a sixth of a redemption's time in Python.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, Text, Uuid
from sqlalchemy.types import String, TypeDecorator, TypeEngine

from core.places import RowPlace

_HEAD = struct.Struct("!iIIii")  # dimensions, has nulls, type of the items, length, lower bound
_EMPTY = struct.Struct("!iII")
_LENGTH = struct.Struct("!i")
_LONGEST_AS_TEXT = 127
"""A length up to this is the same in UTF-8 as in bytes."""
_NULL = _LENGTH.pack(-1)
_BIGINT, _INTEGER, _BOOLEAN = struct.Struct("!iq"), struct.Struct("!ii"), struct.Struct("!i?")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Packer = Callable[[Sequence[Any]], Iterable[bytes]]
"""Returns the items with their lengths; they are joined."""


class PackedArray(bytes):
    """An array in PostgreSQL's binary form; its type is told by the cast in the statement."""


def packer_of(item: TypeEngine[Any]) -> Callable[[Sequence[Any]], PackedArray]:
    """Return what packs values of one column's type, None among them, as an array."""
    oid, packed = _kind(item)
    empty = PackedArray(_EMPTY.pack(0, 0, oid))

    def one(value: Any) -> bytes:
        return _NULL if value is None else b"".join(packed((value,)))

    def pack(values: Sequence[Any]) -> PackedArray:
        if not values:
            return empty
        first, count = values[0], len(values)
        nulls = first is None or None in values
        head = _HEAD.pack(1, nulls, oid, count, 1)
        if values[-1] == first and values.count(first) == count:  # half of all columns
            return PackedArray(head + one(first) * count)
        if not nulls:
            return PackedArray(head + b"".join(packed(values)))
        return PackedArray(head + b"".join(map(one, values)))

    return pack


def _of(form: struct.Struct, size: int) -> Packer:
    return lambda values: map(form.pack, repeat(size), values)


def _bytes(values: Sequence[bytes]) -> Iterable[bytes]:
    if _are_of_one_length(values):  # most lists: joined at once by what stands before each
        head = _LENGTH.pack(len(values[0]))
        return (head, head.join(values))
    return [_LENGTH.pack(len(value)) + value for value in values]


def _texts(values: Sequence[str]) -> Iterable[bytes]:
    length = len(values[0])
    if length <= _LONGEST_AS_TEXT and _are_of_one_length(values):
        head = _LENGTH.pack(length).decode()
        text = (head + head.join(values)).encode()
        if len(text) == (len(head) + length) * len(values):  # no sign takes more than a byte
            return (text,)
    return _bytes([value.encode() for value in values])


def _are_of_one_length(values: Sequence[str] | Sequence[bytes]) -> bool:
    return len(set(map(len, values))) == 1


def _uuids(values: Sequence[Any]) -> Iterable[bytes]:
    return _bytes([value if type(value) is bytes else value.bytes for value in values])


def _dates(values: Sequence[date]) -> Iterable[bytes]:
    return [_INTEGER.pack(4, (value - _EPOCH.date()).days) for value in values]


def _instants(values: Sequence[datetime]) -> Iterable[bytes]:
    known: dict[datetime, bytes] = {}  # mostly all are the transaction's
    for value in values:
        if value not in known:
            if value.tzinfo is None:
                raise ValueError("an instant must carry its zone")
            known[value] = _BIGINT.pack(8, (value - _EPOCH) // _MICROSECOND)
        yield known[value]


_KINDS: Sequence[tuple[type[TypeEngine[Any]], int, Packer]] = (
    (BigInteger, 20, _of(_BIGINT, 8)),
    (Integer, 23, _of(_INTEGER, 4)),
    (Text, 25, _texts),
    (String, 1043, _texts),
    (Boolean, 16, _of(_BOOLEAN, 1)),
    (LargeBinary, 17, _bytes),
    (Uuid, 2950, _uuids),
    (RowPlace, 27, _bytes),
    (DateTime, 1184, _instants),
    (Date, 1082, _dates),
)
"""Column types with the numbers that PostgreSQL has for them, the narrower before the wider."""


def _kind(item: TypeEngine[Any]) -> tuple[int, Packer]:
    plain = item.impl_instance if isinstance(item, TypeDecorator) else item
    for kind, oid, packer in _KINDS:
        if isinstance(plain, kind):
            return oid, packer
    raise TypeError(f"lists of {item!r} are not bound as arrays")
