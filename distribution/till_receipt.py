"""What a till prints for the buyer: lines of 32 columns, as thermal printers have them. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from core.money import format_yuan
from vouchers.serials import SerialRange, serial_text

COLUMNS = 32
LANGUAGES = ("zh", "en")
PIN_PLACE = "{PIN}"
"""Stands where the till writes the PIN, after it has decrypted it: 20 columns, 6-6-6."""

_WORDS = {
    "zh": {
        "title": "万能充充值卡",
        "at": "时间",
        "till": "终端",
        "sale": "单号",
        "serial": "序列号",
        "last": "至",
        "cards": "张数",
        "face": "面值",
        "total": "合计",
        "expires": "有效期至",
        "pin": "密码",
        "secret": "密码如现金，请妥善保管。",
        "scratch": "卡已激活，刮开涂层见密码。",
        "call": "充值请拨 {hotline}",
    },
    "en": {
        "title": "Universal recharge card",
        "at": "Time",
        "till": "Till",
        "sale": "Sale",
        "serial": "Serial",
        "last": "to",
        "cards": "Cards",
        "face": "Face value",
        "total": "Total",
        "expires": "Valid until",
        "pin": "PIN",
        "secret": "The PIN is money: keep it safe.",
        "scratch": "Active now. Scratch for the PIN.",
        "call": "To recharge call {hotline}",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldCards:
    """What a receipt tells; `at` is local time, `electronic` leaves a place for the PIN."""

    shop: str
    till: str
    sale: str
    at: datetime
    cards: SerialRange
    face_fen: int
    expires_on: date
    electronic: bool
    hotline: str


def receipt_text(sold: SoldCards, language: str) -> str:
    """Return the receipt; with PIN_PLACE once where the card is electronic, else without."""
    words = _WORDS[language]
    lines = [
        _centred(sold.shop),
        _centred(words["title"]),
        "-" * COLUMNS,
        _row(words["at"], f"{sold.at:%Y-%m-%d %H:%M:%S}"),
        _row(words["till"], sold.till),
        _row(words["sale"], sold.sale),
        *_cards(sold, words),
        _row(words["expires"], sold.expires_on.isoformat()),
    ]
    if sold.electronic:
        lines += [f"{words['pin']} {PIN_PLACE}", *_wrapped(words["secret"])]
    else:
        lines += _wrapped(words["scratch"])
    return "\n".join([*lines, "-" * COLUMNS, *_wrapped(words["call"].format(hotline=sold.hotline))])


def width(text: str) -> int:
    """Return how many columns a text takes; Chinese signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _cards(sold: SoldCards, words: dict[str, str]) -> list[str]:
    cards, face = sold.cards, format_yuan(sold.face_fen)
    first = _row(words["serial"], serial_text(cards.first))
    if cards.count == 1:
        return [first, _row(words["face"], face)]
    return [
        first,
        _row(words["last"], serial_text(cards.last)),
        _row(words["cards"], str(cards.count)),
        _row(words["face"], face),
        _row(words["total"], format_yuan(sold.face_fen * cards.count)),
    ]


def _row(name: str, value: str) -> str:
    shown = _cut(value, COLUMNS - width(name) - 1)
    return name + " " * (COLUMNS - width(name) - width(shown)) + shown


def _centred(text: str) -> str:
    shown = _cut(text, COLUMNS)
    return " " * ((COLUMNS - width(shown)) // 2) + shown


def _cut(text: str, columns: int) -> str:
    while width(text) > columns:
        text = text[:-1]
    return text


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for sign in text:
        if width(lines[-1] + sign) > COLUMNS:
            lines.append("")
        lines[-1] += sign
    return lines
