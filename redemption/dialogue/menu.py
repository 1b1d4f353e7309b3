"""The phone menu: state and event in, next state and what to say out. Pure; domain rule: IVR."""

import unicodedata

from msgspec.structs import replace

from redemption.dialogue.entries import ENTRY_NODES, entered
from redemption.dialogue.keys import pressed
from redemption.dialogue.moves import end, go, missed, prompts
from redemption.dialogue.results import on_result
from redemption.dialogue.state import (
    Digits,
    Event,
    Hangup,
    MenuRules,
    MenuState,
    Node,
    Silence,
    Start,
    Step,
)
from redemption.dialogue.words import Prompt

MAX_TURNS = 100
"""A call longer than this goes round in circles."""

_LONGEST_INPUT = 100


def step(state: MenuState, event: Event, rules: MenuRules) -> Step:
    """Return the next step. Guarantee: only `#` at the confirming node asks to redeem.

    Where the step has an effect that gives a result, that result must be the next event.
    """
    match event:
        case Start(own_account, known, texted, at_once):
            fresh = MenuState(own_account=own_account, known=known, texted=texted, at_once=at_once)
            return go(fresh, Node.WELCOME)
        case Hangup():
            return end(state)
        case Digits() | Silence():
            return _on_keys(replace(state, turns=state.turns + 1), event, rules)
        case _:
            return on_result(state, event, rules)


def _on_keys(state: MenuState, event: Digits | Silence, rules: MenuRules) -> Step:
    if state.node is Node.ENDED:
        return end(state)
    if state.turns > MAX_TURNS:
        return end(state, *prompts("goodbye"))
    typed = _typed(event)
    if typed == "":
        return _silence(state)
    if state.node in ENTRY_NODES:
        return entered(state, typed, rules)
    return pressed(state, typed, rules)


def _typed(event: Digits | Silence) -> str:
    if isinstance(event, Silence):
        return ""
    # Full-width digits count as digits; whatever is no key at all stays and is a wrong one.
    return unicodedata.normalize("NFKC", event.text[:_LONGEST_INPUT]).strip()


def _silence(state: MenuState) -> Step:
    if state.node is Node.WELCOME:
        return go(replace(state, language="zh"), Node.MENU)
    return missed(state, Prompt("no_input"))
