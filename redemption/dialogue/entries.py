"""The menu's nodes where digits are entered. Pure."""

import re
from collections.abc import Callable

from redemption.dialogue.keys import back, operator
from redemption.dialogue.moves import again, do, missed
from redemption.dialogue.numbers import pin_or_none, serial_or_none
from redemption.dialogue.state import (
    CheckCard,
    CheckSerial,
    EnterCode,
    FindAccount,
    MenuRules,
    MenuState,
    Node,
    Recharge,
    Step,
)
from redemption.dialogue.words import Prompt

_DIGITS = re.compile(r"[0-9]+")
_CODE = re.compile(r"[0-9]{6}")


def entered(state: MenuState, typed: str, rules: MenuRules) -> Step:
    """Return the step after digits: `*` clears what stands before it, alone it goes back.

    `0` or `9` alone is no number of ours: the operator, or the question again.
    """
    digits = typed.rstrip("#")
    if digits == "":
        return missed(state, Prompt("no_input"))
    if set(digits) == {"*"}:
        return back(state)
    digits = digits.rsplit("*", 1)[-1]
    if digits == "":
        return again(state, Prompt("cleared"))
    if digits == "0":
        return operator(state, rules)
    if digits == "9":
        return again(state)
    return _ENTRIES[state.node](state, digits, rules)


def _account(state: MenuState, digits: str, rules: MenuRules) -> Step:
    if _DIGITS.fullmatch(digits) and len(digits) in rules.account_lengths:
        return do(state, FindAccount(digits))
    return missed(state, Prompt("account_malformed", {"lengths": lengths_text(rules)}))


def lengths_text(rules: MenuRules) -> str:
    """Return the allowed lengths of an account number as they are said."""
    return "/".join(str(length) for length in sorted(rules.account_lengths))


def _pin(state: MenuState, digits: str, _: MenuRules) -> Step:
    # A malformed one goes to the engine too: it counts the day's.
    pin = pin_or_none(digits)
    if state.at_once:
        return do(state, Recharge(state.account or "", pin))
    return do(state, CheckCard(pin))


def _serial(state: MenuState, digits: str, _: MenuRules) -> Step:
    serial = serial_or_none(digits)
    if serial is None:
        return missed(state, Prompt("serial_malformed"))
    return do(state, CheckSerial(serial))


def _code(state: MenuState, digits: str, _: MenuRules) -> Step:
    if _CODE.fullmatch(digits) is None:
        return missed(state, Prompt("wrong_key"))
    return do(state, EnterCode(digits))


_ENTRIES: dict[Node, Callable[[MenuState, str, MenuRules], Step]] = {
    Node.ACCOUNT: _account,
    Node.PIN: _pin,
    Node.SERIAL: _serial,
    Node.CODE: _code,
}
ENTRY_NODES = frozenset(_ENTRIES)
