"""A statement on paper and as tables, in Chinese or English, with the statement's own figures."""

import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from core import pdf, sheets
from core.money import format_yuan
from core.settings import Settings
from core.sheets import Sheet, Value
from distribution.settlement_lines import Line
from distribution.settlements import Statement

Language = Literal["zh", "en"]
FORMATS = ("pdf", "xlsx", "csv")
LANGUAGES: tuple[Language, ...] = ("zh", "en")

SUMS = (
    "opening_fen",
    "activations_fen",
    "commission_fen",
    "returns_fen",
    "clawback_fen",
    "payments_fen",
    "bounced_fen",
    "adjustments_fen",
    "other_fen",
    "closing_fen",
)
"""The totals in the order in which they are told."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("结算单", "Settlement statement"),
    "party": ("代理商", "Party"),
    "month": ("结算月份", "Month"),
    "state": ("状态", "State"),
    "closed": ("已结账", "closed"),
    "open": ("未结账（暂估）", "open (provisional)"),
    "digest": ("摘要", "Digest"),
    "unit": (
        "单位：元；负数减少欠款",
        "In yuan; below 0 less is owed",
    ),
    "summary": ("汇总", "Summary"),
    "lines": ("明细", "Lines"),
    "item": ("项目", "Item"),
    "amount_fen": ("金额", "Amount"),
    "opening_fen": ("期初余额", "Opening"),
    "activations_fen": ("激活面值", "Activations"),
    "commission_fen": ("佣金", "Commission"),
    "returns_fen": ("返销退回", "Returns"),
    "clawback_fen": ("佣金收回", "Commission taken back"),
    "payments_fen": ("付款", "Payments"),
    "bounced_fen": ("退票", "Bounced payments"),
    "adjustments_fen": ("调整", "Adjustments"),
    "other_fen": ("其他", "Other"),
    "closing_fen": ("期末余额", "Closing"),
    "yuan": ("元", "yuan"),
    "total": ("本月合计", "Month"),
    "day": ("日期", "Day"),
    "kind": ("类别", "Kind"),
    "holder": ("网点", "Outlet"),
    "face_fen": ("面值", "Face"),
    "rate_fen": ("单张佣金", "Rate"),
    "cards": ("张数", "Cards"),
    "value_fen": ("价款", "Value"),
    "earned_fen": ("佣金", "Commission"),
    "reference": ("凭据", "Reference"),
    "reason": ("原因", "Reason"),
    "concerns": ("所属月份", "Concerns"),
    "activation": ("激活", "activation"),
    "return": ("返销", "return"),
    "void": ("作废（价值待处理）", "void (value in suspense)"),
    "payment": ("付款", "payment"),
    "bounced": ("退票", "bounced payment"),
    "adjustment": ("调整", "adjustment"),
    "other": ("其他", "other"),
}


def word(name: str, language: Language) -> str:
    """Return how a name of the statement is told."""
    return _WORDS[name][LANGUAGES.index(language)]


def export_bytes(found: Statement, form: str, language: Language, settings: Settings) -> bytes:
    """Return the statement as a file of one of FORMATS; csv holds the lines only."""
    zone = settings.zone
    if form == "pdf":
        return statement_pdf(found, language, zone, settings.pdf_font)
    if form == "csv":
        return b"".join(sheets.csv_chunks(lines_sheet(found, language), zone))
    out = io.BytesIO()
    sheets.write_xlsx(statement_sheets(found, language, zone), out, zone, found.closed_at)
    return out.getvalue()


def statement_sheets(found: Statement, language: Language, zone: ZoneInfo) -> list[Sheet]:
    """Return the summary and the lines as typed tables."""
    say = _Words(language)
    facts = dict(_facts(found, say, zone))
    summary = Sheet(
        name=say("summary"),
        columns=[
            sheets.Column("item", say("item")),
            sheets.Column("amount_fen", say("amount_fen"), "fen", say("yuan")),
        ],
        rows=[(say(name), getattr(found.sums, name)) for name in SUMS],
        facts=facts,
    )
    return [summary, lines_sheet(found, language)]


def lines_sheet(found: Statement, language: Language) -> Sheet:
    """Return the lines as one typed table."""
    say = _Words(language)
    columns = [
        sheets.Column("day", say("day"), "date"),
        sheets.Column("kind", say("kind")),
        sheets.Column("holder", say("holder")),
        sheets.Column("face_fen", say("face_fen"), "fen", say("yuan")),
        sheets.Column("rate_fen", say("rate_fen"), "fen", say("yuan")),
        sheets.Column("cards", say("cards"), "count"),
        sheets.Column("value_fen", say("value_fen"), "fen", say("yuan")),
        sheets.Column("commission_fen", say("earned_fen"), "fen", say("yuan")),
        sheets.Column("amount_fen", say("amount_fen"), "fen", say("yuan")),
        sheets.Column("reference", say("reference")),
        sheets.Column("reason", say("reason")),
        sheets.Column("concerns", say("concerns")),
    ]
    rows: list[tuple[Value, ...]] = [
        (
            line.day,
            say(line.kind),
            found.holders.get(line.holder_id or 0),
            line.face_fen,
            line.rate_fen,
            line.cards,
            line.value_fen,
            line.commission_fen,
            line.amount_fen,
            line.reference,
            line.reason,
            _month(line),
        )
        for line in found.lines
    ]
    return Sheet(name=say("lines"), columns=columns, rows=rows)


def statement_pdf(found: Statement, language: Language, zone: ZoneInfo, font: str = "") -> bytes:
    """Return the statement as PDF: the same statement gives the same bytes."""
    say = _Words(language)
    summary = pdf.Grid(
        title=say("summary"),
        columns=[pdf.Column(say("item"), 3), pdf.Column(say("amount_fen"), 2, right=True)],
        rows=[(say(name), format_yuan(getattr(found.sums, name))) for name in SUMS[:-1]],
        total=(say("closing_fen"), format_yuan(found.sums.closing_fen)),
    )
    number = f"{found.party_code} {found.month}"
    document = pdf.Document(
        title=say("title"),
        number=number,
        head=list(_facts(found, say, zone)),
        parts=[say("unit"), summary, _lines_grid(found, say)],
    )
    return pdf.render(document, font)


def _lines_grid(found: Statement, say: "_Words") -> pdf.Grid:
    columns = [
        pdf.Column(say("day"), 5),
        pdf.Column(say("kind"), 5),
        pdf.Column(say("reference"), 8),
        pdf.Column(say("cards"), 3, right=True),
        pdf.Column(say("face_fen"), 4, right=True),
        pdf.Column(say("value_fen"), 5, right=True),
        pdf.Column(say("earned_fen"), 5, right=True),
        pdf.Column(say("amount_fen"), 5, right=True),
        pdf.Column(say("concerns"), 5, right=True),
    ]
    rows = [
        (
            line.day.isoformat(),
            say(line.kind),
            _about(found, line),
            "" if line.cards is None else str(line.cards),
            "" if line.face_fen is None else format_yuan(line.face_fen),
            format_yuan(line.value_fen),
            format_yuan(line.commission_fen),
            format_yuan(line.amount_fen),
            _month(line) or "",
        )
        for line in found.lines
    ]
    sums = [
        format_yuan(sum(getattr(line, name) for line in found.lines))
        for name in ("value_fen", "commission_fen", "amount_fen")
    ]
    total = (say("total"), "", "", "", "", *sums, "")
    return pdf.Grid(title=say("lines"), columns=columns, rows=rows, total=total)


class _Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def __call__(self, name: str) -> str:
        return word(name, self._language)


def _facts(found: Statement, say: _Words, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield say("party"), f"{found.party_code} {found.party_name}"
    yield say("month"), found.month
    if found.closed_at is None:
        yield say("state"), say("open")
    else:
        yield say("state"), f"{say('closed')} {_when(found.closed_at, zone)}"
        yield say("digest"), found.digest or ""


def _about(found: Statement, line: Line) -> str:
    holder = found.holders.get(line.holder_id or 0)
    return " ".join(text for text in (holder, line.reference, line.reason) if text)


def _month(line: Line) -> str | None:
    return None if line.concerns_on is None else f"{line.concerns_on:%Y-%m}"


def _when(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
