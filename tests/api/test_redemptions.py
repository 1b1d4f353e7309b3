"""Redeeming over HTTP."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from accounts.tables import electricity_account
from redemption.tables import request
from tests.api.world import World
from tests.redemption.cards import Card
from vouchers.pins import Pin, draw, grouped
from vouchers.serials import serial_text
from vouchers.tables import lot

URL = "/api/v1/redemptions"


def redeem(
    client: httpx.Client,
    world: World,
    pin: str,
    account: str,
    headers: dict[str, str] | None = None,
    caller: str | None = None,
) -> httpx.Response:
    """Send one redemption as the partner, under a key of its own unless told otherwise."""
    body = {"pin": pin, "account_number": account} | ({"caller": caller} if caller else {})
    return client.post(URL, headers=headers or world.as_partner(), json=body)


def test_a_card_is_redeemed_and_the_same_request_gets_the_same_bytes(
    client: httpx.Client, world: World
) -> None:
    card, account = world.card(), world.account(owes_fen=2_000)
    headers = world.as_partner()
    first = redeem(client, world, grouped(card.pin), account, headers, "customer-1")
    again = redeem(client, world, grouped(card.pin), account, headers, "customer-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    receipt = first.json()
    assert receipt["serial_number"] == serial_text(card.serial)
    assert receipt["amount_fen"] == 5_000
    assert receipt["arrears_paid_fen"] + receipt["balance_fen"] == 5_000
    assert receipt["arrears_paid_fen"] == 2_000 + receipt["late_fee_fen"]


def test_a_second_request_for_a_used_card_is_refused_and_says_when_and_where(
    client: httpx.Client, world: World
) -> None:
    card, account = world.card(), world.account()
    redeem(client, world, card.pin.digits, account, caller="first")
    mine = redeem(client, world, card.pin.digits, account, caller="first")
    other = redeem(client, world, card.pin.digits, account, caller="second")
    assert (mine.status_code, mine.json()["code"]) == (409, "voucher_used")
    assert mine.json()["account_tail"] == account[-4:]
    assert (mine.json()["used_by_you"], other.json()["used_by_you"]) == (True, False)


def test_a_refusal_is_an_answer_too_and_comes_again_byte_for_byte(
    client: httpx.Client, world: World
) -> None:
    headers, account, pin = world.as_partner(), world.account(), draw().digits
    first = redeem(client, world, pin, account, headers, "guesser")
    again = redeem(client, world, pin, account, headers, "guesser")
    assert first.status_code == again.status_code == 422
    assert first.headers["content-type"] == "application/problem+json"
    assert first.json()["code"] == "pin_unknown"
    assert first.json()["tries_left"] == 4
    assert first.content == again.content


def test_other_content_under_a_used_key_is_a_conflict(client: httpx.Client, world: World) -> None:
    card, headers = world.card(), world.as_partner()
    redeem(client, world, card.pin.digits, world.account(), headers)
    other = redeem(client, world, card.pin.digits, world.account(), headers)
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")


def test_the_same_key_of_another_partner_is_another_request(
    client: httpx.Client, world: World
) -> None:
    account, ours = world.account(), world.as_partner("shared-key")
    theirs = ours | {"Authorization": f"Bearer {world.other_partner_key}"}
    first = redeem(client, world, world.card().pin.digits, account, ours)
    second = redeem(client, world, world.card().pin.digits, account, theirs)
    assert (first.status_code, second.status_code) == (201, 201)


@pytest.mark.parametrize("key", [None, "", "k" * 129, b"\xe9t\xe9"])
def test_a_key_that_is_missing_or_not_of_its_form_is_refused(
    client: httpx.Client, world: World, key: Any
) -> None:
    headers = {"Authorization": world.as_partner()["Authorization"]}
    if key is not None:
        headers["Idempotency-Key"] = key
    card = world.card()
    refused = redeem(client, world, card.pin.digits, world.account(), headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert redeem(client, world, card.pin.digits, world.account()).status_code == 201


@pytest.mark.parametrize("place", ["key", "caller"])
def test_a_pin_in_the_key_or_the_caller_is_refused_and_stored_nowhere(
    client: httpx.Client, world: World, place: str
) -> None:
    card, account = world.card(), world.account()
    hidden = f"x-{grouped(card.pin)}-1"
    headers = world.as_partner(hidden if place == "key" else None)
    caller = hidden if place == "caller" else None
    refused = redeem(client, world, card.pin.digits, account, headers, caller)
    assert refused.status_code in (400, 422)
    assert card.pin.digits[:6] not in refused.text
    with world.db.read() as session:
        keys = session.execute(select(request.c.key)).scalars().all()
    assert hidden not in keys


def full_width(pin: Pin) -> str:
    """Return the PIN as a Chinese keyboard may write it."""
    return "".join(chr(0xFF10 + int(digit)) for digit in pin.digits)


def test_a_pin_is_understood_as_it_is_printed_or_typed(client: httpx.Client, world: World) -> None:
    cards, account = world.cards(4), world.account()
    written = [
        f" {grouped(cards[0].pin)} ",
        grouped(cards[1].pin).replace(" ", "-"),
        full_width(cards[2].pin),
        grouped(cards[3].pin).replace(" ", "\u3000"),
    ]
    codes = [redeem(client, world, text, account).status_code for text in written]
    assert codes == [201, 201, 201, 201]


@pytest.mark.parametrize("zero", [0x0660, 0x0966, 0x1D7CE, 0x2070])
def test_other_digits_of_unicode_are_no_pin(client: httpx.Client, world: World, zero: int) -> None:
    card = world.card()
    text = "".join(chr(zero + int(digit)) for digit in card.pin.digits)
    refused = redeem(client, world, text, world.account())
    assert (refused.status_code, refused.json()["code"]) == (422, "pin_malformed")


@pytest.mark.parametrize("pin", ["", "1", "\u0000", "680419129695212193", "abc", "6" * 64])
def test_what_cannot_be_a_pin_is_no_try(client: httpx.Client, world: World, pin: str) -> None:
    refused = redeem(client, world, pin, world.account(), caller=f"typist-{len(pin)}")
    assert (refused.status_code, refused.json()["code"]) == (422, "pin_malformed")
    assert "tries_left" not in refused.json()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"hold": "stolen"}, "voucher_on_hold"),
        ({"stage": "void"}, "voucher_void"),
    ],
)
def test_the_holder_of_a_card_is_told_what_is_the_matter_with_it(
    client: httpx.Client, world: World, state: dict[str, str], code: str
) -> None:
    card = world.card()
    with world.db.write() as session:
        session.execute(update(lot).where(lot.c.first_serial == card.serial).values(**state))
    refused = redeem(client, world, card.pin.digits, world.account())
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert refused.json()["serial_number"] == serial_text(card.serial)


def test_a_card_that_was_never_activated_is_answered_like_an_unknown_pin(
    client: httpx.Client, world: World
) -> None:
    account = world.account()
    asleep = redeem(client, world, world.card("stocked").pin.digits, account, caller="thief-1")
    unknown = redeem(client, world, draw().digits, account, caller="thief-2")
    assert asleep.status_code == unknown.status_code == 422
    assert asleep.content == unknown.content


def test_too_many_wrong_pins_lock_their_caller_only(client: httpx.Client, world: World) -> None:
    account, card = world.account(), world.card()
    for _ in range(5):
        redeem(client, world, draw().digits, account, caller="loser")
    locked = redeem(client, world, card.pin.digits, account, caller="loser")
    assert (locked.status_code, locked.json()["code"]) == (429, "caller_locked")
    assert int(locked.headers["retry-after"]) > 0
    assert redeem(client, world, card.pin.digits, account, caller="winner").status_code == 201


def test_an_unknown_or_closed_account_takes_no_card(client: httpx.Client, world: World) -> None:
    card, closed = world.card(), world.account()
    with world.db.write() as session:
        session.execute(
            update(electricity_account)
            .where(electricity_account.c.number == closed)
            .values(state="closed")
        )
    unknown = redeem(client, world, card.pin.digits, "9999999999")
    refused = redeem(client, world, card.pin.digits, closed)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "account_unknown")
    assert (refused.status_code, refused.json()["code"]) == (422, "account_closed")
    assert redeem(client, world, card.pin.digits, world.account()).status_code == 201


def test_staff_redeem_at_the_counter_in_their_own_name(client: httpx.Client, world: World) -> None:
    card, account = world.card(), world.account()
    headers = world.as_staff("customer_service") | {"Idempotency-Key": "counter-1"}
    named = redeem(client, world, card.pin.digits, account, headers, "somebody")
    assert (named.status_code, named.json()["code"]) == (422, "invalid_input")
    assert redeem(client, world, card.pin.digits, account, headers).status_code == 201
    warehouse = world.as_staff("warehouse") | {"Idempotency-Key": "counter-2"}
    refused = redeem(client, world, world.card().pin.digits, account, warehouse)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer wnp_nobody", "Bearer nobody", "Basic eDp5", "Bearer " + "x" * 999],
)
def test_nobody_redeems_without_a_key(client: httpx.Client, world: World, value: str) -> None:
    card = world.card()
    headers = {"Authorization": value, "Idempotency-Key": "nobody"}
    refused = redeem(client, world, card.pin.digits, world.account(), headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def item(card: Card, account: str, key: str) -> dict[str, str]:
    """Return one item of a bulk request."""
    return {"key": key, "pin": card.pin.digits, "account_number": account}


def test_many_cards_go_in_one_request_each_for_itself(client: httpx.Client, world: World) -> None:
    good, account = world.cards(3), world.account()
    bad = Card(0, draw())
    items = [
        item(good[0], account, "b-1"),
        item(bad, account, "b-2"),
        item(good[1], "9999999999", "b-3"),
        item(good[2], account, "b-4"),
        item(good[0], account, "b-1"),
    ]
    sent = client.post(URL + "/bulk", headers=world.as_partner(), json={"items": items})
    assert sent.status_code == 200
    answers = sent.json()["answers"]
    assert [answer["key"] for answer in answers] == ["b-1", "b-2", "b-3", "b-4", "b-1"]
    assert sorted(answer["status"] for answer in answers) == [200, 201, 201, 422, 422]
    assert [answers[i]["refusal"]["code"] for i in (1, 2)] == ["pin_unknown", "account_unknown"]
    assert answers[0]["receipt"] == answers[4]["receipt"]
    again = client.post(URL + "/bulk", headers=world.as_partner(), json={"items": items})
    told = [(a.get("receipt"), a.get("refusal")) for a in answers]
    assert [(a.get("receipt"), a.get("refusal")) for a in again.json()["answers"]] == told


@pytest.mark.parametrize("count", [0, 101])
def test_a_bulk_request_has_1_to_100_items(client: httpx.Client, world: World, count: int) -> None:
    items = [item(Card(0, draw()), "4200000000", f"c-{i}") for i in range(count)]
    refused = client.post(URL + "/bulk", headers=world.as_partner(), json={"items": items})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


def test_a_receipt_is_read_again_by_its_own_partner_and_by_staff(
    client: httpx.Client, world: World
) -> None:
    account = world.account()
    receipt = redeem(client, world, world.card().pin.digits, account, caller="c-1").json()
    url = f"{URL}/{receipt['receipt_number']}"
    theirs = {"Authorization": f"Bearer {world.other_partner_key}"}
    assert client.get(url, headers=world.as_partner()).json() == receipt
    assert client.get(url, headers=theirs).json()["code"] == "not_found"
    staff = client.get(url, headers=world.as_staff("auditor")).json()
    assert staff == receipt | {
        "account_number": account,
        "channel": "partner",
        "sender": "bank",
        "caller": "partner:bank/c-1",
    }
    unknown = client.get(f"{URL}/99999999999999", headers=world.as_partner())
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
