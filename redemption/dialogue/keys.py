"""The menu's nodes of one key. Pure."""

from collections.abc import Callable

from msgspec.structs import replace

from redemption.dialogue.moves import again, do, end, go, missed, prompts, to_menu
from redemption.dialogue.state import (
    FindAccount,
    Goal,
    MenuRules,
    MenuState,
    Node,
    RecentRecharges,
    Redeem,
    RememberLanguage,
    SendCode,
    Step,
)
from redemption.dialogue.words import Prompt

_Action = Callable[[MenuState], Step]


def pressed(state: MenuState, typed: str, rules: MenuRules) -> Step:
    """Return the step after a key; a finishing `#` behind another key is passed over."""
    key = typed.rstrip("#") or "#"
    action = _KEYS.get((state.node, key)) or _EVERYWHERE.get(key)
    if action is not None:
        return action(state)
    if key == "0":
        return operator(state, rules)
    return missed(state, Prompt("wrong_key"))


def operator(state: MenuState, rules: MenuRules) -> Step:
    """Hand the caller over to a person."""
    return end(state, Prompt("operator", {"hotline": rules.place.hotline}))


def back(state: MenuState) -> Step:
    """Go back one level."""
    match state.node:
        case Node.WELCOME:
            return again(state)
        case Node.ACCOUNT_CONFIRM:
            return _ask_account(state)
        case Node.PIN:
            return _recharge(state)
        case Node.ACCOUNT if state.goal is Goal.RECHARGE and state.own_account is not None:
            return _recharge(state)
        case Node.CONFIRM:
            return to_menu(state, Prompt("cancelled"))
        case _:
            return to_menu(state)


def _speak(language: str) -> _Action:
    def spoken(state: MenuState) -> Step:
        menu = go(replace(state, language=language), Node.MENU)
        return Step(menu.state, menu.prompts, menu.expect, RememberLanguage(language))

    return spoken


def _recharge(state: MenuState) -> Step:
    state = replace(state, goal=Goal.RECHARGE, account=None, serial=None)
    if state.own_account is None:
        return go(state, Node.ACCOUNT)
    question = Prompt("own_account", {"tail": state.own_account[-4:]})
    return go(state, Node.OWN_ACCOUNT, question=(question,))


def _ask_account(state: MenuState) -> Step:
    return go(replace(state, account=None), Node.ACCOUNT)


def _balance(state: MenuState) -> Step:
    state = replace(state, goal=Goal.BALANCE)
    if state.own_account is None:
        return go(state, Node.ACCOUNT)
    return do(state, FindAccount(state.own_account))


def _recent(state: MenuState) -> Step:
    if state.own_account is None:
        return to_menu(state, Prompt("none_bound"))
    return do(state, RecentRecharges(state.own_account))


def _check_card(state: MenuState) -> Step:
    return go(state, Node.SERIAL)


def _register(state: MenuState) -> Step:
    if not state.known:
        return to_menu(state, Prompt("withheld"))
    return go(replace(state, goal=Goal.REGISTER), Node.ACCOUNT)


def _own_account(state: MenuState) -> Step:
    return do(state, FindAccount(state.own_account or ""))


def _confirmed(state: MenuState) -> Step:
    if state.goal is Goal.REGISTER:
        return do(state, SendCode(state.account or ""))
    return go(state, Node.PIN)


def _redeem(state: MenuState) -> Step:
    if state.serial is None or state.account is None:
        return to_menu(state, *prompts("try_later"))
    return do(state, Redeem(state.serial, state.account))


def _another(state: MenuState) -> Step:
    return go(state, Node.PIN)


_KEYS: dict[tuple[Node, str], _Action] = {
    (Node.WELCOME, "1"): _speak("zh"),
    (Node.WELCOME, "2"): _speak("en"),
    (Node.MENU, "1"): _recharge,
    (Node.MENU, "2"): _balance,
    (Node.MENU, "3"): _recent,
    (Node.MENU, "4"): _check_card,
    (Node.MENU, "5"): _register,
    (Node.OWN_ACCOUNT, "1"): _own_account,
    (Node.OWN_ACCOUNT, "2"): _ask_account,
    (Node.ACCOUNT_CONFIRM, "1"): _confirmed,
    (Node.ACCOUNT_CONFIRM, "2"): _ask_account,
    (Node.CONFIRM, "#"): _redeem,
    (Node.DONE, "1"): _another,
}
_EVERYWHERE: dict[str, _Action] = {"9": again, "*": back}
