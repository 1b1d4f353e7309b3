"""One table of typed columns, written as CSV, as a workbook (XLSX) or as rows of JSON.

Money is whole fen inside and in JSON, yuan with two decimals where people read it. Text that a
spreadsheet would take for a formula stays text in all of them.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

from core.money import format_yuan

Kind = Literal["text", "count", "fen", "decimal", "date", "instant"]
"""text: str; count: whole number; fen: whole fen; decimal: float; date; instant: aware UTC."""

Value = str | int | float | date | datetime | None
MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

ROWS_PER_WORKSHEET = 1_000_000
"""A worksheet holds 1,048,576 rows; what is longer goes on in a next one."""

_FORMULA = frozenset("=+-@＝＋－＠﹢﹣\t\r\n")
_BOM = "\ufeff".encode()
_LONGEST_CELL = 32_767
_ROWS_PER_CHUNK = 500
_NUMBER_FORMATS: Mapping[Kind, str] = {
    # "_ " leaves the width of a blank, so that a figure does not touch the text beside it.
    "count": "0_ ",
    "fen": "#,##0.00_ ",
    "decimal": "0.00_ ",
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm:ss",
}
_NUMBERS = ("count", "fen", "decimal")
_LEFT: dict[str, Any] = {"align": "left"}
_RIGHT: dict[str, Any] = {"align": "right"}
_WIDTHS: Mapping[Kind, int] = {"text": 20, "count": 12, "fen": 16, "decimal": 12, "instant": 20}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in JSON (a sum's ends with `_fen`), its heading, what its cells are.

    `unit` is the word for yuan in the heading of sums.
    """

    key: str
    title: str
    kind: Kind = "text"
    unit: str = "yuan"

    @property
    def heading(self) -> str:
        """The heading with its unit."""
        return f"{self.title} ({self.unit})" if self.kind == "fen" else self.title


@dataclass(frozen=True)
class Sheet:
    """A table: rows have a value, or None, for each column. `facts` tell what it is of.

    The name of a fact that is a sum ends with `_fen`. The rows may be a stream, which can be
    written once.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    facts: Mapping[str, Value] = field(default_factory=dict)


def neutral(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: a quote is put before such a beginning.

    Blanks and invisible signs before it do not hide it; full-width signs count as well.
    """
    first = next((s for s in text if s in _FORMULA or not _is_invisible(s)), "")
    return f"'{text}" if first in _FORMULA and first else text


def csv_chunks(sheet: Sheet, zone: ZoneInfo, *, bom: bool = True) -> Iterator[bytes]:
    """Yield the table as CSV in UTF-8, some rows at a time; `bom` makes Excel read it as such.

    Instants are local with their offset, sums are yuan.
    """
    yield (_BOM if bom else b"") + _lines([[column.heading for column in sheet.columns]])
    kinds = [column.kind for column in sheet.columns]
    rows = iter(sheet.rows)
    while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
        yield _lines(
            [_written(value, kind, zone) for value, kind in zip(row, kinds, strict=True)]
            for row in chunk
        )


def json_row(sheet: Sheet, row: Sequence[Value]) -> dict[str, Value]:
    """Return a row by the columns' keys: sums in fen, dates and UTC instants in ISO form."""
    return {column.key: plain(value) for column, value in zip(sheet.columns, row, strict=True)}


def write_xlsx(
    sheets: Sequence[Sheet], out: BinaryIO, zone: ZoneInfo, made_at: datetime | None = None
) -> None:
    """Write the tables as a workbook, row by row in constant memory; a last worksheet has facts.

    Instants are local times of `zone`. The same tables and `made_at` give the same bytes.
    """
    import xlsxwriter  # here, since few need it and it is slow to load

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        if made_at is not None:
            book.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
        formats: dict[str, Any] = {
            kind: book.add_format({"num_format": form} | (_RIGHT if kind in _NUMBERS else _LEFT))
            for kind, form in _NUMBER_FORMATS.items()
        }
        formats["heading"] = book.add_format({"bold": True})
        formats["number heading"] = book.add_format({"bold": True} | _RIGHT)
        for sheet in sheets:
            _write_sheet(book, formats, sheet, zone)
        facts = {name: value for sheet in sheets for name, value in sheet.facts.items()}
        if facts:
            _write_facts(book.add_worksheet("about"), formats, facts, zone)


def _write_sheet(book: Any, formats: Mapping[str, Any], sheet: Sheet, zone: ZoneInfo) -> None:
    rows = iter(sheet.rows)
    part = 1
    while True:
        name = sheet.name[:25] if part == 1 else f"{sheet.name[:25]} {part}"
        page = book.add_worksheet(name)
        page.freeze_panes(1, 0)
        page.repeat_rows(0)
        _lay_out(page, landscape=True)
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, _WIDTHS.get(column.kind, 12))
        for place, column in enumerate(sheet.columns):
            form = "number heading" if column.kind in _NUMBERS else "heading"
            page.write_string(0, place, column.heading, formats[form])
        written = 0
        for written, row in enumerate(islice(rows, ROWS_PER_WORKSHEET), 1):
            for place, (value, column) in enumerate(zip(row, sheet.columns, strict=True)):
                _write_cell(page, (written, place), value, column.kind, formats, zone)
        if written < ROWS_PER_WORKSHEET:
            return
        part += 1


def _lay_out(page: Any, *, landscape: bool) -> None:
    """Print on A4, all columns side by side, with the sheet's name and the page's number."""
    page.set_paper(9)
    if landscape:
        page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_footer("&L&F  &A&R&P / &N")


def _write_facts(
    page: Any, formats: Mapping[str, Any], facts: Mapping[str, Value], zone: ZoneInfo
) -> None:
    page.set_column(0, 0, 20)
    page.set_column(1, 1, 70)
    _lay_out(page, landscape=False)
    for place, (name, value) in enumerate(facts.items()):
        kind = _kind_of_fact(name, value)
        unit = " (yuan)" if kind == "fen" else ""
        page.write_string(place, 0, name.removesuffix("_fen").replace("_", " ") + unit)
        _write_cell(page, (place, 1), value, kind, formats, zone)


def _kind_of_fact(name: str, value: Value) -> Kind:
    if isinstance(value, datetime):
        return "instant"
    if isinstance(value, int):
        return "fen" if name.endswith("_fen") else "count"
    return "date" if isinstance(value, date) else "text"


def _write_cell(
    page: Any,
    at: tuple[int, int],
    value: Value,
    kind: Kind,
    formats: Mapping[str, Any],
    zone: ZoneInfo,
) -> None:
    if value is None:
        return
    if kind == "text":
        page.write_string(*at, _fitting(str(value)))
    elif isinstance(value, datetime):
        page.write_datetime(*at, value.astimezone(zone).replace(tzinfo=None), formats[kind])
    elif isinstance(value, date):
        page.write_datetime(*at, value, formats[kind])
    elif isinstance(value, int | float):
        page.write_number(*at, value / 100 if kind == "fen" else value, formats[kind])
    else:
        raise TypeError(f"a cell of kind {kind} holds no {type(value).__name__}")


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _written(value: Value, kind: Kind, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if kind == "text":
        return neutral(str(value))
    if kind == "fen" and isinstance(value, int):
        return format_yuan(value)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:.4f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def plain(value: Value) -> Value:
    """Return a value as JSON has it: dates and UTC instants in ISO form."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _fitting(text: str) -> str:
    """Return text as a workbook can hold it: not too long, and no halves of characters."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= _LONGEST_CELL else whole[: _LONGEST_CELL - 1] + "…"


def _is_invisible(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign)[0] in "ZC"
