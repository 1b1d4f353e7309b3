"""Payments over HTTP: once for ever by the bank's reference."""

import secrets
from typing import Any

import httpx

from tests.api.world import World


def sent(client: httpx.Client, world: World, role: str = "finance", **other: Any) -> httpx.Response:
    """Record a payment of the province that has the contract."""
    body = {
        "reference": f"R-{secrets.token_hex(6)}",
        "party": "HUBEI",
        "amount_fen": 70_000,
        "paid_on": "2025-06-10",
    }
    return client.post("/api/v1/payments", headers=world.as_staff(role), json=body | other)


def test_a_payment_is_recorded_once_and_read_again(client: httpx.Client, world: World) -> None:
    first = sent(client, world, reference="icbc-77")
    again = sent(client, world, reference="ICBC-77")
    other = sent(client, world, reference="ICBC-77", amount_fen=1)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["reference"], first.json()["party"]) == ("ICBC-77", "HUBEI")
    assert (other.status_code, other.json()["code"]) == (409, "reference_used")
    found = client.get(
        "/api/v1/payments", headers=world.as_staff("auditor"), params={"party": "HUBEI"}
    ).json()["payments"]
    assert [item for item in found if item["reference"] == "ICBC-77"] == [first.json()]


def test_a_bounced_payment_is_taken_back_once(client: httpx.Client, world: World) -> None:
    reference = sent(client, world).json()["reference"]
    body = {"reference": reference, "reason": "no funds"}
    url, headers = "/api/v1/payments/reversals", world.as_staff("finance")
    done = client.post(url, headers=headers, json=body)
    again = client.post(url, headers=headers, json=body)
    assert (done.status_code, done.json()["reason"]) == (200, "no funds")
    assert (again.status_code, again.json()["code"]) == (409, "already_reversed")
    none = client.post(url, headers=headers, json=body | {"reference": "NEVER-PAID"})
    assert (none.status_code, none.json()["code"]) == (404, "payment_unknown")


def test_who_may_not_record_or_read_payments_is_told_so(client: httpx.Client, world: World) -> None:
    assert sent(client, world, "distributor").json()["code"] == "forbidden"
    assert sent(client, world, "admin").json()["code"] == "forbidden"
    assert sent(client, world, party="SHOP-1").json()["code"] == "no_contract"
    assert sent(client, world, party="NOWHERE").json()["code"] == "party_unknown"
    of_parent = client.get(
        "/api/v1/payments", headers=world.as_staff("distributor"), params={"party": "HUBEI"}
    )
    own = client.get("/api/v1/payments", headers=world.as_staff("distributor"))
    assert of_parent.json()["code"] == "not_holder"
    assert own.json() == {"payments": [], "next_after": None}


def test_a_list_is_read_in_pages(client: httpx.Client, world: World) -> None:
    made = {sent(client, world).json()["id"] for _ in range(5)}
    headers, seen = world.as_staff("finance"), list[str]()
    after: str | None = "0"
    while after:
        page = client.get(
            "/api/v1/payments", headers=headers, params={"after": after, "limit": 2}
        ).json()
        seen += [item["id"] for item in page["payments"]]
        after = page["next_after"]
    assert made <= set(seen)
    assert seen == sorted(set(seen), key=int)
