"""The load generator counts every reply, whatever pieces it comes in, and keeps its schedule."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from bench import load
from bench.errors import CheckFailed
from bench.load import arrivals, closed_loop, open_loop, steady


class Answering:
    """A server that answers each request with the status named in it, byte by byte if asked."""

    def __init__(self, piece: int) -> None:
        self._piece = piece
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(1 << 16):
                text = request.decode()
                if text == "hang up":
                    return
                with self._lock:
                    self.seen[text] += 1
                reply = f"HTTP/1.1 {text} -\r\nContent-Length: 4\r\n\r\nbody".encode()
                for start in range(0, len(reply), self._piece):
                    connection.sendall(reply[start : start + self._piece])


@pytest.fixture(params=[1, 1_000], ids=["byte by byte", "at once"])
def server(request: pytest.FixtureRequest) -> Iterator[Answering]:
    """A server on loopback."""
    answering = Answering(request.param)
    yield answering
    answering.close()


def _good(status: bytes, body: bytes) -> int:
    assert body == b"body"
    return int(status == b"201")


def test_a_closed_loop_counts_every_reply_once(server: Answering) -> None:
    requests = [b"201", b"503", b"201"] * 20
    replies = closed_loop(server.port, requests, 4, 30, _good)
    assert replies.acknowledged == len(replies.latencies_s) == 40
    assert replies.statuses == {"201": 40, "503": 20}
    assert server.seen == {"201": 40, "503": 20}
    assert len(replies.refused_s) == 20
    assert [body for _, _, body in replies.samples] == [b"body", b"body"]


def test_a_closed_loop_leaves_nothing_under_way_when_time_is_up(server: Answering) -> None:
    replies = closed_loop(server.port, [b"201"] * 1_000_000, 4, 0.0, _good)
    assert replies.sent == replies.acknowledged == sum(server.seen.values()) >= 4


def test_an_open_loop_sends_all_and_waits_for_all(server: Answering) -> None:
    due = steady(1_000, 0.1)
    replies = open_loop(server.port, [b"201"] * len(due), due, 2, _good)
    assert replies.acknowledged == len(due) == sum(server.seen.values())
    assert sorted(replies.times_s) == pytest.approx(due, abs=1e-6)
    assert min(replies.latencies_s) > 0


def test_an_open_loop_may_give_up_what_finds_no_connection(server: Answering) -> None:
    replies = open_loop(server.port, [b"201"] * 500, [0.0] * 500, 1, _good, drop=True)
    assert replies.sent + replies.unsent == 500
    assert replies.unsent > 0
    assert replies.acknowledged == replies.sent


def test_a_connection_that_is_cut_is_no_reply(server: Answering) -> None:
    with pytest.raises(CheckFailed):
        closed_loop(server.port, [b"hang up"], 1, 1, _good)


def test_customers_come_as_often_as_was_said_and_the_same_again() -> None:
    times = arrivals(1_000, 2, seed=3)
    assert times == sorted(times) == arrivals(1_000, 2, seed=3)
    assert 1_800 < len(times) < 2_200
    assert times[-1] < 2


def test_what_an_overloaded_server_never_answers_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "GRACE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        replies = open_loop(port, [b"201"] * 5, [0.0] * 5, 3, _good, drop=True)
    assert (replies.unanswered, replies.unsent, replies.acknowledged) == (3, 2, 0)


def test_only_as_many_connections_are_used_as_a_server_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "GRACE_S", 0.2)
    monkeypatch.setattr(load, "_CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        port = full.getsockname()[1]
        replies = open_loop(port, [b"201"] * 50, [0.0] * 50, 50, _good, drop=True)
    assert 0 < replies.unanswered < 50
    assert replies.unanswered + replies.unsent == 50
