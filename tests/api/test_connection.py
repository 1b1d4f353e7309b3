"""Connections: what comes in pieces, together, too much or never; nobody waits without end."""

import asyncio
import contextlib
import gc
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from api import connection
from api.connection import Connection
from api.fast_lane import PATH, Arrival
from api.metrics import Metrics
from api.patience import Patience, Slow
from api.runtime import running
from core.clock import system_clock
from tests.api.conftest import Crew, furnished
from tests.api.server_here import LARGE, closed, large, serving_here, small
from tests.api.serving import serving
from tests.api.sockets import WAIT_S, answers, connected, until_closed
from tests.api.test_twiml_slow import held_up
from tests.api.world import World
from tests.conftest import Run
from tests.waiting import wait_for_lock_waiters

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def redemption(
    world: World, *more: str, account: str = "", key: str | None = None, version: str = "1.1"
) -> bytes:
    """Return a redemption of a new card, head and body; the lines of `more` are in its head."""
    number = account or world.account()
    body = msgspec.json.encode({"pin": world.card().pin.digits, "account_number": number})
    headers = world.as_partner() | ({} if key is None else {"Authorization": f"Bearer {key}"})
    lines = [f"POST {PATH} HTTP/{version}", "Host: x", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_requests_after_each_other_share_a_connection(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        for _ in range(2):
            foreign = redemption(hasty.world, key="wnp_nobody")
            for asked, expected in ((redemption(hasty.world), 201), (LIVE, 200), (foreign, 401)):
                client.sendall(asked)
                [(status, headers, _)] = answers(client, 1)
                assert status == expected
                assert headers.keys() >= {"date", "x-content-type-options"}
                assert "connection" not in headers


@pytest.mark.parametrize("lane", [True, False])
def test_what_comes_before_an_answer_is_not_carried_out(hasty: Crew, lane: bool) -> None:
    asked = redemption(hasty.world) if lane else redemption(hasty.world, "Expect: nothing")
    early = redemption(hasty.world)
    with connected(hasty.server) as client:
        client.sendall(asked + early + LIVE)
        told = until_closed(client)
    assert told.count(b"HTTP/1.1 ") == told.count(b"HTTP/1.1 201 ") == 1
    assert b"\r\nconnection: close\r\n" in told
    for again, status in ((asked, 200), (early, 201)):
        with connected(hasty.server) as client:
            client.sendall(again)
            assert answers(client, 1)[0][0] == status


@pytest.mark.parametrize("rest", [b"GET /\xff HTTP/1.1\r\n\r\n", b"no HTTP\r\n\r\n"])
def test_a_refusal_never_comes_before_the_answer_under_way(hasty: Crew, rest: bytes) -> None:
    with connected(hasty.server) as client:
        client.sendall(redemption(hasty.world) + rest)
        told = until_closed(client)
    assert told.startswith(b"HTTP/1.1 201 ")
    assert told.count(b"HTTP/1.1 ") == 1


def test_the_next_request_that_does_not_come_is_no_slow_body_of_the_last(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        client.sendall(redemption(hasty.world))
        assert answers(client, 1)[0][0] == 201
        client.sendall(b"POST /api")
        assert until_closed(client) == b""


@pytest.mark.parametrize("target", ["a.b:443", "http://x", "http://x:999999/a?t=hidden"])
def test_an_address_without_a_path_is_refused_and_not_logged(hasty: Crew, target: str) -> None:
    with connected(hasty.server) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = until_closed(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "hidden" not in hasty.server.log.read_text("utf-8")


def test_a_body_that_breaks_off_is_refused_at_once(hasty: Crew) -> None:
    key = hasty.world.as_partner()["Authorization"]
    head = [f"POST {PATH} HTTP/1.1", "Host: x", "Content-Type: application/json"]
    head += [f"Authorization: {key}", "Transfer-Encoding: chunked", "Idempotency-Key: broken"]
    with connected(hasty.server) as client:
        client.sendall("\r\n".join([*head, "", ""]).encode() + b"2\r\n{}\r\nno number\r\n")
        answer = until_closed(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_answer_is_not_followed_by_another_for_the_same_request() -> None:
    async def broken() -> bytes:
        async with serving_here(small) as (_, address):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            told = await reader.readuntil(b"{}")
            writer.write(b"no number\r\n")
            told += await reader.read()
            await closed(writer)
        return told

    assert asyncio.run(broken()).count(b"HTTP/1.1 ") == 1


def test_a_body_has_a_time_of_its_own(world: World) -> None:
    begun: list[str] = []

    class Noted(Patience):
        def wait_for(self, slow: Slow) -> None:
            begun.append("wait")
            super().wait_for(slow)

        def came(self, slow: Slow) -> None:
            begun.append("came")
            super().came(slow)

    asked = redemption(world)
    head, _, body = asked.partition(b"\r\n\r\n")

    async def in_pieces() -> None:
        async with (
            running(world.db.settings, system_clock, Metrics()) as runtime,
            serving_here(small, runtime, Noted) as (_, address),
        ):
            reader, writer = await asyncio.open_connection(*address)
            for piece in (head[:20], head[20:] + b"\r\n\r\n", body[:5], body[5:]):
                count = len(begun)
                writer.write(piece)
                while len(begun) == count:
                    await asyncio.sleep(0)
                begun.append("|")
            await reader.read(4096)
            await closed(writer)

    asyncio.run(in_pieces())
    pieces = "".join({"wait": "w", "came": "c", "|": "|"}[each] for each in begun).split("|")
    assert pieces[:3] == ["wcw", "cw", "w"]
    assert pieces[3].startswith("c")


def test_what_comes_behind_a_body_is_no_header(hasty: Crew) -> None:
    number, key = hasty.world.account(), hasty.world.as_partner()["Authorization"]
    body = msgspec.json.encode({"pin": hasty.world.card().pin.digits, "account_number": number})
    head = [f"POST {PATH} HTTP/1.1", "Host: x", "Content-Type: application/json"]
    head += ["Transfer-Encoding: chunked", "Idempotency-Key: trailer", "", ""]
    trailer = f"\r\n0\r\nAuthorization: {key}\r\n\r\n".encode()
    with connected(hasty.server) as client:
        client.sendall("\r\n".join(head).encode() + b"%x\r\n" % len(body) + body + trailer)
        assert answers(client, 1)[0][0] == 401


@pytest.mark.parametrize("line", [b"a: b\r\n", b"x"])
def test_what_comes_behind_a_body_has_an_end(hasty: Crew, line: bytes) -> None:
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    with connected(hasty.server) as client, pytest.raises(ConnectionError):
        client.sendall(head + b"x: ")
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            client.sendall(line * (65_536 // len(line)))


def test_who_is_refused_and_wants_to_go_still_gets_the_answer(hasty: Crew) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000000"
    with connected(hasty.server) as client:
        client.sendall(head.encode() + b"\r\n\r\n" + b"x" * 3_000_000)
        assert until_closed(client).startswith(b"HTTP/1.1 401 ")


def test_a_request_that_comes_byte_by_byte_is_answered(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in redemption(hasty.world):
            client.sendall(bytes([byte]))
        [(status, _, _)] = answers(client, 1)
    assert status == 201


@pytest.mark.parametrize("cut", [0, 40, -1, -5])
@pytest.mark.parametrize("more", ["", "Expect: nothing"])
def test_who_offers_another_protocol_is_answered_in_this_one(
    hasty: Crew, cut: int, more: str
) -> None:
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]
    asked = redemption(hasty.world, *offer, *filter(None, [more]))
    with connected(hasty.server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(asked[:cut])
        for piece, expected in ((asked[cut:], 201), (LIVE, 200)):
            client.sendall(piece)
            [(status, headers, _)] = answers(client, 1)
            assert status == expected
            assert "connection" not in headers


@pytest.mark.parametrize(("version", "more"), [("1.1", ["Connection: close"]), ("1.0", [])])
def test_who_wants_no_more_than_one_answer_gets_it_and_is_let_go(
    hasty: Crew, version: str, more: list[str]
) -> None:
    with connected(hasty.server) as client:
        client.sendall(redemption(hasty.world, *more, version=version))
        answer = until_closed(client)
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b"\r\nconnection: close\r\n" in answer


def test_what_is_no_http_is_refused_in_our_words(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        client.sendall(b"PIN 680419129695212192\r\n\r\n")
        answer = until_closed(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nx-content-type-options: nosniff" in head
    assert msgspec.json.decode(body)["code"] == "request_refused"


def test_a_head_without_end_is_refused(hasty: Crew) -> None:
    with connected(hasty.server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        for _ in range(connection.LONGEST_HEAD // 4096 - 1):
            client.sendall(b"x" * 4096)
        client.sendall(b"x" * 4096)
        answer = until_closed(client)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"head_too_long"' in answer


def test_a_body_that_nobody_reads_any_more_must_come_in_time_too(hasty: Crew) -> None:
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"
    with connected(hasty.server) as client:
        client.sendall(head)
        answer = until_closed(client)
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_who_sends_blank_lines_only_is_cut_off(hasty: Crew) -> None:
    ended = threading.Event()
    with connected(hasty.server) as client:

        def send() -> None:
            try:
                while not ended.wait(0.1):
                    client.sendall(b"\r\n")
            except OSError:
                pass  # cut off, as it should be

        sender = threading.Thread(target=send)
        sender.start()
        try:
            answer = until_closed(client)
        except ConnectionError:
            answer = b""
        finally:
            ended.set()
            sender.join()
    assert answer == b""


def test_what_is_under_way_is_answered_before_the_server_ends(run: Run, scratch: Path) -> None:
    with furnished(run, scratch, "postgresql") as world:
        settings = replace(world.db.settings, lock_timeout_ms=60_000)
        stuck = world.account()
        with (
            serving(settings, scratch / "log") as server,
            connected(server) as client,
            connected(server) as idle,
            connected(server) as half,
        ):
            slow = redemption(world, "Expect: nothing")
            half.sendall(slow[:-10])
            with held_up(world, stuck):
                client.sendall(redemption(world, account=stuck))
                wait_for_lock_waiters(world.db, 1)
                server.process.terminate()
                assert until_closed(idle) == b""  # it has begun to end
            half.sendall(slow[-10:])
            told = [answers(each, 1)[0] for each in (client, half)]
            assert server.process.wait(60) == 0
    assert [(status, headers["connection"]) for status, headers, _ in told] == [(201, "close")] * 2


def test_one_connection_too_many_is_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 1)

    async def three() -> list[bytes]:
        async with serving_here(small) as (server, address):
            told = []
            reader, first = await asyncio.open_connection(*address)
            first.write(LIVE)
            told.append(await reader.read(4096))
            for is_beside in (True, False):
                if not is_beside:
                    await closed(first)
                    while server.server_state.connections:
                        await asyncio.sleep(0)
                reader, writer = await asyncio.open_connection(*address)
                writer.write(LIVE)
                told.append(await reader.read(4096))
                await closed(writer)
        return told

    first, second, third = asyncio.run(three())
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in second
    assert b"\r\nconnection: close\r\n" in second
    assert third.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("reads", [True, False])
def test_who_takes_nothing_of_an_answer_is_cut_off_and_who_reads_slowly_is_not(reads: bool) -> None:
    async def slow() -> int:
        async with serving_here(large) as (server, address):
            reader, writer = await asyncio.open_connection(*address, limit=1024)
            writer.write(LIVE)
            while not (served := list(server.server_state.connections)):
                await asyncio.sleep(0)
            [made] = cast("list[Connection]", served)
            while not made.flow.write_paused:
                await asyncio.sleep(0)
            taken = 0
            if reads:
                before = made.transport.get_write_buffer_size()
                while made.transport.get_write_buffer_size() > before - connection.LEAST_TAKEN:
                    taken += len(await reader.read(65_536))
            made.give_up()
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(65_536):
                    taken += len(part)
                    if taken > LARGE:
                        break
            await closed(writer)
        return taken

    assert (asyncio.run(slow()) > LARGE) is reads


def test_nothing_is_left_of_a_connection_that_has_ended(world: World) -> None:
    asked = [redemption(world), LIVE, redemption(world, key="wnp_nobody")] * 3

    async def some() -> int:
        async with (
            running(world.db.settings, system_clock, Metrics()) as runtime,
            serving_here(small, runtime) as (server, address),
        ):
            for each in asked:
                reader, writer = await asyncio.open_connection(*address)
                writer.write(each)
                assert (await reader.read(4096)).startswith(b"HTTP/1.1 20")
                await closed(writer)
            while server.server_state.connections:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            return sum(type(each) in (Connection, Arrival) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(some()) == 0
    finally:
        gc.enable()
