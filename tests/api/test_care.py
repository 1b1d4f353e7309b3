"""Customer service over HTTP: timelines, damaged and lost cards, reversals, locked callers."""

from typing import Any

import httpx

from staff.events import list_events
from tests.api.world import World
from tests.redemption.cards import Card
from vouchers.pins import draw
from vouchers.serials import serial_text

VOUCHERS = "/api/v1/vouchers"


def _text(card: Card) -> str:
    return serial_text(card.serial)


def _service(world: World) -> dict[str, str]:
    return world.as_staff("customer_service")


def _redeem(client: httpx.Client, world: World, card: Card, number: str) -> dict[str, Any]:
    body = {"pin": card.pin.digits, "account_number": number}
    return dict(client.post("/api/v1/redemptions", headers=world.as_partner(), json=body).json())


def _post(client: httpx.Client, world: World, url: str, body: object) -> httpx.Response:
    return client.post(url, headers=_service(world), json=body)


def _agreed(client: httpx.Client, world: World, asked: httpx.Response) -> None:
    assert asked.status_code == 202, asked.text
    url = f"/api/v1/approvals/{asked.json()['approval_id']}/agree"
    done = client.post(url, headers=world.as_staff("finance"), json=world.decision("finance"))
    assert done.status_code == 200, done.text


def _timeline(client: httpx.Client, world: World, card: Card) -> list[dict[str, Any]]:
    shown = client.get(f"{VOUCHERS}/{_text(card)}/timeline", headers=_service(world))
    assert shown.status_code == 200, shown.text
    return list(shown.json()["happenings"])


def test_a_timeline_tells_a_cards_whole_life_and_who_looked_is_on_record(
    client: httpx.Client, world: World
) -> None:
    card, number = world.card(), world.account()
    receipt = _redeem(client, world, card, number)["receipt_number"]
    _redeem(client, world, card, number)
    url = f"/api/v1/redemptions/{receipt}/reversal"
    _agreed(client, world, _post(client, world, url, {"reason": "wrong account"}))
    found = _timeline(client, world, card)
    assert [each["event"] for each in found][:1] == ["activate"]
    by_event = {each["event"]: each["detail"] for each in found}
    assert by_event["activate"]["holder"] == "SHOP"
    assert by_event["activate"]["owing_party"] == "SHOP"
    assert by_event["redeemed"]["account_tail"] == number[-4:]
    assert by_event["redeemed"]["receipt_number"] == receipt
    assert by_event["tried"]["answer"] == "voucher_used"
    assert by_event["redemption_reversed"]["reason"] == "wrong account"
    assert number not in str(found)
    client.get(f"{VOUCHERS}/{_text(card)}", headers=_service(world))
    with world.db.read() as session:
        looks = list_events(session, f"voucher:{_text(card)}")
    username = world.people["customer_service"].username
    assert [(e.kind, e.username, e.detail["what"]) for e in looks] == [
        ("voucher.looked_up", username, "card"),
        ("voucher.looked_up", username, "timeline"),
    ]


def test_a_right_pin_of_an_unsold_card_stands_in_its_timeline(
    client: httpx.Client, world: World
) -> None:
    card = world.card("stocked")
    assert _redeem(client, world, card, world.account())["code"] == "pin_unknown"
    assert "alarmed" in [each["event"] for each in _timeline(client, world, card)]


def test_a_timeline_is_for_those_who_may_look_at_cards(client: httpx.Client, world: World) -> None:
    url = f"{VOUCHERS}/{_text(world.card())}/timeline"
    assert client.get(url, headers=world.as_staff("distributor")).status_code == 403
    assert client.get(url, headers=world.as_partner()).status_code == 401
    missing = client.get(f"{VOUCHERS}/42251010007001008/timeline", headers=_service(world))
    assert missing.json()["code"] == "not_found"


def test_a_damaged_card_is_proven_and_redeemed_and_its_digits_come_back_nowhere(
    client: httpx.Client, world: World
) -> None:
    card, number = world.card(), world.account()
    url = f"{VOUCHERS}/{_text(card)}"
    readable = "??????" + card.pin.digits[6:]
    proven = _post(client, world, f"{url}/proofs", {"readable_pin": readable})
    assert proven.json() == {"proven": True, "tries_left": 4}
    body = {"account_number": number, "reason": "washed"}
    asked = _post(client, world, f"{url}/redemption", body)
    _agreed(client, world, asked)
    approval = client.get(
        f"/api/v1/approvals/{asked.json()['approval_id']}", headers=world.as_staff("finance")
    ).json()
    assert card.pin.digits[6:] not in str(approval)
    assert _redeem(client, world, card, number)["code"] == "voucher_used"
    shown = [each["event"] for each in _timeline(client, world, card)]
    assert shown == ["activate", "exported", "proven", "redeemed", "tried"]


