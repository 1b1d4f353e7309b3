"""Redeeming over HTTP."""

import httpx

from tests.api.world import World
from vouchers.pins import grouped
from vouchers.serials import serial_text


def test_a_card_is_redeemed_and_the_same_request_gets_the_same_bytes(
    client: httpx.Client, world: World
) -> None:
    card, account = world.card(), world.account(owes_fen=2_000)
    headers = world.as_partner()
    body = {"pin": grouped(card.pin), "account_number": account, "caller": "customer-1"}
    first = client.post("/api/v1/redemptions", headers=headers, json=body)
    again = client.post("/api/v1/redemptions", headers=headers, json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    receipt = first.json()
    assert receipt["serial_number"] == serial_text(card.serial)
    assert receipt["amount_fen"] == 5_000
    assert receipt["arrears_paid_fen"] + receipt["balance_fen"] == 5_000
    assert receipt["arrears_paid_fen"] == 2_000 + receipt["late_fee_fen"]
