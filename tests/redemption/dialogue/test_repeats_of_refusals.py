"""What was refused without a row stays refused when it is delivered again later."""

from dataclasses import replace

import pytest

from core.db import Database
from core.errors import TryLater
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texter import TextReply
from redemption.dialogue.texts import answer_text
from redemption.requests import Outcome, RedeemRequest
from redemption.tables import attempt, redemption
from tests.clocks import FakeClock
from tests.redemption.cards import Card
from tests.redemption.dialogue.test_ussd import TO_PIN, Display
from tests.redemption.dialogue.world import (
    ACCOUNT,
    GATEWAY,
    PHONE,
    Phone,
    count,
    without_redis,
    wrong_pin,
)
from vouchers.pins import Pin


def text(deps: DialogueDeps, pin: Pin, message_id: str) -> TextReply:
    """Deliver a text with a card."""
    return answer_text(deps, GATEWAY, PHONE, f"CZ {ACCOUNT} {pin.digits}", message_id)


@pytest.fixture
def locked(deps: DialogueDeps, household: str) -> DialogueDeps:
    """The caller has used up his tries of the day."""
    for number in range(5):
        text(deps, wrong_pin(), f"L-{number}")
    return deps


def test_a_locked_senders_text_is_no_try_behind_the_locks_end(
    locked: DialogueDeps, db: Database, cards: list[Card], clock: FakeClock
) -> None:
    good, wrong = text(locked, cards[0].pin, "M-1"), text(locked, wrong_pin(), "M-2")
    assert (good.code, wrong.code) == ("caller_locked", "caller_locked")
    clock.advance(days=1)
    assert text(locked, cards[0].pin, "M-1") == good
    assert text(locked, wrong_pin(), "M-2") == wrong
    assert (count(db, redemption), count(db, attempt)) == (0, 5)
    assert text(locked, cards[0].pin, "M-3").code == "redeemed"


def test_without_redis_a_text_behind_the_locks_end_is_a_new_one(
    locked: DialogueDeps, db: Database, cards: list[Card], clock: FakeClock
) -> None:
    away = without_redis(locked)
    assert text(away, cards[0].pin, "M-1").code == "caller_locked"
    clock.advance(days=1)
    assert text(away, cards[0].pin, "M-1").code == "redeemed"
    assert count(db, redemption) == 1


def test_a_locked_callers_keys_are_no_try_behind_the_locks_end(
    locked: DialogueDeps, db: Database, cards: list[Card], clock: FakeClock
) -> None:
    phone, display = Phone(locked), Display(locked)
    heard = phone.press("2", "1", f"{ACCOUNT}#", "1", wrong_pin().digits)
    display.type()
    shown = display.type(*TO_PIN, cards[0].pin.digits)
    assert heard.state == "locked"
    assert shown.end
    clock.advance(days=1)
    assert phone.again(wrong_pin().digits) == heard
    assert display.send("*".join(display.inputs)) == shown
    assert (count(db, redemption), count(db, attempt)) == (0, 5)


def test_what_an_outage_refused_is_not_carried_out_by_a_repeat(
    deps: DialogueDeps, household: str, db: Database, cards: list[Card]
) -> None:
    """The display said that nothing was done, and the session is over."""

    def away(_asked: RedeemRequest) -> Outcome:
        raise TryLater("the database is away")

    display = Display(replace(deps, redeem=away))
    display.type()
    told = display.type(*TO_PIN, cards[0].pin.digits)
    display.deps = deps
    assert display.send("*".join(display.inputs)) == told
    assert count(db, redemption) == 0
