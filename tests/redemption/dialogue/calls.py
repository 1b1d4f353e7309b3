"""A pure telephone: plays keys to the menu, answers its effects from a table, writes down all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from redemption.dialogue.menu import step
from redemption.dialogue.state import (
    AccountFound,
    CardAnswered,
    CheckCard,
    Digits,
    Effect,
    FindAccount,
    MenuRules,
    MenuState,
    Redeem,
    RememberLanguage,
    Result,
    Silence,
    Start,
    Step,
)
from redemption.dialogue.words import Place, prompt_text
from redemption.requests import Answer, Code
from vouchers.pins import Pin, damm_digit

NOW = datetime(2025, 6, 11, 1, 30, tzinfo=UTC)
RULES = MenuRules((10, 13), Place(now=NOW))
ACCOUNT = "0012344567"
DIGITS = "68041912969521219" + damm_digit("68041912969521219")
WRONG = DIGITS[:-1] + str((int(DIGITS[-1]) + 1) % 10)
PIN = Pin(DIGITS)
SERIAL = "42251010007001008"
SERIAL_KEY = 4225101000700100
FOUND = AccountFound(ACCOUNT, "王*", 3210, 100, 1790)
REDEEMABLE = CardAnswered(Answer(code=Code.REDEEMABLE, serial=SERIAL, face_fen=5000))
REDEEMED = CardAnswered(
    Answer(
        code=Code.REDEEMED,
        at=NOW,
        serial=SERIAL,
        face_fen=5000,
        account_tail="4567",
        receipt_number="25061100000123",
        arrears_paid_fen=3210,
        late_fee_fen=100,
        balance_fen=1790,
    )
)
MALFORMED = CardAnswered(Answer(code=Code.PIN_MALFORMED))


def answers(code: Code, **facts: object) -> CardAnswered:
    """Return what the engine says about a PIN."""
    return CardAnswered(Answer(code=code, **facts))  # type: ignore[arg-type]


def good_card(effect: Effect) -> Result:
    """A world with one open account and a good card."""
    match effect:
        case FindAccount():
            return FOUND
        case CheckCard(None):
            return MALFORMED
        case CheckCard():
            return REDEEMABLE
        case Redeem():
            return REDEEMED
    raise AssertionError(effect)


@dataclass
class Call:
    """One call, driven by keys; an empty string is silence."""

    world: Callable[[Effect], Result] = good_card
    start: Start = field(default_factory=lambda: Start(known=True, texted=True))
    effects: list[Effect] = field(default_factory=list)
    last: Step = field(init=False)
    state: MenuState = field(init=False)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._play(step(MenuState(), self.start, RULES))

    def press(self, *keys: str) -> "Call":
        """Press keys, one step each."""
        for one in keys:
            assert not self.last.end, "the call has ended"
            self.heard = []
            event = Digits(one) if one else Silence()
            self._play(step(self.state, event, RULES))
        return self

    @property
    def node(self) -> str:
        """Where the call stands."""
        return self.state.node.value

    @property
    def text(self) -> str:
        """What was heard in the last step."""
        return " ".join(self.heard)

    @property
    def ids(self) -> list[str]:
        """The prompts that were heard in the last step."""
        return self._ids

    def _play(self, step_: Step) -> None:
        prompts = list(step_.prompts)
        while step_.effect is not None:
            self.effects.append(step_.effect)
            if isinstance(step_.effect, RememberLanguage):
                break
            step_ = step(_through_json(step_.state), self.world(step_.effect), RULES)
            prompts += step_.prompts
        self.last, self.state = step_, _through_json(step_.state)
        self._ids = [prompt.id for prompt in prompts]
        self.heard = [prompt_text(prompt, self.state.language) for prompt in prompts]


def _through_json(state: MenuState) -> MenuState:
    raw = msgspec.json.encode(state)
    assert DIGITS.encode() not in raw
    assert WRONG.encode() not in raw
    return msgspec.json.decode(raw, type=MenuState)


def redeems(effects: Sequence[Effect]) -> list[Redeem]:
    """Return the wishes to redeem."""
    return [effect for effect in effects if isinstance(effect, Redeem)]


class World:
    """The good world, but for the effects in its table, named by their class."""

    def __init__(self, by_effect: dict[str, Result]) -> None:
        self.by_effect = by_effect

    def __call__(self, effect: Effect) -> Result:
        return self.by_effect.get(type(effect).__name__) or good_card(effect)


def instead(**by_effect: Result) -> World:
    """Return a world in which some effects have other results."""
    return World(by_effect)


TO_PIN = ["2", "1", ACCOUNT + "#", "1"]
KNOWN = Start(own_account=ACCOUNT, known=True, texted=True)
