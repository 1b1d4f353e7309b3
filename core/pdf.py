"""A4 documents: a title, a head of names and values, tables over pages, Code 128 barcodes.

The same document and font give the same bytes. Texts may hold Chinese and Latin: what the found
font lacks is set in the Latin font that comes with the library.
"""

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from core.errors import ConfigurationError

USUAL_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/google-droid/DroidSansFallback.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/wqy-zenhei/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
)
"""Where distributions keep TrueType fonts with Chinese, the best first."""

_LATIN = "Vera"
_MARGIN_MM = 15
_PADDING = 6
"""What the library adds to the margins of a page, in points; tables and texts begin within it."""
_BAR_MM = 0.25
_BAR_HEIGHT_MM = 9
_LONG = 20
"""Chinese without blanks longer than this is broken anywhere; else Latin words stay whole."""
_drawing = threading.Lock()  # the library keeps fonts in tables of the whole process


@dataclass(frozen=True, slots=True)
class Barcode:
    """A Code 128 barcode of printable ASCII, its text below."""

    value: str


Cell = str | Barcode


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid; `share` is its part of the width, numbers stand right."""

    heading: str
    share: int = 1
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table whose headings come again on each page; `total` is its last line, set apart."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    total: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What stands on the pages; `number` is repeated at the foot of each. A part may be a text."""

    title: str
    number: str
    head: Sequence[tuple[str, Cell]]
    parts: Sequence[Grid | Barcode | str]


def find_font(chosen: str) -> Path | None:
    """Return the font file to embed: the chosen one, else one of the usual; None: there is none.

    Raises ConfigurationError where the chosen file is no TrueType font that can be read.
    """
    if chosen:
        path = Path(chosen)
        _register(path)
        return path
    return next((Path(each) for each in USUAL_FONTS if Path(each).is_file()), None)


