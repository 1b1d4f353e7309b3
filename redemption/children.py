"""The child processes of a worker, seen from the worker: started, given lists, replaced."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import cast

import structlog

from core.settings import Settings
from redemption import wire
from redemption.requests import Outcome, RedeemRequest

CONNECTIONS = 2
"""Of a child to the database: a list's, and that of the numbers it leases meanwhile."""

_REST_S = (1, 60)
"""So long after one was lost another is started; twice as long each time that none comes up."""
_START_S = 60
_ANSWER_S = 600
"""Longer than a list takes whose requests all wait for locks, one by one."""
_END_S = 10

_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.path[:] = sys.argv[1:]
from redemption.child import main
main()
"""
"""Signals to stop reach the whole group, and the worker decides when its lists are done. The path
is the worker's own: what it runs must be of the same version."""
_log = structlog.get_logger(__name__)


class ChildLost(Exception):
    """A process ended with a list that it was given: what became of it only the database knows."""


def share(settings: Settings) -> Settings:
    """Return the settings of one child: its part of what its worker may compute at once."""
    threads = max(1, settings.argon2_threads // max(1, settings.engine_processes))
    return replace(settings, pool_size=CONNECTIONS, argon2_threads=threads)


class Children:
    """Processes with the engine, each for one list at a time; none before `begin`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = share(settings)
        self._free: list[_Child] = []
        self._kept: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Have them started beside what else is done; does nothing where that was said before."""
        if not self._kept:
            count = self._settings.engine_processes
            self._kept = [asyncio.create_task(self._keep()) for _ in range(count)]

    @property
    def free(self) -> int:
        """How many wait for a list."""
        return len(self._free)

    async def redeem(self, requests: Sequence[RedeemRequest]) -> list[Outcome] | None:
        """Return the engine's answers; None where no process is free, or none can be given these.

        Raises ChildLost.
        """
        if not self._free:
            return None
        try:
            payload = wire.requests_to(requests)
        except (UnicodeError, OverflowError):  # half a sign, or a number beyond all serials
            return None
        child = self._free.pop()
        try:
            async with asyncio.timeout(_ANSWER_S):
                outcomes = wire.outcomes_of(await child.ask(payload))
        except BaseException as error:
            child.abandon()  # it may still answer, and that would be taken for another list's
            if isinstance(error, Exception):
                raise ChildLost from error
            raise
        self._free.append(child)
        return outcomes

    async def close(self) -> None:
        """End them all; they have no lists any more."""
        for task in self._kept:
            task.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)

    async def _keep(self) -> None:
        """Have one process all the time."""
        rest_s, longest_s = _REST_S
        while True:
            with suppress(ChildLost, TimeoutError, OSError):
                async with _started(self._settings) as child:
                    rest_s = _REST_S[0]
                    await self._offer(child)
            _log.error("engine_process_lost")
            await asyncio.sleep(rest_s)
            rest_s = min(2 * rest_s, longest_s)

    async def _offer(self, child: "_Child") -> None:
        self._free.append(child)
        try:
            await child.lost.wait()
        finally:
            if child in self._free:
                self._free.remove(child)


class _Child(asyncio.Protocol):
    """The worker's end of the socket."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by name

    def abandon(self) -> None:
        """Be lost from now on; the process ends when it finds out."""
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, payload: bytes) -> bytes:
        """Send a payload and return the one that answers it; ChildLost where the process ends."""
        if self._transport is None or self.lost.is_set():
            raise ChildLost
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(wire.frame(payload))
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = bytes(self._received[: wire.HEAD_BYTES])
        if len(head) < wire.HEAD_BYTES:
            return
        end = wire.HEAD_BYTES + wire.payload_bytes(head)
        if len(self._received) < end or self._waiting is None:
            return
        payload = bytes(self._received[wire.HEAD_BYTES : end])
        del self._received[:end]
        if not self._waiting.done():
            self._waiting.set_result(payload)

    def connection_lost(self, _: Exception | None) -> None:
        self.lost.set()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ChildLost())


@asynccontextmanager
async def _started(settings: Settings) -> AsyncGenerator[_Child]:
    """Start a process, and end it after the block; OSError or TimeoutError where it does not come.

    Whatever happens to this one, it ends when our end of the socket does.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    process = _start(theirs)  # milliseconds, once in a process's life
    transport, child = await asyncio.get_running_loop().create_connection(_Child, sock=ours)
    try:
        async with asyncio.timeout(_START_S):
            await child.ask(wire.settings_to(settings))
        yield child
    finally:
        transport.close()
        await asyncio.to_thread(_end, process)


def _start(theirs: socket.socket) -> "subprocess.Popen[bytes]":
    with theirs:
        command = [sys.executable, "-P", "-c", _PROGRAM, *sys.path]
        return subprocess.Popen(command, stdin=theirs.fileno())  # noqa: S603 - our own program


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
