"""The statement as PDF, workbook and CSV: its figures are those of the statement."""

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import pypdf
import pytest

from core.money import format_yuan
from distribution.settlement_papers import SUMS, Language, export_bytes, word
from distribution.settlements import Statement
from tests.clocks import FakeClock
from tests.distribution.test_settlements import JULY, JUNE, busy_june, close, read, to_july
from tests.distribution.trade import Trade


@pytest.fixture
def closed(trade: Trade, clock: FakeClock) -> Statement:
    """A closed July, which has lines that concern June."""
    first = busy_june(trade, clock)
    to_july(clock)
    close(trade, JUNE)
    trade.move_by_two("agent", "deactivate", first + 20, first + 21)
    trade.adjust("city", "charge", 700, "MEMO-2", reason="=1+1", concerns_on=date(2025, 6, 20))
    trade.move("seller", "activate", first, first + 2)
    clock.advance(days=40)
    return close(trade, JULY)


def pages(content: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(content))
    return "\n".join(page.extract_text() for page in reader.pages)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_stands_in_the_pdf(
    trade: Trade, closed: Statement, language: Language
) -> None:
    content = export_bytes(closed, "pdf", language, trade.db.settings)
    told = pages(content)
    for name in SUMS:
        assert format_yuan(getattr(closed.sums, name)) in told, name
    for line in closed.lines:
        for fen in (line.value_fen, line.commission_fen, line.amount_fen):
            assert format_yuan(fen) in told
    for text in ("CITY", "2025-07", "2025-06", "MEMO-2", closed.digest or ""):
        assert text[:40] in told.replace("\n", ""), text
    again = export_bytes(read(trade, JULY), "pdf", language, trade.db.settings)
    assert again == content


def test_the_pdf_speaks_both_languages(trade: Trade, closed: Statement) -> None:
    english = pages(export_bytes(closed, "pdf", "en", trade.db.settings))
    for name in ("title", "summary", "lines", "opening_fen", "closing_fen", "activation"):
        assert word(name, "en") in english.replace("\n", " ")
    assert export_bytes(closed, "pdf", "zh", trade.db.settings)[:5] == b"%PDF-"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbook_holds_the_figures_as_numbers(
    trade: Trade, closed: Statement, language: Language
) -> None:
    content = export_bytes(closed, "xlsx", language, trade.db.settings)
    book = openpyxl.load_workbook(io.BytesIO(content))
    summary, lines, about = book.worksheets
    rows: dict[Any, Any] = dict(summary.iter_rows(min_row=2, max_col=2, values_only=True))
    for name in SUMS:
        assert round(rows[word(name, language)] * 100) == getattr(closed.sums, name)
    stored = [
        tuple(round(cell * 100) for cell in row[6:9])
        for row in lines.iter_rows(min_row=2, values_only=True)
    ]
    assert stored == [
        (line.value_fen, line.commission_fen, line.amount_fen) for line in closed.lines
    ]
    facts = dict(about.iter_rows(max_col=2, values_only=True))
    assert facts[word("month", language)] == "2025-07"
    assert all(cell.data_type != "f" for row in lines.iter_rows() for cell in row)


def test_the_lines_are_written_as_csv_without_formulas(trade: Trade, closed: Statement) -> None:
    text = export_bytes(closed, "csv", "en", trade.db.settings).decode("utf-8-sig")
    heading, *rows = csv.reader(io.StringIO(text))
    assert heading[:2] == ["Day", "Kind"]
    amounts = [row[heading.index("Amount (yuan)")] for row in rows]
    assert amounts == [format_yuan(line.amount_fen) for line in closed.lines]
    assert [row[heading.index("Reason")] for row in rows if row[1] == "adjustment"] == ["'=1+1"]


def test_an_open_month_says_that_it_is_provisional(trade: Trade, clock: FakeClock) -> None:
    busy_june(trade, clock)
    assert "provisional" in pages(export_bytes(read(trade, JUNE), "pdf", "en", trade.db.settings))
