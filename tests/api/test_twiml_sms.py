"""Text messages over TwiML."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import httpx
import pytest

from tests.api.conftest import Crew
from tests.api.test_twiml_voice import redeemed, tries
from tests.api.twiml_phone import SMS, mobile, post
from tests.api.world import World
from vouchers.pins import draw, grouped


def message(text: str, sender: str, name: str = "") -> dict[str, str]:
    """Return a text message as the provider sends it."""
    return {
        "MessageSid": name or "SM" + secrets.token_hex(16),
        "From": sender,
        "To": "+862795598001",
        "Body": text,
        "NumMedia": "0",
    }


def texted(answer: httpx.Response) -> str | None:
    """Return what is texted back, None for nothing."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    return ElementTree.fromstring(answer.content).findtext("Message")


def test_a_card_is_redeemed_by_text(client: httpx.Client, world: World) -> None:
    card, account, sender = world.card(), world.account(), mobile()
    sent = message(f"充值 {account} {grouped(card.pin)}", sender)
    assert (texted(post(client, SMS, sent)) or "").startswith("充值50.00元")
    assert redeemed(world, account) == 1


def test_a_message_delivered_ten_times_at_once_has_one_effect_and_the_same_bytes(
    crew: Crew,
) -> None:
    card, account = crew.world.card(), crew.world.account()
    sent = message(f"CZ#{account}#{card.pin.digits}#", mobile())
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post(crew.client, SMS, sent), range(10)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert (texted(answers[0]) or "").startswith("充值50.00元")
    assert redeemed(crew.world, account) == 1


@pytest.mark.parametrize("sender", ["95598", "BANK", "", "10086", "+862795598000", "+862795598001"])
def test_machines_and_ourselves_are_not_answered(
    client: httpx.Client, world: World, sender: str
) -> None:
    card, account = world.card(), world.account()
    sent = message(f"CZ {account} {card.pin.digits}", sender)
    assert texted(post(client, SMS, sent)) is None
    assert redeemed(world, account) == 0


def test_a_message_without_a_signature_counts_nothing(client: httpx.Client, world: World) -> None:
    sender = mobile()
    sent = message(f"CZ {world.account()} {draw().digits}", sender)
    refused = client.post(SMS, data=sent, headers={"X-Twilio-Signature": "x"})
    assert (refused.status_code, refused.content) == (403, b"")
    assert client.get(SMS, params=sent).status_code == 405
    assert tries(world, sender) == 0


@pytest.mark.parametrize("name", ["a\x00", "x" * 129])
def test_a_message_without_a_usable_name_is_not_read(client: httpx.Client, name: str) -> None:
    refused = post(client, SMS, message("BZ", mobile(), name))
    assert (refused.status_code, refused.content) == (400, b"")
