"""Moving cards over HTTP."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.api.world import World
from vouchers.serials import serial_text
from vouchers.tables import voucher


def ask(
    client: httpx.Client, world: World, role: str, move: str, first: int, last: int, **more: Any
) -> httpx.Response:
    """Ask for a move of the cards from first to last."""
    body = {"first_serial": serial_text(first), "last_serial": serial_text(last), **more}
    return client.post(f"/api/v1/lots/{move}", headers=world.as_staff(role), json=body)


def test_cards_travel_to_the_shop_are_activated_and_redeemed(
    client: httpx.Client, world: World
) -> None:
    cards = world.cards(10, "stocked")
    first, last = cards[0].serial, cards[-1].serial
    for role, move, to in [
        ("warehouse", "dispatch", "HUBEI"),
        ("warehouse", "receive", None),
        ("warehouse", "dispatch", "WUHAN"),
        ("warehouse", "receive", None),
        ("warehouse", "dispatch", "SHOP-1"),
        ("distributor", "receive", None),
        ("distributor", "activate", None),
    ]:
        done = ask(client, world, role, move, first, last, **({"to": to} if to else {}))
        assert (done.status_code, done.json()["cards"]) == (200, 10), (move, done.text)
    shown = client.get(
        f"/api/v1/vouchers/{serial_text(first)}", headers=world.as_staff("auditor")
    ).json()
    assert (shown["status"], shown["holder"], shown["face_fen"]) == ("active", "SHOP-1", 5_000)
    body = {"pin": cards[0].pin.digits, "account_number": world.account()}
    redeemed = client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
    assert redeemed.status_code == 201
    shown = client.get(
        f"/api/v1/vouchers/{serial_text(first)}", headers=world.as_staff("auditor")
    ).json()
    assert (shown["status"], shown["receipt_number"]) == (
        "used",
        redeemed.json()["receipt_number"],
    )


def test_a_move_sent_again_moves_nothing_twice(client: httpx.Client, world: World) -> None:
    first = world.cards(5, "stocked")[0].serial
    moved = ask(client, world, "warehouse", "dispatch", first, first + 4, to="HUBEI")
    again = ask(client, world, "warehouse", "dispatch", first, first + 4, to="HUBEI")
    assert (moved.status_code, moved.json()["cards"]) == (200, 5)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_stage")


def test_voiding_waits_for_a_second_person(client: httpx.Client, world: World) -> None:
    first = world.cards(5)[0].serial
    pending = ask(client, world, "finance", "void", first, first + 1, reason="misprinted")
    assert pending.status_code == 202
    url = f"/api/v1/approvals/{pending.json()['approval_id']}/agree"
    own = client.post(url, headers=world.as_staff("finance"), json=world.decision("finance"))
    agreed = client.post(
        url, headers=world.as_staff("second_finance"), json=world.decision("second_finance")
    )
    assert (own.status_code, own.json()["code"]) == (403, "same_person")
    assert (agreed.status_code, agreed.json()["state"]) == (200, "agreed")
    serials = [serial_text(first + i) for i in range(3)]
    states = [
        client.get(f"/api/v1/vouchers/{one}", headers=world.as_staff("auditor")).json()["status"]
        for one in serials
    ]
    assert states == ["void", "void", "active"]


def test_each_wrong_range_has_its_own_code(client: httpx.Client, world: World) -> None:
    first = world.cards(5, "stocked")[0].serial
    good, end = serial_text(first), serial_text(first + 4)
    wrong = good[:-1] + str((int(good[-1]) + 1) % 10)

    def code(move: str, **body: Any) -> str:
        sent = client.post(f"/api/v1/lots/{move}", headers=world.as_staff("warehouse"), json=body)
        assert 400 <= sent.status_code < 500
        return str(sent.json()["code"])

    assert code("dispatch", first_serial=wrong, last_serial=end) == "serial_invalid"
    assert code("dispatch", first_serial=end, last_serial=good) == "range_reversed"
    far = serial_text(first + 100_000)
    assert code("dispatch", first_serial=good, last_serial=far) == "range_outside_batch"
    unknown = serial_text(9_999_999_999_900_000)
    assert code("dispatch", first_serial=unknown, last_serial=unknown) == "batch_unknown"
    assert code("fly", first_serial=good, last_serial=end) == "move_unknown"
    assert code("activate", first_serial=good, last_serial=end) == "forbidden"
    assert code("hold", first_serial=good, last_serial=end, hold="stolen") == "needs_reason"
    assert code("dispatch", first_serial=good, last_serial=end, to="NOWHERE") == "party_unknown"
    assert code("receive", first_serial=good, last_serial=end) == "wrong_stage"


def test_a_distributor_cannot_move_what_others_hold(client: httpx.Client, world: World) -> None:
    first = world.cards(2, "stocked")[0].serial
    refused = ask(client, world, "distributor", "activate", first, first + 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_holder")


@pytest.mark.parametrize("serial", ["1" * 17, "9" * 17])
def test_a_card_that_was_never_made_is_told_so(
    client: httpx.Client, world: World, serial: str
) -> None:
    asked = client.get(f"/api/v1/vouchers/{serial}", headers=world.as_staff("auditor"))
    assert asked.json()["code"] in ("serial_invalid", "not_found")


def test_a_cards_page_shows_nothing_of_its_pin(client: httpx.Client, world: World) -> None:
    card = world.card()
    url = f"/api/v1/vouchers/{serial_text(card.serial)}"
    shown = client.get(url, headers=world.as_staff("auditor")).text
    with world.db.read() as session:
        tag = session.execute(
            select(voucher.c.pin_tag).where(voucher.c.serial == card.serial)
        ).scalar_one()
    assert all(secret not in shown for secret in (card.pin.digits, str(tag), tag.hex))
