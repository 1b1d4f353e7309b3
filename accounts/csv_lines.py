"""Lines of a CSV file that somebody else made: streamed, bounded, each good or bad by itself."""

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import InvalidInput

MAX_LINE_BYTES = 4096
_BOM = "\ufeff"
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
}


class EncodingUnknown(InvalidInput):
    """The named encoding is not one that is read."""

    code = "encoding_unknown"


class HeaderWrong(InvalidInput):
    """The first line does not name the columns that are needed."""

    code = "header_wrong"


class FileUnreadable(InvalidInput):
    """The file is not there or may not be read."""

    code = "file_unreadable"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not imported, counted from 1 with the header, and why; never its content."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class GoodLine:
    """A line with a value for each column, as text without blanks around it."""

    line: int
    values: dict[str, str]


@contextmanager
def opened(source: Path | BinaryIO) -> Generator[BinaryIO]:
    """Open a path; pass a stream on and leave it open. Raises FileUnreadable."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        raise FileUnreadable(f"cannot read the file {source}: {error.strerror}") from error
    with stream:
        yield stream


def read_lines(
    stream: BinaryIO, columns: Sequence[str], encoding: str
) -> Iterator[GoodLine | BadLine]:
    """Yield every line after the header; blank ones are passed over.

    The header must name exactly `columns`, in any order; raises HeaderWrong, EncodingUnknown. A
    value cannot hold a line break, so that a broken quote spoils one line, not the rest.
    """
    codec = _ENCODINGS.get(encoding.lower())
    if codec is None:
        raise EncodingUnknown("the encoding must be utf-8 or gbk")
    lines = _physical_lines(stream)
    names = _header(next(lines, (1, b""))[1], columns, codec)
    for number, raw in lines:
        parsed = _values(raw, codec)
        if isinstance(parsed, str):
            yield BadLine(number, parsed)
        elif parsed and len(parsed) != len(names):
            yield BadLine(number, f"has {len(parsed)} values where {len(names)} are needed")
        elif parsed:
            yield GoodLine(number, dict(zip(names, parsed, strict=True)))


def _physical_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number the lines; one that is too long comes as None, and is never held in memory."""
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        whole = raw
        while len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            raw = stream.readline(MAX_LINE_BYTES + 1)
        yield number, whole if len(whole) <= MAX_LINE_BYTES else None


def _header(raw: bytes | None, columns: Sequence[str], codec: str) -> list[str]:
    names = _values(raw, codec, _BOM)
    if isinstance(names, str):
        raise HeaderWrong(f"the first line {names}")
    unknown = [name for name in names if name not in columns]
    missing = [name for name in columns if name not in names]
    if unknown or missing or len(names) != len(columns):
        raise HeaderWrong(
            f"the first line must name these columns, once each: {', '.join(columns)}",
            missing=missing,
            unknown=[name[:40] for name in unknown[:10]],
        )
    return names


def _values(raw: bytes | None, codec: str, skip: str = "") -> list[str] | str:
    """Return the values of one line, none for a blank one; or what is wrong with it."""
    if raw is None:
        return f"is longer than {MAX_LINE_BYTES} bytes"
    try:
        text = raw.decode(codec).removeprefix(skip).strip("\r\n")
    except UnicodeDecodeError:
        return "is not text in the encoding given; name the right one (utf-8 or gbk)"
    if "\0" in text:
        return "holds a NUL character"
    if not text.strip(" ,\t"):
        return []
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return "is not CSV: look at its quotation marks and line breaks"
    return [value.strip() for value in rows[0]]
