"""Machines that text for ever, and whom nobody answers."""

from datetime import timedelta

import pytest

from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.loops import is_ours
from redemption.dialogue.phones import parse_phone
from redemption.dialogue.texts import answer_text
from tests.clocks import FakeClock
from tests.redemption.dialogue.world import GATEWAY, PHONE, without_redis


def test_what_nobody_understands_is_answered_twenty_times_a_day(
    deps: DialogueDeps, clock: FakeClock
) -> None:
    texts = [answer_text(deps, GATEWAY, PHONE, "I am out", f"m{n}").text for n in range(25)]
    assert [text != "" for text in texts] == [True] * 20 + [False] * 5
    assert answer_text(deps, GATEWAY, PHONE, "I am out", "m3").text == texts[3]
    assert answer_text(deps, GATEWAY, PHONE, "BZ", "m30").text
    assert answer_text(deps, GATEWAY, "+8613800000009", "I am out", "m31").text
    clock.now += timedelta(days=1)
    assert answer_text(deps, GATEWAY, PHONE, "I am out", "m32").text


def test_without_redis_it_is_answered_and_not_counted(deps: DialogueDeps) -> None:
    assert answer_text(without_redis(deps), GATEWAY, PHONE, "I am out", "m1").text


@pytest.mark.parametrize("ours", ["+8613800000001", "13800000001", "0086 138 0000 0001"])
def test_our_own_number_is_known_however_it_is_written(deps: DialogueDeps, ours: str) -> None:
    phone = parse_phone(PHONE)
    assert phone is not None
    assert is_ours(phone, ["95598", "", ours]) == (parse_phone(ours) is not None)
    assert not is_ours(phone, ["95598", "+8613800000002"])
    assert answer_text(deps, GATEWAY, PHONE, "BZ", "m1", (PHONE,)).text == ""
