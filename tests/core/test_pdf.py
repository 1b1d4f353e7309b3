"""Documents: what is written on them can be read, and comes out the same every time."""

import io
from pathlib import Path

import pytest
import reportlab
from pypdf import PdfReader

from core import pdf
from core.errors import ConfigurationError
from core.pdf import Barcode, Column, Document, Grid, find_font, render

LATIN = str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")

NOTE = Document(
    title="发货单 Consignment note",
    number="CN-20250611-000001",
    head=[("单号 Number", Barcode("CN-20250611-000001")), ("To", "<b>Lee & sons</b>")],
    parts=[
        Grid(
            title="Ranges",
            columns=[Column("First", 3), Column("Cards", right=True)],
            rows=[[Barcode("42251010007001008"), f"row {number}"] for number in range(40)],
            total=["Total", "4,000"],
        ),
        "Received by: ____",
    ],
)


def _texts(document: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(document)).pages]


def test_a_long_table_repeats_its_headings_and_pages_are_numbered() -> None:
    pages = _texts(render(NOTE, LATIN))
    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in text
        assert "CN-20250611-000001" in text
    assert all("Cards" in text for text in pages[:-1])
    assert sum(text.count("row ") for text in pages) == 40
    assert "4,000" in pages[-1]


def test_names_are_text_and_no_markup() -> None:
    assert "<b>Lee & sons</b>" in _texts(render(NOTE, LATIN))[0]


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render(NOTE, LATIN) == render(NOTE, LATIN)


def test_the_chosen_font_is_embedded() -> None:
    assert b"/FontFile2" in render(NOTE, LATIN)


def test_without_a_font_chinese_is_left_to_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "USUAL_FONTS", ())
    document = render(NOTE)
    assert find_font("") is None
    assert b"/STSong-Light" in document
    assert b"/FontFile2" in document  # what is Latin comes along
    assert "发货单" in _texts(document)[0]


def test_a_font_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(ConfigurationError, match="no TrueType font"):
        find_font(str(path))
