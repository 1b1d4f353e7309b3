"""The papers as documents to print: consignment note and credit note, in both languages."""

from collections import Counter
from zoneinfo import ZoneInfo

from core.db import Session
from core.money import format_yuan
from core.pdf import Barcode, Column, Document, Grid
from distribution.consignments import Consignment
from distribution.credit_notes import CreditNote
from distribution.parties import party_by_code
from vouchers.serials import serial_text

_KINDS = {
    "dispatch": "发货 Dispatch",
    "transfer": "同级调拨 Transfer",
    "return": "返库 Return",
}


def consignment_note(session: Session, item: Consignment) -> Document:
    """Return the note that goes with a consignment: number and both ends of each range to scan."""
    head: list[tuple[str, str | Barcode]] = [
        ("单号 Number", Barcode(item.number)),
        ("类型 Kind", _KINDS[item.kind]),
        ("发货方 From", _named(session, item.sender)),
        ("收货方 To", _named(session, item.receiver)),
        ("订货单 Order", item.order or "-"),
        ("日期 Date", _day(item, session.zone)),
    ]
    if item.reason:
        head.append(("事由 Reason", item.reason))
    return Document(
        title="发货单 Consignment note",
        number=item.number,
        head=head,
        parts=[
            _totals(item),
            _ranges(item),
            "实收 Received: ______________    签字 Signature: ______________    "
            "日期 Date: ______________",
        ],
    )


def credit_note_print(session: Session, item: CreditNote) -> Document:
    """Return a credit note to print: what came back at which price, and the entries behind it."""
    return Document(
        title="贷项通知单 Credit note",
        number=item.number,
        head=[
            ("单号 Number", item.number),
            ("贷记方 Credited to", f"{item.party_name} ({item.party})"),
            ("退货单 Consignment", item.consignment),
            ("日期 Date", f"{item.at.astimezone(session.zone):%Y-%m-%d}"),
            ("面值 Face value", format_yuan(item.face_value_fen)),
            ("扣回佣金 Commission", format_yuan(item.commission_fen)),
            ("贷记金额 Credit (CNY)", format_yuan(item.credit_fen)),
        ],
        parts=[_credits(item)],
    )


def _named(session: Session, code: str) -> str:
    found = party_by_code(session, code)
    return f"{found.name} ({found.code}), {found.region}"


def _day(item: Consignment, zone: ZoneInfo) -> str:
    at = item.sent_at or item.created_at
    draft = "" if item.sent_at else " (草稿 draft)"
    return f"{at.astimezone(zone):%Y-%m-%d}{draft}"


def _totals(item: Consignment) -> Grid:
    counts: Counter[int] = Counter()
    for line in item.lines:
        counts[line.face_fen] += line.cards.count
    return Grid(
        columns=[
            Column("面值 Face (CNY)", right=True),
            Column("张数 Cards", right=True),
            Column("金额 Value (CNY)", right=True),
        ],
        rows=[
            [format_yuan(face), f"{count:,}", format_yuan(face * count)]
            for face, count in sorted(counts.items())
        ],
        total=["合计 Total", f"{item.cards:,}", format_yuan(item.face_value_fen)],
    )


def _ranges(item: Consignment) -> Grid:
    return Grid(
        title="号段 Ranges",
        columns=[
            Column("#", 2),
            Column("首号 First", 14),
            Column("末号 Last", 14),
            Column("面值 Face", 5, right=True),
            Column("张数 Cards", 5, right=True),
        ],
        rows=[
            [
                str(place),
                Barcode(serial_text(line.cards.first)),
                Barcode(serial_text(line.cards.last)),
                format_yuan(line.face_fen),
                f"{line.cards.count:,}",
            ]
            for place, line in enumerate(item.lines, start=1)
        ],
    )


def _credits(item: CreditNote) -> Grid:
    return Grid(
        title="退回的卡 Returned cards",
        columns=[
            Column("首号 First", 5),
            Column("末号 Last", 5),
            Column("张数 Cards", 2, right=True),
            Column("面值 Face", 3, right=True),
            Column("佣金 Commission", 3, right=True),
            Column("贷记 Credit", 3, right=True),
            Column("分录 Entry", 5, right=True),
        ],
        rows=[
            [
                serial_text(line.cards.first),
                serial_text(line.cards.last),
                f"{line.cards.count:,}",
                format_yuan(line.price_fen),
                format_yuan(line.commission_fen),
                format_yuan((line.price_fen - line.commission_fen) * line.cards.count),
                str(line.entry_id),
            ]
            for line in item.lines
        ],
        total=["合计 Total", "", f"{item.cards:,}", "", "", format_yuan(item.credit_fen), ""],
    )
