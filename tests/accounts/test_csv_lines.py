"""Reading CSV that somebody else made: every line is good or bad by itself, whatever it holds."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.csv_lines import (
    MAX_LINE_BYTES,
    BadLine,
    EncodingUnknown,
    FileUnreadable,
    GoodLine,
    HeaderWrong,
    opened,
    read_lines,
)

COLUMNS = ("number", "name")


def _read(content: bytes, encoding: str = "utf-8") -> list[GoodLine | BadLine]:
    return list(read_lines(BytesIO(content), COLUMNS, encoding))


def _only(content: bytes, encoding: str = "utf-8") -> GoodLine | BadLine:
    (line,) = _read(content, encoding)
    return line


def _reason(raw: bytes) -> str:
    line = _only(b"number,name\n" + raw)
    assert isinstance(line, BadLine) and line.line == 2
    return line.reason


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("number,name\n1,王小明\n".encode(), "utf-8"),
        ("\ufeffnumber,name\r\n1,王小明\r\n".encode(), "UTF-8"),
        ("number,name\n1,王小明".encode("gbk"), "gbk"),
        ('name,number\n" 王小明 ",1\n'.encode(), "utf-8"),
    ],
)
def test_a_file_reads_alike_in_any_encoding_and_order_of_columns(
    content: bytes, encoding: str
) -> None:
    assert _only(content, encoding) == GoodLine(2, {"number": "1", "name": "王小明"})


def test_blank_lines_are_passed_over_but_counted() -> None:
    lines = _read(b"number,name\n\n1,a\n , \n\r\n2,b\n\n")
    assert [line.line for line in lines] == [3, 6]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n1,a\n",
        b"number\n",
        b"number,name,name\n",
        b"number,name,phone\n",
        b"number,names\n",
        b"1,a\n",
        b"number;name\n",
        "\ufeffnumber,name\n".encode("utf-16"),
        b"number,name\xff\n",
        b"number,name" + b"," * MAX_LINE_BYTES + b"\n",
        b"number,na\0me\n",
    ],
)
def test_a_wrong_header_is_refused_before_any_line(content: bytes) -> None:
    with pytest.raises(HeaderWrong):
        _read(content)


def test_a_wrong_header_says_what_is_missing_and_what_is_unknown() -> None:
    with pytest.raises(HeaderWrong) as caught:
        _read(b"number,phone\n")
    assert caught.value.details == {"missing": ["name"], "unknown": ["phone"]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "", "zip", "\0", "rot13"])
def test_an_encoding_that_is_not_read_is_refused(encoding: str) -> None:
    with pytest.raises(EncodingUnknown):
        _read(b"number,name\n", encoding)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"1\n", "has 1 values where 2 are needed"),
        (b"1,a,b\n", "has 3 values where 2 are needed"),
        (b'1,"a\n', "is not CSV"),
        (b'1,"a"b\n', "is not CSV"),
        (b"1,a\rb\n", "is not CSV"),
        (b"1,a\0\n", "holds a NUL character"),
        ("1,王小明\n".encode("gbk"), "is not text in the encoding given"),
        (b"1,\xed\xa0\x80\n", "is not text in the encoding given"),
        (b"1," + b"a" * MAX_LINE_BYTES + b"\n", "is longer than 4096 bytes"),
    ],
)
def test_a_bad_line_says_why(raw: bytes, reason: str) -> None:
    assert _reason(raw).startswith(reason)


def test_an_open_quote_spoils_one_line_only() -> None:
    lines = _read(b'number,name\n1,"a\n2,b\n')
    assert [type(line) for line in lines] == [BadLine, GoodLine]


def test_an_endless_line_is_one_bad_line_and_never_held_in_memory() -> None:
    class Endless(BytesIO):
        largest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            Endless.largest = max(Endless.largest, size or 0)
            assert size is not None and 0 < size <= MAX_LINE_BYTES + 1
            return super().readline(size)

    content = b"number,name\n1," + b"a" * 1_000_000 + b"\n2,b\n"
    lines = list(read_lines(Endless(content), COLUMNS, "utf-8"))
    assert [line.line for line in lines] == [2, 3]
    assert isinstance(lines[1], GoodLine)


def test_a_line_of_exactly_the_longest_length_is_read() -> None:
    raw = b"1," + b"a" * (MAX_LINE_BYTES - 3) + b"\n"
    lines = _read(b"number,name\n" + raw + b"2,b\n")
    assert [type(line) for line in lines] == [GoodLine, GoodLine]


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FileUnreadable), opened(path):
            pass


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "gbk"]))
def test_no_bytes_break_the_reading(content: bytes, encoding: str) -> None:
    lines = _read(b"number,name\n" + content, encoding)
    assert len(lines) <= content.count(b"\n") + 1
    assert all(2 <= line.line <= content.count(b"\n") + 2 for line in lines)
