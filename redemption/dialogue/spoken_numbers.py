"""Digits, numbers, sums and times as clips, in Chinese and English. Pure."""

import re

from core.money import format_yuan
from redemption.dialogue.words import Lang

_ZH_DIGITS = "零一二三四五六七八九"
_EN_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_EN_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

NUMBERS: dict[Lang, dict[str, str]] = {
    "zh": {
        **{f"n-{digit}": word for digit, word in enumerate(_ZH_DIGITS)},
        "n-one": "幺",
        "n-10": "十",
        "n-100": "百",
        "n-1000": "千",
        "n-10000": "万",
        "n-100000000": "亿",
        "n-point": "点",
        "n-or": "或",
        "n-year": "年",
        "n-month": "月",
        "n-day": "日",
        "n-minute": "分",
    },
    "en": {
        **{f"n-{number}": word for number, word in enumerate(_EN_SMALL)},
        **{f"n-{10 * ten}": word for ten, word in enumerate(_EN_TENS, 2)},
        "n-100": "hundred",
        "n-1000": "thousand",
        "n-1000000": "million",
        "n-point": "point",
        "n-or": "or",
        **{f"n-month-{number}": name for number, name in enumerate(_MONTHS, 1)},
    },
}
"""Each clip of numbers with its word; `n-one` is how a 1 is read out among digits in Chinese."""

_TIME = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d)")
_ZH_GROUP = 10_000
_EN_GROUP = 1_000


def digit_clips(text: str, language: Lang) -> list[str]:
    """Return a number read digit by digit; what is no digit is passed over."""
    digits = [sign for sign in text if sign.isascii() and sign.isdigit()]
    if language == "en":
        return [f"n-{digit}" for digit in digits]
    return ["n-one" if digit == "1" else f"n-{digit}" for digit in digits]


def number_clips(text: str, language: Lang) -> list[str]:
    """Return a whole number, below 10 ** 12, read as people count."""
    return _counted(int(text), language)


def length_clips(text: str, language: Lang) -> list[str]:
    """Return alternatives like `10/13`."""
    clips: list[str] = []
    for number in text.split("/"):
        clips += ["n-or"] if clips else []
        clips += _counted(int(number), language)
    return clips


def amount_clips(fen: int, language: Lang) -> list[str]:
    """Return a sum in yuan; fen that are none are not said."""
    yuan, _, rest = format_yuan(fen).partition(".")
    clips = _counted(int(yuan), language)
    if rest != "00":
        clips += ["n-point", *(f"n-{digit}" for digit in rest)]
    return clips


def time_clips(text: str, language: Lang) -> list[str]:
    """Return a time like `06-11 09:30`, with or without its year; nothing for an empty one."""
    found = _TIME.fullmatch(text)
    if found is None:
        return []
    year = found[1] or ""
    month, day, hour, minute = (int(part) for part in found.groups()[1:])
    if language == "zh":
        clips = [*(f"n-{digit}" for digit in year), "n-year"] if year else []
        clips += [*_counted(month, "zh"), "n-month", *_counted(day, "zh"), "n-day"]
        return [*clips, *_counted(hour, "zh"), "n-point", *_counted(minute, "zh"), "n-minute"]
    clips = [f"n-month-{month}", *_counted(day, "en")]
    clips += _counted(int(year), "en") if year else []
    zero = ["n-0"] if minute < 10 else []
    return [*clips, *_counted(hour, "en"), *zero, *_counted(minute, "en")]


def chinese_words(number: int) -> str:
    """Return a whole number in Chinese words, as a voice must be given it."""
    return "".join(NUMBERS["zh"][clip] for clip in _counted(number, "zh"))


def _counted(number: int, language: Lang) -> list[str]:
    if number == 0:
        return ["n-0"]
    return _chinese(number) if language == "zh" else _english(number)


def _chinese(number: int) -> list[str]:
    clips: list[str] = []
    rest = number
    for unit in (100_000_000, 10_000, 1):
        group, rest = divmod(rest, unit)
        if not group:
            continue
        # A zero is said where a place between two digits is empty.
        gap = bool(clips) and group < _ZH_GROUP // 10
        clips += [*(["n-0"] if gap else []), *_below_ten_thousand(group)]
        clips += [f"n-{unit}"] if unit > 1 else []
    if clips[:2] == ["n-1", "n-10"]:
        clips = clips[1:]  # ten is one word where it begins
    return clips


def _below_ten_thousand(group: int) -> list[str]:
    clips: list[str] = []
    was_empty = False
    for unit in (1000, 100, 10, 1):
        digit, group = divmod(group, unit)
        if digit:
            clips += ["n-0"] if was_empty and clips else []
            clips += [f"n-{digit}", *([f"n-{unit}"] if unit > 1 else [])]
        was_empty = not digit
    return clips


def _english(number: int) -> list[str]:
    clips: list[str] = []
    millions, rest = divmod(number, _EN_GROUP**2)
    thousands, below = divmod(rest, _EN_GROUP)
    if millions:
        clips += [*_english(millions), "n-1000000"]
    if thousands:
        clips += [*_below_thousand(thousands), "n-1000"]
    return clips + _below_thousand(below)


def _below_thousand(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    clips = [f"n-{hundreds}", "n-100"] if hundreds else []
    if rest >= 20:
        clips.append(f"n-{rest - rest % 10}")
        rest %= 10
    return clips + ([f"n-{rest}"] if rest else [])
