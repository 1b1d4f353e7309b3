"""Health, measures, pages and the description."""

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.api.routes import description
from tests.api.serving import serving
from tests.api.world import World


def test_the_server_says_that_it_lives_and_can_serve(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "database": "ok",
        "redis": "embedded",
    }


def samples(client: httpx.Client) -> dict[str, float]:
    """Return the measures by name and labels."""
    lines = client.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_redemptions_are_measured_by_channel_and_code(client: httpx.Client, world: World) -> None:
    name = 'wanneng_redemptions_total{channel="partner",code="redeemed",replayed="%s"}'
    before = samples(client)
    headers = world.as_partner()
    body = {"pin": world.card().pin.digits, "account_number": world.account(), "caller": "measured"}
    for _ in range(2):
        client.post("/api/v1/redemptions", headers=headers, json=body)
    after = samples(client)
    grown = [after[name % r] - before.get(name % r, 0) for r in ("no", "yes")]
    assert grown == [1, 1]
    assert after["wanneng_redemptions_waiting"] == 0
    sizes = "wanneng_redemption_list_size_count"
    assert after[sizes] - before.get(sizes, 0) == 2


def test_no_label_holds_a_pin_a_caller_or_an_account(client: httpx.Client, world: World) -> None:
    card, account = world.card(), world.account()
    body = {"pin": card.pin.digits, "account_number": account, "caller": "shy-caller"}
    client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
    client.get(f"/api/v1/accounts/{account}", headers=world.as_partner())
    told = client.get("/metrics").text
    assert [s for s in (card.pin.digits, account, "shy-caller", "bank") if s in told] == []


def test_the_cards_page_tells_in_both_languages_and_runs_nothing(client: httpx.Client) -> None:
    page = client.get("/c").text
    assert "CZ 户号 密码" in page
    assert "TOPUP account PIN" in page
    assert "95598" in page
    for word in ("<script", "<form", "<img", "onload", "http://", "https://", "location"):
        assert word not in page


def test_the_landing_page_leads_to_the_description(client: httpx.Client) -> None:
    links = re.findall(r'href="([^"]+)"', client.get("/").text)
    assert "/schema" in links
    assert {client.get(link).status_code for link in links} == {200}


def test_the_description_is_readable_without_scripts(client: httpx.Client) -> None:
    page = client.get("/schema").text
    assert "POST /api/v1/redemptions" in page
    assert "680419 129695 212192" in page
    assert "<script" not in page


def test_every_call_is_described_with_its_problems_and_an_example() -> None:
    shown = description()
    assert shown["openapi"].startswith("3.1")
    for path, item in shown["paths"].items():
        for method, call in item.items():
            assert call["summary"], path
            assert "default" in call["responses"], path
            assert "400" not in call["responses"], path
            if "requestBody" in call:
                content = call["requestBody"]["content"]["application/json"]
                assert content["schema"]["examples"], (method, path)
    assert shown["components"]["schemas"]["RedeemBody"]["additionalProperties"] is False


@pytest.mark.parametrize("name", ["partner", "staff", "channel", "signature"])
def test_the_ways_to_prove_who_calls_are_described(name: str) -> None:
    assert name in description()["components"]["securitySchemes"]


def test_without_redis_the_server_is_degraded_but_redeems(world: World, scratch: Path) -> None:
    settings = replace(world.db.settings, redis_url=f"unix://{scratch}/nobody.sock")
    with (
        serving(settings, scratch / "server.log") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        shown = client.get("/health/ready", timeout=20)
        assert (shown.status_code, shown.json()["redis"]) == (200, "degraded")
        body = {"pin": world.card().pin.digits, "account_number": world.account()}
        done = client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
        assert done.status_code == 201
        sent = {"from": "+8613800138000", "text": "BZ", "message_id": "no-redis"}
        text = client.post("/channels/sms/plain", headers=world.as_gateway(), json=sent, timeout=20)
        assert (text.status_code, text.json()["reply"] != "") == (200, True)
        call = {"from": "+8613800138000", "turn": 1, "event": {"kind": "start"}}
        spoken = client.post(
            "/api/v1/dialogues/d1/turns", headers=world.as_gateway(), json=call, timeout=20
        )
        assert (spoken.status_code, spoken.json()["end"]) == (200, True)
