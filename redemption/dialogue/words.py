"""The words of answers and prompts, zh and en. A text message fits one message, whatever sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from core.money import format_yuan
from core.settings import Settings
from redemption.dialogue import catalogue_en, catalogue_zh
from redemption.requests import Answer, Code, Outcome
from redemption.throttle import LockRule

Lang = Literal["zh", "en"]

FAULT = "fault"
"""What is told where nobody knows what was done; the code of such a reply too."""

LONGEST_MESSAGE = {"zh": 70, "en": 160}
"""Signs in one message: UCS-2 in Chinese, the GSM 7-bit alphabet in English."""

LONGEST_SCREEN = {"zh": 80, "en": 160}
"""Signs on the display of a telephone."""

_CHINA = ZoneInfo("Asia/Shanghai")
_MESSAGES = {"zh": catalogue_zh.MESSAGES, "en": catalogue_en.MESSAGES}
_PROMPTS = {"zh": catalogue_zh.PROMPTS, "en": catalogue_en.PROMPTS}
_SCREENS = {"zh": catalogue_zh.SCREENS, "en": catalogue_en.SCREENS}


@dataclass(frozen=True, slots=True)
class Place:
    """What words need to know of where and when they are said."""

    hotline: str = "95598"
    zone: ZoneInfo = _CHINA
    now: datetime | None = None

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> "Place":
        """Return the place the settings describe."""
        return cls(settings.hotline, settings.zone, now)

    def time_text(self, at: datetime) -> str:
        """Return a local time like `06-11 09:30`, with the year where it is not this one."""
        local = at.astimezone(self.zone)
        this_year = self.now is None or local.year == self.now.astimezone(self.zone).year
        return f"{local:%m-%d %H:%M}" if this_year else f"{local:%Y-%m-%d %H:%M}"


_ANYWHERE = Place()


class Prompt(Struct, frozen=True):
    """Something to say: an id of the catalogue and its parameters; sums in fen, never a PIN."""

    id: str
    params: dict[str, str | int] = {}


def known_language(language: str) -> Lang:
    """Return the language if we speak it, else Chinese."""
    return "en" if language == "en" else "zh"


def fits(text: str, language: str) -> bool:
    """Tell whether a text goes into one message."""
    return len(text) <= LONGEST_MESSAGE[known_language(language)]


def message(ids: str | Sequence[str], language: str, params: Mapping[str, str]) -> str:
    """Return the first of the wordings that fits one message; the last one if none does."""
    catalogue = _MESSAGES[known_language(language)]
    texts = [catalogue[one].format_map(params) for one in _several(ids)]
    return next((text for text in texts if fits(text, language)), texts[-1])


def prompt_text(prompt: Prompt, language: str) -> str:
    """Return what is said or shown for a prompt."""
    shown = {name: _shown(name, value) for name, value in prompt.params.items()}
    return _PROMPTS[known_language(language)][prompt.id].format_map(shown)


def screen_text(prompt: Prompt, language: str) -> str:
    """Return what the display of a telephone shows for a prompt."""
    known = known_language(language)
    shorter = _SCREENS[known].get(prompt.id)
    if shorter is None:
        return prompt_text(prompt, known)
    return shorter.format_map({name: _shown(name, one) for name, one in prompt.params.items()})


def screen_words(said: Sequence[str], language: Lang, is_last: bool) -> str:
    """Return as much of what is said as a display shows: the question, or what was done, first."""
    left = list(said) or [prompt_text(Prompt("goodbye"), language)]
    while len(left) > 1 and len("\n".join(left)) > LONGEST_SCREEN[language]:
        left.pop(-1 if is_last else 0)
    return "\n".join(left)[: LONGEST_SCREEN[language]]


def sms_text(answer: Answer, language: str, place: Place = _ANYWHERE) -> str:
    """Return the answer in one message: the late fee, then more, is left out where too long.

    Empty for an answer that is silent.
    """
    if answer.silent:
        return ""
    return message(_wordings(answer), language, _params(answer, place))


def outcome_text(outcome: Outcome, language: str, place: Place = _ANYWHERE) -> str:
    """Return the answer in one message, or the advice to look where nobody knows what was done."""
    if outcome.is_unknown:
        return message(FAULT, language, {"hotline": place.hotline})
    return sms_text(outcome.answer, language, place)


def refusal_id(answer: Answer) -> str:
    """Return the catalogue's id for an answer about a PIN, a lock or a used card."""
    if answer.lock_rule is not None:
        return _lock_id(answer)
    if answer.code is Code.CALLER_LOCKED:
        return "locked"
    if answer.code is Code.PIN_UNKNOWN:
        return _wrong_pin_id(answer.tries_left)
    if answer.code is Code.VOUCHER_USED:
        return "used_by_you" if answer.used_by_you else "used_by_another"
    return answer.code.value


def history_text(tail: str, entries: Sequence[tuple[str, int]], language: str) -> str:
    """Return as many of the latest recharges (time, fen) as go into one message."""
    if not entries:
        return message("history_none", language, {"tail": tail})
    joiner = "；" if known_language(language) == "zh" else "; "
    lines = [
        message("history_entry", language, {"at": at, "face": format_yuan(fen)})
        for at, fen in entries
    ]
    for count in range(len(lines), 0, -1):
        params = {"tail": tail, "entries": joiner.join(lines[:count])}
        text = message("history", language, params)
        if fits(text, language):
            break
    return text


def _several(ids: str | Sequence[str]) -> Sequence[str]:
    return [ids] if isinstance(ids, str) else ids


def _wordings(answer: Answer) -> Sequence[str]:
    if answer.code is Code.REDEEMED:
        return _receipt_wordings(answer)
    if answer.code is Code.ACCOUNT_CLOSED and answer.account_tail is None:
        return ["account_closed_plain"]
    return [refusal_id(answer)]


def _receipt_wordings(answer: Answer) -> Sequence[str]:
    if answer.waits_for_bank:
        return ["redeemed_bank", "redeemed_bank_short", "redeemed"]
    wordings = ["redeemed"]
    if answer.arrears_paid_fen:
        wordings.insert(0, "redeemed_arrears")
    if answer.late_fee_fen:
        wordings.insert(0, "redeemed_late_fee")
    return wordings


def _lock_id(answer: Answer) -> str:
    if answer.lock_rule == LockRule.DAY and answer.wrong_today is not None:
        return "locked_day"
    return "locked" if answer.locked_until is None else "locked_until"


def _wrong_pin_id(tries_left: int | None) -> str:
    if not tries_left:
        return "pin_unknown_plain"
    return "pin_unknown_last" if tries_left == 1 else "pin_unknown"


def _params(answer: Answer, place: Place) -> dict[str, str]:
    return {
        "face": format_yuan(answer.face_fen or 0),
        "arrears": format_yuan(answer.arrears_paid_fen or 0),
        "late_fee": format_yuan(answer.late_fee_fen or 0),
        "balance": format_yuan(answer.balance_fen or 0),
        "tail": answer.account_tail or "",
        "receipt": answer.receipt_number or "",
        "tries": str(answer.tries_left),
        "wrong": str(answer.wrong_today),
        "until": "" if answer.locked_until is None else place.time_text(answer.locked_until),
        "at": "" if answer.at is None else place.time_text(answer.at),
        "hotline": place.hotline,
    }


def _shown(name: str, value: str | int) -> str:
    if not name.endswith("_fen"):
        return str(value)
    # Nobody says "fifty yuan and no fen".
    return format_yuan(int(value)).removesuffix(".00")
