"""What a server bounds: heads, bodies, statements, waits for rows, whoever else is busy."""

import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.conftest import Crew
from tests.api.serving import serving
from tests.api.sockets import WAIT_S, connected, until_closed
from tests.conftest import Run
from tests.redemption.cards import Card


def head(crew: Crew, path: str, framing: str) -> bytes:
    """Return a redemption's head; its body is not there."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Authorization: {crew.world.as_partner()['Authorization']}",
        "Content-Type: application/json",
        "Idempotency-Key: slow",
        framing,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("framing", ["Content-Length: 80", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/redemptions/bulk"])
def test_a_client_too_slow_with_its_body_is_told_so_and_cut_off(
    hasty: Crew, framing: str, path: str
) -> None:
    with connected(hasty.server) as slow:
        slow.sendall(head(hasty, path, framing))
        answer = until_closed(slow)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_too_slow"' in answer
    assert hasty.client.get("/health/live").status_code == 200


@pytest.mark.parametrize("sent", [b"", b"POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_too_slow_with_its_head_is_cut_off(hasty: Crew, sent: bytes) -> None:
    with connected(hasty.server) as slow:
        slow.sendall(sent)
        assert b" 200 " not in until_closed(slow)


def test_a_connection_without_requests_is_closed(hasty: Crew) -> None:
    with connected(hasty.server) as idle:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until_closed(idle).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_is_too_long_is_refused(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: ")
        try:
            client.sendall(b"x" * 200_000 + b"\r\n\r\n")
            answer = until_closed(client)
        except ConnectionError:
            answer = b""  # cut off while it was still sending
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert hasty.client.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/redemptions/bulk"])
def test_a_body_that_is_too_large_is_refused(hasty: Crew, path: str) -> None:
    headers = hasty.world.as_partner() | {"Content-Type": "application/json"}
    answer = hasty.client.post(path, content=b" " * 100_001, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/redemptions/bulk"])
def test_bodies_that_were_refused_do_not_stay_in_memory(hasty: Crew, path: str) -> None:
    (pid,) = hasty.server.worker_pids()
    server, body = psutil.Process(pid), b'{"pin": "' + b"1" * 95_000
    headers = hasty.world.as_partner() | {"Content-Type": "application/json"}
    before = server.memory_info().rss
    for _ in range(600):
        assert hasty.client.post(path, content=body, headers=headers).is_client_error
    assert server.memory_info().rss - before < 600 * len(body) / 2


@contextmanager
def held(run: Run, crew: Crew, statement: str) -> Generator[None]:
    """Keep the locks that a statement takes while the block runs."""
    with run.postgres.connect(str(crew.world.db.engine.url.database)) as other:
        other.execute("BEGIN")
        other.execute(statement.encode())
        yield
        other.execute("ROLLBACK")


def test_a_statement_that_takes_too_long_is_ended_and_told(run: Run, hasty: Crew) -> None:
    key = hasty.world.as_partner()
    number = hasty.world.account()
    with held(run, hasty, "LOCK TABLE electricity_account IN ACCESS EXCLUSIVE MODE"):
        answer = hasty.client.get(f"/api/v1/accounts/{number}", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["retry-after"] == "1"
    assert hasty.client.get(f"/api/v1/accounts/{number}", headers=key).status_code == 200


def redeem(crew: Crew, card: Card, account: str) -> httpx.Response:
    body = {"pin": card.pin.digits, "account_number": account, "caller": f"c{card.serial}"}
    headers = crew.world.as_partner(f"held {card.serial}")
    return crew.client.post("/api/v1/redemptions", json=body, headers=headers)


def test_a_redemption_that_waits_too_long_for_a_row_is_told_to_come_later(
    run: Run, hasty: Crew
) -> None:
    cards = [hasty.world.card() for _ in range(2)]
    stuck, free = hasty.world.account(), hasty.world.account()
    lock = f"SELECT 1 FROM electricity_account WHERE number = '{stuck}' FOR UPDATE"
    with held(run, hasty, lock):
        later = redeem(hasty, cards[0], stuck)
        assert (later.status_code, later.json()["code"]) == (503, "try_later")
        assert later.headers["retry-after"] == "1"
        assert redeem(hasty, cards[1], free).status_code == 201
    assert redeem(hasty, cards[0], stuck).status_code == 201


@pytest.fixture(scope="module")
def full(hasty: Crew, house_directory: Path) -> Iterator[Crew]:
    """A server whose queue is always full."""
    settings = replace(hasty.world.db.settings, queue_limit=0)
    with (
        serving(settings, house_directory / f"{uuid.uuid4().hex}.log") as server,
        httpx.Client(base_url=server.url, timeout=WAIT_S) as client,
    ):
        yield Crew(hasty.world, server, client)


@pytest.mark.parametrize("pause_s", [0, 0.05])
@pytest.mark.parametrize(
    ("path", "size"), [("/api/v1/redemptions", 90), ("/api/v1/redemptions/bulk", 59_000)]
)
def test_a_full_server_tells_also_those_who_send_head_and_body_apart(
    full: Crew, path: str, size: int, pause_s: float
) -> None:
    for _ in range(5):
        with connected(full.server) as client:
            client.sendall(head(full, path, f"Content-Length: {size}"))
            time.sleep(pause_s)
            client.sendall(b" " * size)
            answer = client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in answer


def test_a_full_server_keeps_its_clients_connections(full: Crew) -> None:
    for _ in range(20):
        answer = redeem(full, full.world.card(), "4200000001")
        assert (answer.status_code, answer.json()["code"]) == (503, "try_later")
    assert "requests_shed" in full.server.log.read_text("utf-8")
