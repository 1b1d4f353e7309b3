"""The gateways of texts and calls over HTTP."""

import json
import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from redemption.senders import sign
from redemption.tables import attempt
from tests.api.world import World
from vouchers.pins import draw, grouped

SMS = "/channels/sms/plain"


def phone() -> str:
    """Return a mobile number nobody else uses."""
    return f"+86139{secrets.randbelow(10**8):08d}"


def text(client: httpx.Client, world: World, sender: str, words: str) -> str:
    """Send one text message; return the reply."""
    body = {"from": sender, "text": words, "message_id": secrets.token_hex(8)}
    answer = client.post(SMS, headers=world.as_gateway(), json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reply"])


def test_a_card_is_redeemed_by_text(client: httpx.Client, world: World) -> None:
    card, account, sender = world.card(), world.account(), phone()
    reply = text(client, world, sender, f"充值 {account} {grouped(card.pin)}")
    assert reply.startswith("充值50.00元")
    assert account[-4:] in reply
    assert "已于" in text(client, world, sender, f"CZ {account} {card.pin.digits}")


def test_a_message_delivered_again_has_the_same_reply_and_one_effect(
    client: httpx.Client, world: World
) -> None:
    card, account = world.card(), world.account()
    body = {"from": phone(), "text": f"CZ#{account}#{card.pin.digits}#", "message_id": "again-1"}
    replies = [client.post(SMS, headers=world.as_gateway(), json=body).json() for _ in range(4)]
    assert replies[0]["reply"].startswith("充值50.00元")
    assert replies == [replies[0]] * 4


def test_a_wrong_pin_by_text_tells_the_tries_left(client: httpx.Client, world: World) -> None:
    sender, account = phone(), world.account()
    assert "4次" in text(client, world, sender, f"CZ {account} {draw().digits}")
    assert "3次" in text(client, world, sender, f"CZ {account} {draw().digits}")


def signed(world: World, content: bytes, **change: Any) -> dict[str, str]:
    """Return the headers of a request that the gateway signed, changed as told."""
    at = world.db.clock() + timedelta(seconds=change.get("late_s", 0))
    return {
        "Content-Type": "application/json",
        "X-Channel": change.get("name", "gateway"),
        "X-Signature": sign(change.get("secret", world.gateway.hmac_secret), content, at),
    }


def test_a_gateway_may_sign_instead_of_sending_its_key(client: httpx.Client, world: World) -> None:
    card, account = world.card(), world.account()
    message = {"from": phone(), "text": f"CZ {account} {card.pin.digits}", "message_id": "s-1"}
    body = json.dumps(message).encode()
    answer = client.post(SMS, content=body, headers=signed(world, body))
    assert answer.json()["reply"].startswith("充值50.00元")


@pytest.mark.parametrize(
    "change",
    [{"name": "nobody"}, {"secret": "guessed"}, {"late_s": 400}, {"late_s": -400}, {"body": b" "}],
)
def test_a_wrong_signature_counts_nothing_against_the_named_caller(
    client: httpx.Client, world: World, change: dict[str, Any]
) -> None:
    victim, account = phone(), world.account()
    message = {"from": victim, "text": f"CZ {account} {draw().digits}", "message_id": "w-1"}
    body = json.dumps(message).encode()
    headers = signed(world, body, **change)
    refused = client.post(SMS, content=body + change.get("body", b""), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert tries_of(world, victim) == 0


def test_only_gateways_reach_the_channels(client: httpx.Client, world: World) -> None:
    victim = phone()
    body = {"from": victim, "text": f"CZ {draw().digits}", "message_id": "m"}
    for headers in ({}, world.as_partner(), world.as_staff("admin"), {"X-Signature": "t=1"}):
        refused = client.post(SMS, headers=headers, json=body)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert tries_of(world, victim) == 0


def tries_of(world: World, number: str) -> int:
    """Return how many refused tries are kept of a phone."""
    with world.db.read() as session:
        count = select(func.count()).where(attempt.c.caller == f"tel:{number}")
        return int(session.execute(count).scalar_one())