def render(document: Document, chosen_font: str = "") -> bytes:
    """Return the document as PDF. Without any font found, Chinese is left to the reader's own.

    Raises ConfigurationError as `find_font` does.
    """
    from reportlab.platypus import SimpleDocTemplate

    with _drawing:
        face = _register(find_font(chosen_font))
        out = io.BytesIO()
        template = SimpleDocTemplate(
            out,
            pagesize=_page(),
            title=f"{document.title} {document.number}",
            author="Wanneng",
            initialFontName=face.name,
            invariant=1,
            **dict.fromkeys(("leftMargin", "rightMargin"), _mm(_MARGIN_MM) - _PADDING),
            topMargin=_mm(_MARGIN_MM),
            bottomMargin=_mm(_MARGIN_MM + 5),
        )
        flow = list(_flow(document, face, template.width - 2 * _PADDING))
        template.build(flow, canvasmaker=_canvas_maker(document.number, face))
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Face:
    """A font that is ready; `known` are its characters."""

    name: str
    known: frozenset[int]

    def runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Cut a text into pieces of one font each: font, piece."""
        latin = _latin_characters()

        def font(sign: str) -> str:
            return _LATIN if ord(sign) not in self.known and ord(sign) in latin else self.name

        for name, signs in groupby(text, font):
            yield name, "".join(signs)


@lru_cache(maxsize=8)
def _register(path: Path | None) -> _Face:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    if path is None:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        return _Face("STSong-Light", frozenset())
    try:
        font = TTFont(f"Text-{path.stem}", str(path))
    except (TTFError, OSError) as error:
        raise ConfigurationError(
            f"WANNENG_PDF_FONT is no TrueType font that can be read: {path}"
        ) from error
    pdfmetrics.registerFont(font)
    return _Face(font.fontName, frozenset(font.face.charToGlyph))


@lru_cache(maxsize=1)
def _latin_characters() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    font = TTFont(_LATIN, "Vera.ttf")
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def _flow(document: Document, face: _Face, width: float) -> Iterator[Any]:
    from reportlab.platypus import Spacer

    yield _text(document.title, face, size=17)
    yield Spacer(1, _mm(4))
    yield _head(document.head, face, width)
    for part in document.parts:
        yield Spacer(1, _mm(5))
        if isinstance(part, Grid):
            if part.title:
                yield _text(part.title, face, size=11, keep_with_next=True)
                yield Spacer(1, _mm(2))
            yield _grid(part, face, width)
        else:
            yield from _cell(part, face)


def _head(head: Sequence[tuple[str, Cell]], face: _Face, width: float) -> Any:
    from reportlab.platypus import Table

    rows: list[list[Any]] = [[_cell(name, face), _cell(value, face)] for name, value in head]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)]
    style += [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return Table(rows or [["", ""]], [width * 0.28, width * 0.72], style=style)


def _grid(grid: Grid, face: _Face, width: float) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import LongTable

    shares = sum(column.share for column in grid.columns)
    lines: list[Sequence[Cell]] = [[column.heading for column in grid.columns], *grid.rows]
    lines += [grid.total] if grid.total else []
    rows = [
        [_cell(each, face, column.right) for each, column in zip(line, grid.columns, strict=True)]
        for line in lines
    ]
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor(0xB0B0B0)),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(0xE8EDF2)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        *((f"{side}PADDING", (0, 0), (-1, -1), 3) for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")),
    ]
    if grid.total:
        style += [("BACKGROUND", (0, -1), (-1, -1), HexColor(0xF4F4F4))]
        style += [("LINEABOVE", (0, -1), (-1, -1), 0.8, HexColor(0x404040))]
    widths = [width * column.share / shares for column in grid.columns]
    return LongTable(rows, widths, style=style, repeatRows=1)


def _cell(cell: Cell, face: _Face, right: bool = False) -> list[Any]:
    from reportlab.graphics.barcode.code128 import Code128

    if isinstance(cell, str):
        return [_text(cell, face, right=right)]
    bars = Code128(cell.value, barWidth=_mm(_BAR_MM), barHeight=_mm(_BAR_HEIGHT_MM))
    return [bars, _text(cell.value, face, indent=bars.lquiet)]


def _text(
    text: str,
    face: _Face,
    *,
    size: int = 9,
    right: bool = False,
    indent: float = 0,
    keep_with_next: bool = False,
) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    words = text.split()
    style = ParagraphStyle(
        "text",
        fontName=face.name,
        fontSize=size,
        leading=size * 1.4,
        alignment=2 if right else 0,
        leftIndent=indent,
        keepWithNext=keep_with_next,
        wordWrap="CJK" if any(len(word) > _LONG and not word.isascii() for word in words) else None,
        splitLongWords=1,
    )
    runs = (f'<font name="{name}">{escape(run)}</font>' for name, run in face.runs(text))
    return Paragraph("".join(runs), style)


def _canvas_maker(number: str, face: _Face) -> Any:
    """Return the library's canvas, which writes each page's foot when their number is known."""
    from reportlab.pdfgen.canvas import Canvas

    class _Numbered(Canvas):  # type: ignore[misc] # the library has no types
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            pages = self._pages
            for index, page in enumerate(pages, start=1):
                self.__dict__.update(page)
                _foot(self, face, number, f"{index} / {len(pages)}")
                super().showPage()
            super().save()

    return _Numbered


def _foot(canvas: Any, face: _Face, left: str, right: str) -> None:
    width, _ = _page()
    y = _mm(_MARGIN_MM - 4)
    _draw(canvas, face, left, _mm(_MARGIN_MM), y)
    _draw(canvas, face, right, width - _mm(_MARGIN_MM) - _width(face, right), y)


def _draw(canvas: Any, face: _Face, text: str, x: float, y: float) -> None:
    for name, run in face.runs(text):
        canvas.setFont(name, 8)
        canvas.drawString(x, y, run)
        x += canvas.stringWidth(run, name, 8)


def _width(face: _Face, text: str) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return sum(float(stringWidth(run, name, 8)) for name, run in face.runs(text))


def _mm(length_mm: float) -> float:
    return length_mm * 72 / 25.4


def _page() -> tuple[float, float]:
    return _mm(210), _mm(297)
