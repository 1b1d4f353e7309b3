"""A load generator over raw sockets: closed loop for rates, open loop for latency and overload.

Requests are whole byte strings made before the clock starts. Every reply is read to its end and
counted; nothing is left under way at the end, so what was acknowledged is known exactly.
"""

import gc
import math
import random
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.errors import CheckFailed, expect
from bench.server import HOST

SAMPLE_EACH = 50
GRACE_S = 3.0
"""So long after the last request was due an overloaded server may still answer."""
_PATIENCE_S = 60.0
_CONNECT_S = 1.0
_RECEIVE = 1 << 16
_SILENT = "the server did not answer in time"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "

Judge = Callable[[bytes, bytes], int]
"""Is told the status (3 digits) and the body of a reply; returns how much of it is acknowledged."""


@dataclass
class Replies:
    """What came of a load.

    `times_s` and `latencies_s` hold, for each acknowledged request, when it was due (since the
    start) and how long it took from then; `refused_s` when the others were due; `samples` are
    (index of request, head, body).
    """

    acknowledged: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    sent: int = 0
    unsent: int = 0
    unanswered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    samples: list[tuple[int, bytes, bytes]] = field(default_factory=list, repr=False)

    @property
    def rate(self) -> float:
        """Acknowledged effects a second."""
        return self.acknowledged / self.seconds if self.seconds else math.nan


class _Connection:
    """A socket, and the request under way on it."""

    __slots__ = ("buffer", "due", "index", "socket", "wanted")

    def __init__(self, port: int, patience_s: float = _PATIENCE_S) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=patience_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.wanted = 0
        self.due = 0.0
        self.index = -1

    def send(self, request: bytes, index: int, due: float) -> None:
        self.buffer, self.wanted, self.due, self.index = b"", 0, due, index
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what is there; tell whether the reply is complete."""
        data = self.socket.recv(_RECEIVE)
        if not data:
            raise CheckFailed("the server closed a connection in the middle of a request")
        self.buffer = self.buffer + data if self.buffer else data
        if not self.wanted:
            self.wanted = _wanted(self.buffer)
        return 0 < self.wanted <= len(self.buffer)

    def reply(self) -> tuple[bytes, bytes, bytes]:
        """Return status, head and body of the complete reply."""
        head, _, body = self.buffer.partition(_HEAD_END)
        return self.buffer[9:12], head, body


def closed_loop(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, judge: Judge
) -> Replies:
    """Keep every connection busy until the time or the requests are used up."""
    replies = Replies()
    with _connected(port, connections) as (by_fd, poll), _measuring(replies):
        started = time.perf_counter()
        end = started + seconds
        coming = iter(enumerate(requests))
        busy = sum(_send_next(each, coming, started) for each in by_fd.values())
        while busy:
            ready = poll.poll(_PATIENCE_S)
            expect(bool(ready), _SILENT)
            for fd, _ in ready:
                connection = by_fd[fd]
                if not connection.receive():
                    continue
                now = time.perf_counter()
                _note(replies, connection, judge, started, now)
                if now >= end or not _send_next(connection, coming, now):
                    busy -= 1
        replies.seconds = time.perf_counter() - started
    return replies


def open_loop(
    port: int,
    requests: Sequence[bytes],
    due_s: Sequence[float],
    connections: int,
    judge: Judge,
    *,
    drop: bool = False,
) -> Replies:
    """Send each request when it is due, whatever became of the others.

    Latency counts from the instant a request was due, not from when it could be sent. Where all
    connections are busy it waits its turn. With `drop` it is given up (`unsent`), as many
    connections are used as the server takes, and what has no answer after GRACE_S is left alone
    (`unanswered`): the server may carry it out or not.
    """
    replies = Replies()
    with _connected(port, connections, drop) as (by_fd, poll), _measuring(replies):
        free, total, index = list(by_fd.values()), len(requests), 0
        started = last = time.perf_counter()
        end = (due_s[-1] if total else 0.0) + GRACE_S
        while index < total or len(free) < len(by_fd):
            now = time.perf_counter() - started
            if drop and now > end:
                break
            while index < total and due_s[index] <= now and (free or drop):
                if free:
                    free.pop().send(requests[index], index, started + due_s[index])
                else:
                    replies.unsent += 1
                index += 1
            # An epoll waits whole milliseconds only; select on it is exact.
            pause = _pause(due_s, index, drop or bool(free), started)
            ready, _, _ = select.select([poll], [], [], min(pause, _CONNECT_S) if drop else pause)
            expect(bool(ready) or drop or pause < _PATIENCE_S, _SILENT)
            for fd, _ in poll.poll(0):
                if by_fd[fd].receive():
                    last = time.perf_counter()
                    _note(replies, by_fd[fd], judge, started, last)
                    free.append(by_fd[fd])
        replies.seconds = last - started
        replies.unanswered = len(by_fd) - len(free)
    return replies


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return when independent customers come: so many a second on average, as pgbench -R does."""
    draw = random.Random(seed)  # noqa: S311 - a schedule, no secret
    times, at = [], 0.0
    while (at := at + draw.expovariate(rate)) < seconds:
        times.append(at)
    return times


