"""The menu as JSON."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Crew
from tests.api.serving import serving
from tests.api.test_twiml_voice import redeemed, tries
from tests.api.twiml_phone import mobile
from tests.api.world import World
from vouchers.pins import draw


@dataclass
class Call:
    """A dialogue as a gateway brings it."""

    client: httpx.Client
    world: World
    channel: str = "ivr"
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    caller: str = field(default_factory=mobile)
    turn: int = 0

    def send(self, turn: int, digits: str | None, **more: Any) -> httpx.Response:
        """Send one turn; None begins, an empty text is silence."""
        event = {"kind": "input", "value": digits}
        if not digits:
            event = {"kind": "start" if digits is None else "no_input"}
        body = {"turn": turn, "channel": self.channel, "from": self.caller, "event": event} | more
        url = f"/api/v1/dialogues/{self.name}/turns"
        return self.client.post(url, headers=self.world.as_gateway(), json=body)

    def press(self, *keys: str | None) -> dict[str, Any]:
        """Take one turn for each of the keys; return the last reply."""
        reply: dict[str, Any] = {}
        for one in keys:
            self.turn += 1
            answer = self.send(self.turn, one)
            assert answer.status_code == 200, answer.text
            reply = answer.json()
        return reply


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, str(answer.json()["code"])


@pytest.mark.parametrize("channel", ["ivr", "web", "kiosk"])
def test_a_card_is_redeemed_after_its_confirmation(
    client: httpx.Client, world: World, channel: str
) -> None:
    card, account, call = world.card(), world.account(), Call(client, world, channel)
    keys = (None, "2", "1", f"{account}#", "1", f"{card.pin.digits}#")
    states = [call.press(digits)["state"] for digits in keys]
    assert states == ["welcome", "menu", "account", "account_confirm", "pin", "confirm"]
    assert redeemed(world, account) == 0
    done = call.press("#")
    assert done["state"] == "done"
    assert done["result"]["amount_fen"] == 5_000
    assert done["result"]["account_tail"] == account[-4:]
    assert call.send(call.turn, "#").json() == done
    assert redeemed(world, account) == 1


def test_on_a_display_the_pin_redeems_at_once(client: httpx.Client, world: World) -> None:
    card, account, call = world.card(), world.account(), Call(client, world, "ussd")
    asked = call.press(None, "2", "1", account, "1")
    assert (asked["state"], asked["expect"]["sensitive"]) == ("pin", True)
    done = call.press(card.pin.digits)
    assert (done["end"], done["result"]["amount_fen"]) == (True, 5_000)
    assert redeemed(world, account) == 1


def test_what_is_said_comes_with_the_clips_that_say_it(client: httpx.Client, world: World) -> None:
    call = Call(client, world)
    assert call.press(None)["locale"] == "zh-CN"
    reply = call.press("2", "1", f"{world.account(3_110)}#")
    assert (reply["language"], reply["locale"]) == ("en", "en-US")
    clips = [path for prompt in reply["prompts"] for path in prompt["audio"]]
    assert clips[0] == "/prompts/en/account_confirm-1.wav"
    for path in clips:
        played = client.get(path)
        assert (played.status_code, played.headers["content-type"]) == (200, "audio/wav"), path
    shown = Call(client, world, "ussd").press(None)
    assert [prompt["audio"] for prompt in shown["prompts"]] == [[]]


def test_errors_are_problems_with_their_codes(client: httpx.Client, world: World) -> None:
    call = Call(client, world)
    assert code(call.send(2, "1")) == (404, "dialogue_unknown")
    call.press(None, "2")
    skipped = call.send(5, "1")
    assert code(skipped) == (409, "turn_conflict")
    assert skipped.json()["details"] == {"expected": 3}
    assert code(call.send(2, "1")) == (409, "turn_conflict")
    assert code(call.send(0, "1")) == (422, "invalid_input")
    assert code(call.send(3, "1", event={"kind": "dance"})) == (422, "invalid_input")
    assert code(call.send(3, "1", channel="sms")) == (422, "invalid_input")
    assert call.press("0")["end"] is True
    assert code(call.send(4, "1")) == (410, "dialogue_ended")


def test_who_hangs_up_before_the_hash_redeems_nothing(client: httpx.Client, world: World) -> None:
    card, account, call = world.card(), world.account(), Call(client, world)
    call.press(None, "2", "1", f"{account}#", "1", f"{card.pin.digits}#")
    over = call.send(7, None, event={"kind": "hangup"})
    assert (over.status_code, over.json()["end"]) == (200, True)
    assert code(call.send(7, "#")) == (410, "dialogue_ended")
    assert redeemed(world, account) == 0


def test_each_turn_sent_ten_times_at_once_has_one_effect_and_the_same_bytes(crew: Crew) -> None:
    card, account, call = crew.world.card(), crew.world.account(), Call(crew.client, crew.world)
    keys = (None, "2", "1", f"{account}#", "1", f"{card.pin.digits}#", "#")
    with ThreadPoolExecutor(10) as pool:
        for turn, digits in enumerate(keys, 1):
            sent = [pool.submit(call.send, turn, digits) for _ in range(10)]
            answers = [each.result() for each in sent]
            assert {answer.status_code for answer in answers} == {200}
            assert {answer.content for answer in answers} == {answers[0].content}
    assert redeemed(crew.world, account) == 1


def test_a_locked_caller_hears_it_and_pays_nothing(client: httpx.Client, world: World) -> None:
    account, caller = world.account(), mobile()
    for _ in range(2):
        call = Call(client, world, caller=caller)
        call.press(None, "2", "1", f"{account}#", "1")
        while not (reply := call.press(draw().digits))["end"]:
            if reply["state"] == "locked":
                break
    assert reply["state"] == "locked"
    before = tries(world, caller)
    card, call = world.card(), Call(client, world, caller=caller)
    call.press(None, "2", "1", f"{account}#", "1")
    for _ in range(2):
        assert call.press(card.pin.digits)["state"] == "locked"
        call.press("*", "1", f"{account}#", "1")
    assert redeemed(world, account) == 0
    assert tries(world, caller) == before


def test_a_machine_that_presses_keys_is_slowed(
    client: httpx.Client, world: World, house_directory: Path
) -> None:
    log = house_directory / f"{secrets.token_hex(4)}.log"
    with (
        serving(replace(world.db.settings, turns_per_minute=3), log) as server,
        httpx.Client(base_url=server.url) as other,
    ):
        call = Call(other, world)
        answers = [call.send(1, None) for _ in range(8)]
        # At most one minute ends in between.
        refused = answers[-1]
        assert code(refused) == (429, "too_many_turns")
        assert refused.headers["retry-after"] == "60"
        assert Call(other, world).send(1, None).status_code == 200
