"""How the menu moves from node to node. Pure."""

from msgspec.structs import replace

from redemption.dialogue.state import Effect, Expect, MenuState, Node, Step
from redemption.dialogue.words import Prompt

CHANCES = 3
"""Silences and wrong keys at one node, and malformed or unknown PINs in one call, until it ends."""

_KEY = Expect("key", 1, 1)
_EXPECT = {
    Node.ACCOUNT: Expect("digits", 10, 13, "#"),
    Node.PIN: Expect("digits", 18, 18, "#", sensitive=True),
    Node.SERIAL: Expect("digits", 17, 17, "#"),
    Node.CODE: Expect("digits", 6, 6, "#", sensitive=True),
}
_QUESTIONS = {
    Node.WELCOME: "welcome",
    Node.MENU: "menu",
    Node.ACCOUNT: "account",
    Node.PIN: "pin",
    Node.DONE: "another",
    Node.LOCKED: "locked_keys",
    Node.SERIAL: "serial",
    Node.CODE: "code",
}


def prompts(*ids: str) -> tuple[Prompt, ...]:
    """Return prompts that have no parameters."""
    return tuple(Prompt(one) for one in ids)


def go(
    state: MenuState, node: Node, *before: Prompt, question: tuple[Prompt, ...] | None = None
) -> Step:
    """Go to a node: say `before` once, then ask its question, with all chances anew."""
    said = prompts(_QUESTIONS[node]) if question is None else question
    state = replace(state, node=node, misses=0, said=said)
    return Step(state, before + said, _EXPECT.get(node, _KEY))


def again(state: MenuState, *before: Prompt) -> Step:
    """Ask the same question once more; no chance is lost."""
    return Step(state, before + state.said, _EXPECT.get(state.node, _KEY))


def missed(state: MenuState, *before: Prompt) -> Step:
    """Ask the same question once more; the third time the call ends."""
    state = replace(state, misses=state.misses + 1)
    if state.misses >= CHANCES:
        return end(state, *before, *prompts("too_many_mistakes", "goodbye"))
    return again(state, *before)


def do(state: MenuState, effect: Effect) -> Step:
    """Have something done; its result is the next event."""
    return Step(state, effect=effect)


def end(state: MenuState, *last: Prompt) -> Step:
    """Say the last words and end the call; the card and the accounts are forgotten."""
    ended = MenuState(node=Node.ENDED, language=state.language)
    return Step(ended, last, end=True)


def to_menu(state: MenuState, *before: Prompt) -> Step:
    """Go to the main menu; what was being done is forgotten."""
    return go(replace(state, account=None, serial=None), Node.MENU, *before)
