"""A till over HTTP: registered, selling, revealing, and the card redeemed at the end."""

import base64
from typing import Any

import httpx
import pyrage
import pytest

from distribution.sealed_pins import OpenedPin, open_pin
from tests.api.world import World
from tests.pin_hunt import remember
from vouchers.serials import serial_text

SALES = "/api/v1/till/sales"
FIFTY = {"face_fen": 5_000, "language": "zh"}


def put_on_sale(client: httpx.Client, world: World, face_fen: int = 5_000) -> str:
    """Order an electronic batch, let a second person agree, open it; return its id."""
    order = {"face_fen": face_fen, "count": 50, "electronic": True}
    placed = client.post("/api/v1/batches", headers=world.as_staff("issuer"), json=order)
    assert placed.status_code == 202, placed.text
    batch_id = str(placed.json()["batch_ids"][0])
    url = f"/api/v1/batches/{batch_id}"
    early = client.post(f"{url}/open", headers=world.as_staff("issuer"))
    assert early.json()["code"] == "batch_not_approved"
    who = world.as_staff("second_issuer")
    agreed = client.post(f"{url}/approve", headers=who, json=world.decision("second_issuer"))
    assert agreed.status_code == 200, agreed.text
    wrong = client.post(f"{url}/generate", headers=world.as_staff("issuer"))
    assert wrong.json()["code"] == "batch_electronic"
    opened = client.post(f"{url}/open", headers=world.as_staff("issuer"))
    assert (opened.status_code, opened.json()["state"]) == (200, "open")
    assert opened.json()["printer"] is None
    return batch_id


def read(world: World, sale: dict[str, Any]) -> OpenedPin:
    """Decrypt the PIN of a sale as the till does."""
    opened = open_pin(base64.b64decode(sale["pin"]["ciphertext"]), world.till_secret)
    remember([opened.pin])
    return opened


@pytest.mark.parametrize("face_fen", [5_000, 20_000])
def test_an_electronic_card_is_sold_revealed_confirmed_and_redeemed(
    client: httpx.Client, world: World, face_fen: int
) -> None:
    batch_id = put_on_sale(client, world, face_fen)
    headers, body = world.as_till(), FIFTY | {"face_fen": face_fen}
    sold = client.post(SALES, headers=headers, json=body)
    again = client.post(SALES, headers=headers, json=body)
    assert (sold.status_code, again.status_code) == (201, 200)
    assert sold.content == again.content
    sale = sold.json()
    assert (sale["kind"], sale["amount_fen"], sale["pin"]["state"]) == (
        "electronic",
        face_fen,
        "sealed",
    )
    opened = read(world, sale)
    assert (opened.serial_number, opened.face_fen) == (sale["first_serial"], face_fen)
    url = f"{SALES}/{sale['sale_id']}"
    for _ in range(2):
        confirmed = client.post(f"{url}/confirm", headers=world.as_till())
        assert confirmed.status_code == 200
        assert confirmed.json()["pin"] == {"state": "confirmed", "ciphertext": None}
    assert client.get(url, headers=world.as_till()).json() == confirmed.json()
    redeem = {"pin": opened.pin.digits, "account_number": world.account()}
    redeemed = client.post("/api/v1/redemptions", headers=world.as_partner(), json=redeem)
    assert redeemed.status_code == 201, redeemed.text
    assert redeemed.json()["amount_fen"] == face_fen
    closed = client.post(f"/api/v1/batches/{batch_id}/close", headers=world.as_staff("issuer"))
    assert (closed.json()["state"], closed.json()["generated_count"]) == ("closed", 1)
    late = client.post(SALES, headers=world.as_till(), json=body)
    assert (late.status_code, late.json()["code"]) == (409, "electronic_sold_out")


def test_a_card_the_outlet_does_not_hold_is_not_sold(client: httpx.Client, world: World) -> None:
    card = world.card("stocked")
    body = {"serial_number": serial_text(card.serial), "language": "en"}
    refused = client.post(SALES, headers=world.as_till(), json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_holder")


def test_the_same_key_for_another_sale_is_a_conflict(client: httpx.Client, world: World) -> None:
    headers = world.as_till()
    first = client.post(SALES, headers=headers, json=FIFTY | {"face_fen": 3_000})
    second = client.post(SALES, headers=headers, json=FIFTY | {"face_fen": 2_000})
    assert (first.status_code, first.json()["code"]) == (409, "electronic_sold_out")
    assert (second.status_code, second.json()["code"]) == (409, "request_conflict")


def test_pins_are_not_texted_where_no_gateway_is_set_up(client: httpx.Client, world: World) -> None:
    body = FIFTY | {"phone": "+8613800138000"}
    refused = client.post(SALES, headers=world.as_till(), json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "pin_texts_off")


def test_an_outlet_registers_rotates_and_disables_its_own_tills(
    client: httpx.Client, world: World
) -> None:
    mine, url = world.as_staff("distributor"), "/api/v1/tills"
    public_key = str(pyrage.x25519.Identity.generate().to_public())
    new = {"party": "SHOP-1", "code": "SHOP-1-T9", "public_key": public_key}
    made = client.post(url, headers=mine, json=new)
    assert made.status_code == 201, made.text
    key = made.json()["api_key"]
    assert client.post(url, headers=mine, json=new).json()["code"] == "till_exists"
    other = new | {"party": "WUHAN", "code": "X"}
    assert client.post(url, headers=mine, json=other).json()["code"] == "not_holder"
    listed = client.get(url, headers=mine).json()["tills"]
    assert "SHOP-1-T9" in [item["code"] for item in listed]
    assert key not in str(listed)

    def state(api_key: str) -> int:
        headers = {"Authorization": f"Bearer {api_key}"}
        return client.get(f"{SALES}/1", headers=headers).status_code

    assert state(key) == 404
    rotated = client.post(f"{url}/SHOP-1-T9/rotate-key", headers=mine, json={"public_key": None})
    assert (state(key), state(rotated.json()["api_key"])) == (401, 404)
    assert client.post(f"{url}/SHOP-1-T9/disable", headers=mine).json()["active"] is False
    assert state(rotated.json()["api_key"]) == 401
    for role in ("admin", "warehouse", "auditor", "finance"):
        assert client.post(url, headers=world.as_staff(role), json=new).status_code == 403


def test_a_till_is_no_member_and_a_member_no_till(client: httpx.Client, world: World) -> None:
    assert client.get("/api/v1/batches", headers=world.as_till()).status_code == 401
    sold = client.post(
        SALES,
        headers=world.as_staff("distributor") | {"Idempotency-Key": "k"},
        json=FIFTY,
    )
    assert sold.status_code == 401


def test_a_sale_is_undone_by_two_persons(client: httpx.Client, world: World) -> None:
    put_on_sale(client, world)
    sale = client.post(SALES, headers=world.as_till(), json=FIFTY).json()
    opened = read(world, sale)
    asked = client.post(
        f"/api/v1/tills/sales/{sale['sale_id']}/cancel",
        headers=world.as_staff("distributor"),
        json={"reason": "wrong face"},
    )
    assert asked.status_code == 202, asked.text
    assert asked.json()["approval_id"]
    redeem = {"pin": opened.pin.digits, "account_number": world.account()}
    redeemed = client.post("/api/v1/redemptions", headers=world.as_partner(), json=redeem)
    assert redeemed.status_code == 201  # nothing is undone before the second person agrees
