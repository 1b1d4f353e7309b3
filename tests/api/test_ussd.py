"""USSD over HTTP."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Crew
from tests.api.serving import Server, serving
from tests.api.test_twiml_voice import redeemed, tries
from tests.api.twiml_phone import mobile
from tests.api.world import World
from vouchers.pins import draw

PATH = "/channels/ussd"


def form(text: str, session: str = "", caller: str = "") -> dict[str, str]:
    """Return what the provider sends."""
    return {
        "sessionId": session or "ATUid_" + secrets.token_hex(16),
        "serviceCode": "*384*1234#",
        "phoneNumber": caller or mobile(),
        "networkCode": "99999",
        "text": text,
    }


def shown(answer: httpx.Response) -> str:
    """Return what the display shows, with CON or END."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


def test_a_card_is_redeemed_and_the_session_ends(
    client: httpx.Client, world: World, server: Server
) -> None:
    card, account, asked = world.card(), world.account(), form("")
    url = f"{PATH}/{world.gateway.key}"
    typed = ["2", "1", account, "1", card.pin.digits]
    texts = [shown(client.post(url, data=asked | {"text": "*".join(typed[:n])})) for n in range(6)]
    assert [text[:4] for text in texts] == ["CON "] * 5 + ["END "]
    assert texts[5].startswith("END 50 yuan added")
    assert all(len(text) <= 164 for text in texts)
    assert redeemed(world, account) == 1
    written = server.log.read_text("utf-8")
    hidden = (card.pin.digits, asked["phoneNumber"], asked["sessionId"], world.gateway.key)
    assert [word for word in hidden if word in written] == []


def test_each_message_ten_times_at_once_has_one_effect_and_the_same_bytes(crew: Crew) -> None:
    card, account, asked = crew.world.card(), crew.world.account(), form("")
    url = f"{PATH}/{crew.world.gateway.key}"
    typed = ["2", "1", account, "1", card.pin.digits]
    with ThreadPoolExecutor(10) as pool:
        for n in range(6):
            sent = asked | {"text": "*".join(typed[:n])}
            answers = list(pool.map(lambda _, s=sent: crew.client.post(url, data=s), range(10)))
            assert {answer.content for answer in answers} == {answers[0].content}
    assert shown(answers[0]).startswith("END 50 yuan added")
    assert redeemed(crew.world, account) == 1


def test_ten_sessions_race_for_one_card(crew: Crew) -> None:
    card, account = crew.world.card(), crew.world.account()
    url = f"{PATH}/{crew.world.gateway.key}"
    sessions = [form(f"2*1*{account}*1") for _ in range(10)]
    for session in sessions:
        assert shown(crew.client.post(url, data=session)).startswith("CON ")
    last = [session | {"text": f"{session['text']}*{card.pin.digits}"} for session in sessions]
    with ThreadPoolExecutor(10) as pool:
        texts = [shown(each) for each in pool.map(lambda s: crew.client.post(url, data=s), last)]
    assert sum("50 yuan added" in text for text in texts) == 1
    assert sum("already used" in text for text in texts) == 9
    assert redeemed(crew.world, account) == 1


def test_a_session_that_is_over_redeems_nothing(client: httpx.Client, world: World) -> None:
    card, account = world.card(), world.account()
    asked = form(f"2*1*{account}*1")
    url = f"{PATH}/{world.gateway.key}"
    assert shown(client.post(url, data=asked)).startswith("CON ")
    assert client.post(url + "/events", data=asked | {"status": "Failed"}).status_code == 200
    late = asked | {"text": f"{asked['text']}*{card.pin.digits}"}
    assert shown(client.post(url, data=late)).startswith("END ")
    assert redeemed(world, account) == 0


def test_other_names_of_the_fields_are_understood(client: httpx.Client, world: World) -> None:
    sent = {"session_id": secrets.token_hex(8), "msisdn": mobile(), "ussd_string": ""}
    assert shown(client.post(PATH, data=sent, headers=world.as_gateway())).startswith("CON ")


@pytest.mark.parametrize("key", ["wnc_guessed", "x" * 300])
def test_without_the_key_nothing_happens(client: httpx.Client, world: World, key: str) -> None:
    sent = form(f"2*1*{world.account()}*1*{draw().digits}")
    for url in (f"{PATH}/{key}", PATH, f"{PATH}/{key}/events"):
        refused = client.post(url, data=sent)
        assert (refused.status_code, refused.content) == (403, b"")
    assert client.get(f"{PATH}/{world.gateway.key}", params=sent).status_code == 405
    assert tries(world, sent["phoneNumber"]) == 0


def test_only_the_networks_named_may_come(world: World, house_directory: Path) -> None:
    log = house_directory / f"{secrets.token_hex(4)}.log"
    with serving(replace(world.db.settings, gateway_networks="192.0.2.0/24"), log) as server:
        refused = httpx.post(f"{server.url}{PATH}/{world.gateway.key}", data=form(""))
        assert (refused.status_code, refused.content) == (403, b"")


@pytest.mark.parametrize("session", ["a\x00b", "x" * 129])
def test_a_session_without_a_usable_name_is_not_read(
    client: httpx.Client, world: World, session: str
) -> None:
    refused = client.post(f"{PATH}/{world.gateway.key}", data=form("", session))
    assert (refused.status_code, refused.content) == (400, b"")