def steady(rate: float, seconds: float) -> list[float]:
    """Return evenly spaced instants."""
    return [i / rate for i in range(int(rate * seconds))]


@contextmanager
def _connected(
    port: int, count: int, fewer: bool = False
) -> Iterator[tuple[dict[int, _Connection], select.epoll]]:
    """Open the connections; with `fewer`, only as many as the server takes."""
    poll = select.epoll()  # first of all: select() knows low descriptors only
    made = [_Connection(port)]
    try:
        while len(made) < count:
            made.append(_Connection(port, _CONNECT_S if fewer else _PATIENCE_S))
    except TimeoutError:
        expect(fewer, "the server took no more connections")
    try:
        for each in made:
            poll.register(each.socket.fileno(), select.EPOLLIN)
        yield {each.socket.fileno(): each for each in made}, poll
    finally:
        poll.close()
        for each in made:
            each.socket.close()


@contextmanager
def _measuring(replies: Replies) -> Iterator[None]:
    """Count this thread's CPU, and keep the garbage collector out of the way."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    started = time.thread_time()
    try:
        yield
    finally:
        replies.cpu_s = time.thread_time() - started
        if was_on:
            gc.enable()


def _send_next(connection: _Connection, coming: Iterator[tuple[int, bytes]], now: float) -> bool:
    for index, request in coming:
        connection.send(request, index, now)
        return True
    return False


def _note(
    replies: Replies, connection: _Connection, judge: Judge, started: float, now: float
) -> None:
    status, head, body = connection.reply()
    replies.sent += 1
    replies.statuses[status.decode("ascii")] += 1
    worth = judge(status, body)
    if worth:
        replies.acknowledged += worth
        replies.times_s.append(connection.due - started)
        replies.latencies_s.append(now - connection.due)
    else:
        replies.refused_s.append(connection.due - started)
    if replies.sent % SAMPLE_EACH == 1:
        replies.samples.append((connection.index, head, body))


def _wanted(buffer: bytes) -> int:
    """Return the length of the whole reply, 0 while its head is not complete."""
    end = buffer.find(_HEAD_END)
    if end < 0:
        return 0
    at = buffer.lower().find(_LENGTH, 0, end)
    expect(at >= 0, "a reply without its length")
    start = at + len(_LENGTH)
    return end + len(_HEAD_END) + int(buffer[start : buffer.find(b"\r\n", start)])


def _pause(due_s: Sequence[float], index: int, may_send: bool, started: float) -> float:
    if index >= len(due_s) or not may_send:
        return _PATIENCE_S
    return max(0.0, started + due_s[index] - time.perf_counter())
