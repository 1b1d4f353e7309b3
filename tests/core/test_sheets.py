"""One typed table as CSV, workbook and JSON: sums, instants, and text that is no formula."""

import csv
import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from core import sheets
from core.sheets import Column, Sheet, csv_chunks, json_row, neutral, write_xlsx

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
COLUMNS = (
    Column("holder", "Holder"),
    Column("cards", "Cards", "count"),
    Column("value_fen", "Value", "fen"),
    Column("days", "Days", "decimal"),
    Column("day", "Day", "date"),
    Column("at", "At", "instant"),
)
ROW = ("网点=1", 3, -1_234_567, 2.5, date(2025, 6, 30), AT)
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@A1",
    "\tx",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    " =1",
    "\u200b=1",
)


def sheet(*rows: tuple[object, ...]) -> Sheet:
    return Sheet("stock", COLUMNS, rows, {"as of": "=now"})  # type: ignore[arg-type]


def workbook(made: Sheet) -> openpyxl.Workbook:
    out = io.BytesIO()
    write_xlsx([made], out, SHANGHAI)
    return openpyxl.load_workbook(out)


def read_csv(made: Sheet, *, bom: bool = True) -> list[list[str]]:
    raw = b"".join(csv_chunks(made, SHANGHAI, bom=bom))
    assert raw.startswith(b"\xef\xbb\xbf") is bom
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_csv_has_yuan_local_instants_and_a_mark_for_excel() -> None:
    assert read_csv(sheet(ROW), bom=False) == read_csv(sheet(ROW))
    head, row = read_csv(sheet(ROW))
    assert head == ["Holder", "Cards", "Value (yuan)", "Days", "Day", "At"]
    assert row == [
        "网点=1",
        "3",
        "-12345.67",
        "2.5000",
        "2025-06-30",
        "2025-07-01T01:00:00+08:00",
    ]


def test_json_has_fen_and_utc_instants() -> None:
    assert json_row(sheet(), ROW) == {
        "holder": "网点=1",
        "cards": 3,
        "value_fen": -1_234_567,
        "days": 2.5,
        "day": "2025-06-30",
        "at": "2025-06-30T17:00:00Z",
    }


def test_a_workbook_has_numbers_local_times_and_its_facts() -> None:
    book = workbook(sheet(ROW))
    head, row = book["stock"].iter_rows(values_only=True)
    assert head[2] == "Value (yuan)"
    assert row == (
        "网点=1",
        3,
        -12_345.67,
        2.5,
        datetime(2025, 6, 30),  # noqa: DTZ001 - a workbook has no zones
        datetime(2025, 7, 1, 1),  # noqa: DTZ001
    )
    assert book["stock"]["C2"].number_format == "#,##0.00_ "
    assert book["about"]["B1"].value == "=now"
    assert book["about"]["B1"].data_type == "s"


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_what_begins_like_a_formula_stays_text(text: str) -> None:
    assert neutral(text) == f"'{text}"
    empty = (None,) * 5
    assert read_csv(sheet((text, *empty)))[1][0] == f"'{text}"
    book = workbook(sheet((text, *empty)))
    assert book["stock"]["A2"].data_type == "s"
    assert json_row(sheet(), (text, *empty))["holder"] == text


@pytest.mark.parametrize("text", ["", " ", "东湖-1", "1+1", "a=b", "'=1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_a_cell_that_is_too_long_or_broken_is_cut_and_not_dropped() -> None:
    made = sheet(("长" * 40_000, *(None,) * 5), ("half \ud800", *(None,) * 5))
    book = workbook(made)
    assert book["stock"]["A2"].value == "长" * 32_766 + "…"
    assert book["stock"]["A3"].value == "half ?"
    assert read_csv(made)[2][0] == "half ?"


def test_rows_beyond_one_worksheet_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS_PER_WORKSHEET", 2)
    rows = [(f"P{n}", n, n, 0.5, None, None) for n in range(5)]
    book = workbook(sheet(*rows))
    assert book.sheetnames == ["stock", "stock 2", "stock 3", "about"]
    assert [row[0] for row in book["stock 3"].iter_rows(values_only=True)] == ["Holder", "P4"]


def test_a_stream_of_many_rows_comes_in_pieces_and_whole() -> None:
    made = Sheet("many", COLUMNS[:2], ((f"P{n}", n) for n in range(1_234)))
    pieces = list(csv_chunks(made, SHANGHAI))
    assert len(pieces) == 4
    assert b"".join(pieces).count(b"\r\n") == 1_235


def test_the_same_tables_give_the_same_workbook() -> None:
    one, two = io.BytesIO(), io.BytesIO()
    write_xlsx([sheet(ROW)], one, SHANGHAI, AT)
    write_xlsx([sheet(ROW)], two, SHANGHAI, AT)
    assert one.getvalue() == two.getvalue()
