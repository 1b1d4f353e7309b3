"""Text commands: one message in, one command out. Pure; domain rule: text commands."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from redemption.dialogue.numbers import LONGEST_ACCOUNT, read_groups, serial_or_none
from vouchers.pins import Pin

LONGEST_TEXT = 500
"""Longer messages are not read: no command of ours comes near it."""

CODE_DIGITS = 6
"""Digits of the code that registers an account."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Redeem a card. All empty: the message named no card in a form that could be one."""

    account_number: str | None = None
    pin: Pin | None = field(default=None, repr=False)
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Tell the prepaid balance of an account, or of the sender's own."""

    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class Arrears:
    """Tell what is owed on an account, or on the sender's own."""

    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class CardCheck:
    """Tell where a card stands; without `serial` the message held no serial number."""

    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Bind:
    """Register an account for the sender; without a number the answer asks for it."""

    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class BindCode:
    """The code that was texted to the phone on the account's file, sent back."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unbind:
    """Forget one registered account of the sender, or all."""

    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Tell the latest recharges of the sender's own account."""


@dataclass(frozen=True, slots=True)
class Language:
    """Answer in `zh` or `en` from now on; None where the message named no language of ours."""

    language: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """Say what can be sent."""


@dataclass(frozen=True, slots=True)
class BadAccount:
    """A known command that named an account by something that cannot be a number of one."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing of the above."""


Command = (
    TopUp | Balance | Arrears | CardCheck | Bind | BindCode | Unbind
    | History | Language | Help | BadAccount | Unclear
)  # fmt: skip

# Beside the listed separators: the full stop that telephones put in for two blanks, and the
# longer dashes that they make of two hyphens.
_SEPARATORS = re.compile(r"[#*\s,、。;:.\-‐‑‒–—]+")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_INVISIBLE = {"Cf"}


def parse_text(text: str, account_lengths: Sequence[int]) -> Command:
    """Return what a message asks for; never raises, whatever the message holds.

    A PIN that is not well formed is not kept, nor anything that stood beside it.
    """
    if len(text) > LONGEST_TEXT:
        return Unclear()
    words = _words(text)
    if not words:
        return Unclear()
    if all(_is_digits(word) for word in words):
        return _digits_alone(words, account_lengths)
    read = _VERBS.get(words[0])
    return Unclear() if read is None else read(words[1:], account_lengths)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).upper()
    seen = "".join(sign for sign in folded if unicodedata.category(sign) not in _INVISIBLE)
    pieces = [piece for piece in _SEPARATORS.split(seen) if piece]
    # `CZ` and the digits behind it may stand together.
    return [run for piece in pieces for run in _RUNS.findall(piece)]


def _is_digits(word: str) -> bool:
    return _DIGITS.fullmatch(word) is not None


def _digits_alone(words: list[str], account_lengths: Sequence[int]) -> Command:
    if len(words) == 1 and len(words[0]) == CODE_DIGITS:
        return BindCode(words[0])
    if sum(map(len, words)) <= LONGEST_ACCOUNT:
        return Unclear()  # too little to be a PIN: somebody replied `1`, or an account number
    return _top_up(words, account_lengths)


def _top_up(words: list[str], account_lengths: Sequence[int]) -> Command:
    digits_only = all(_is_digits(word) for word in words)
    named = read_groups(words, account_lengths) if digits_only else None
    if named is None:
        # Not even the serial: without its PIN the engine would take it as looked up.
        return TopUp()
    return TopUp(named.account_number, named.pin, named.serial)


def _of_account(
    command: Callable[[str | None], Command],
) -> Callable[[list[str], Sequence[int]], Command]:
    def read(words: list[str], account_lengths: Sequence[int]) -> Command:
        if not words:
            return command(None)
        if len(words) > 1 or not _is_digits(words[0]) or len(words[0]) not in account_lengths:
            return BadAccount()
        return command(words[0])

    return read


def _bind(words: list[str], account_lengths: Sequence[int]) -> Command:
    if len(words) == 1 and len(words[0]) == CODE_DIGITS and _is_digits(words[0]):
        return BindCode(words[0])
    return _of_account(Bind)(words, account_lengths)


def _card_check(words: list[str], _: Sequence[int]) -> Command:
    return CardCheck(serial_or_none(words[0]) if len(words) == 1 else None)


def _language(words: list[str], _: Sequence[int]) -> Command:
    return Language(words[0].lower() if words in (["ZH"], ["EN"]) else None)


def _bare(command: Command) -> Callable[[list[str], Sequence[int]], Command]:
    return lambda words, _: Unclear() if words else command


_SPELLINGS: list[tuple[str, Callable[[list[str], Sequence[int]], Command]]] = [
    ("CZ 充值 TOPUP R", _top_up),
    ("CX YE 查询 余额 BAL", _of_account(Balance)),
    ("QF 欠费 OWE DUE", _of_account(Arrears)),
    ("CK 查卡 CARD", _card_check),
    ("BD 绑定 BIND", _bind),
    ("JB 解绑 UNBIND", _of_account(Unbind)),
    ("JL 记录 HIST", _bare(History())),
    ("YY 语言 LANG", _language),
    ("BZ 帮助 HELP ?", _bare(Help())),
]
_VERBS = {word: read for spellings, read in _SPELLINGS for word in spellings.split()}
