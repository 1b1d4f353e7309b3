"""What stands around every answer: headers, the log, what may not come twice."""

import asyncio
import secrets
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from api.access import Access
from api.edge import AsgiApp, Message, Receive, Scope, Send, with_edge
from api.metrics import Metrics
from tests.api.serving import Server
from tests.api.world import World
from vouchers.pins import draw, grouped

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    "url", ["/", "/c", "/schema", "/health/live", "/nothing", "/api/v1/batches"]
)
def test_every_answer_carries_the_security_headers(client: httpx.Client, url: str) -> None:
    answer = client.get(url)
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_answers_of_the_api_are_kept_nowhere(client: httpx.Client, world: World) -> None:
    answer = client.get("/api/v1/reports/inventory", headers=world.as_staff("auditor"))
    assert answer.headers["cache-control"] == "no-store"


def test_no_secret_that_was_sent_stands_in_the_log(
    client: httpx.Client, world: World, server: Server
) -> None:
    marker = f"/{secrets.token_hex(8)}"
    card, sent, account = world.card(), draw(), world.account()
    body = {"pin": card.pin.digits, "account_number": account, "caller": "log-reader"}
    client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
    wrong = body | {"pin": grouped(sent)}
    client.post("/api/v1/redemptions", headers=world.as_partner(), json=wrong)
    client.post("/api/v1/redemptions", headers=world.as_partner(), json=body | {"x": sent.digits})
    client.get(f"/c?pin={sent.digits}")
    client.get(f"/api/v1/vouchers/{sent.digits}", headers=world.as_staff("auditor"))
    client.get(f"{marker}/{sent.digits}")
    client.get("/health/live")
    log = server.log_with("route=/api/v1/redemptions")
    hidden = [card.pin.digits, sent.digits, grouped(sent), marker, world.partner_key, "log-reader"]
    assert [secret for secret in hidden if secret in log] == []


def test_a_request_is_logged_by_its_route_not_by_its_address(
    client: httpx.Client, world: World, server: Server
) -> None:
    number = world.account()
    client.get(f"/api/v1/accounts/{number}?x=1", headers=world.as_partner())
    log = server.log_with("route=/api/v1/accounts/{number}")
    assert number not in log


@pytest.mark.parametrize("size", [90_000, 1_000_000, 3_000_000])
def test_who_is_refused_early_still_gets_the_answer_and_keeps_the_connection(
    server: Server, size: int
) -> None:
    with httpx.Client(base_url=server.url, limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(5):
            refused = client.post("/api/v1/redemptions", content=b"x" * size)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        too_large = client.post("/channels/sms/plain", content=b"x" * size)
        assert too_large.status_code == 401


def test_a_body_without_end_is_cut_off(server: Server, world: World) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    headers = world.as_partner() | {"Content-Type": "application/json"}
    with httpx.Client(base_url=server.url) as client:
        try:
            answer = client.post("/api/v1/redemptions", headers=headers, content=endless())
        except httpx.TransportError:
            pass  # cut off while it was still sending
        else:
            assert answer.status_code == 413
        assert client.get("/health/live").status_code == 200


def test_by_default_only_failures_are_logged() -> None:
    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        status = int(scope["path"][1:])
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def ignore(*_: object) -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        return None

    logged = {}
    for log_all in (False, True):
        edge = with_edge(answer, Access(Metrics(), log_all=log_all), 30)
        for status in (201, 422, 503):
            scope = {"type": "http", "method": "GET", "path": f"/{status}", "headers": []}
            with capture_logs() as entries:
                asyncio.run(_called(edge, scope, ignore, send))
            logged[log_all, status] = len(entries)
    assert logged == {
        (False, 201): 0,
        (False, 422): 0,
        (False, 503): 1,
        (True, 201): 1,
        (True, 422): 1,
        (True, 503): 1,
    }


async def _called(app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