def test_wrong_digits_are_counted_and_malformed_ones_are_not_repeated(
    client: httpx.Client, world: World
) -> None:
    card = world.card()
    url = f"{VOUCHERS}/{_text(card)}/proofs"
    for left in (4, 3, 2, 1, 0):
        tried = _post(client, world, url, {"readable_pin": draw().digits})
        assert tried.json() == {"proven": False, "tries_left": left}
    tried = _post(client, world, url, {"readable_pin": card.pin.digits})
    assert (tried.status_code, tried.json()["code"]) == (409, "proof_tries_used_up")
    wrong = _post(client, world, url, {"readable_pin": "12345678901?"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "readable_digits_invalid")
    assert "1234" not in wrong.text


def test_a_lost_card_is_replaced(client: httpx.Client, world: World) -> None:
    lost, new, number = world.card(), world.card("stocked"), world.account()
    url = f"{VOUCHERS}/{_text(lost)}/replacement"
    body = {"new_serial_number": _text(new), "ground": "lost", "reason": "told by phone"}
    assert _post(client, world, url, body).json()["code"] == "not_replaceable"
    hold = {"first_serial": _text(lost), "last_serial": _text(lost), "hold": "lost", "reason": "x"}
    assert _post(client, world, "/api/v1/lots/hold", hold).status_code == 200
    _agreed(client, world, _post(client, world, url, body))
    assert _redeem(client, world, lost, number)["code"] == "voucher_replaced"
    assert _redeem(client, world, new, number)["code"] == "redeemed"
    assert _timeline(client, world, lost)[-1]["event"] in ("replaced", "tried")


def test_a_card_is_handed_out_for_a_reversed_redemption(client: httpx.Client, world: World) -> None:
    card, new = world.card(), world.card("stocked")
    receipt = _redeem(client, world, card, world.account())["receipt_number"]
    url = f"/api/v1/redemptions/{receipt}/reversal"
    _agreed(client, world, _post(client, world, url, {"reason": "wrong account"}))
    again = _post(client, world, url, {"reason": "wrong account"})
    assert again.json()["code"] == "already_reversed"
    body = {"new_serial_number": _text(new), "reason": "as asked"}
    _agreed(client, world, _post(client, world, f"{VOUCHERS}/{_text(card)}/reissue", body))
    assert _redeem(client, world, new, world.account())["code"] == "redeemed"


def test_a_card_that_is_not_expired_is_not_extended(client: httpx.Client, world: World) -> None:
    url = f"{VOUCHERS}/{_text(world.card())}/extension"
    done = _post(client, world, url, {"expires_on": "2027-12-31", "reason": "kindness"})
    assert done.json()["code"] in ("not_replaceable", "invalid_input")


def test_a_locked_caller_is_shown_and_unlocked_for_a_reason(
    client: httpx.Client, world: World
) -> None:
    name, number = f"customer-{draw().digits[:6]}", world.account()
    body = {"account_number": number, "caller": name}
    for _ in range(5):
        wrong = body | {"pin": draw().digits}
        client.post("/api/v1/redemptions", headers=world.as_partner(), json=wrong)
    who = f"partner:bank/{name}"
    shown = client.get("/api/v1/callers", headers=_service(world), params={"caller": who}).json()
    assert (shown["locked"], shown["wrong_today"], len(shown["locks"])) == (True, 5, 1)
    url = "/api/v1/callers/unlock"
    assert _post(client, world, url, {"caller": who}).status_code == 422
    unlocked = _post(client, world, url, {"caller": who, "reason": "identity checked"})
    assert unlocked.json() == {"caller": who, "locked": False}
    again = _post(client, world, url, {"caller": who, "reason": "identity checked"})
    assert (again.status_code, again.json()["code"]) == (409, "caller_not_locked")
    assert _redeem(client, world, world.card(), number)["code"] == "redeemed"
    with world.db.read() as session:
        kinds = [event.kind for event in list_events(session, f"caller:{who}")]
    assert kinds == ["caller.unlocked", "caller.looked_up"]
    refused = client.post(
        url, headers=world.as_staff("auditor"), json={"caller": who, "reason": "x"}
    )
    assert refused.status_code == 403
