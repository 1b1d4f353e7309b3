"""The child processes of a worker, seen from the worker: started, given lists, replaced."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

import structlog

from redemption import wire
from redemption.requests import Outcome, RedeemRequest

_REST_S = 1
"""So long after one was lost another is started."""
_START_S = 60
_END_S = 10

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from redemption.child import main; main()"
"""With the worker's own path: what it runs must be of the same version."""
_log = structlog.get_logger(__name__)


class ChildLost(Exception):
    """A process ended with a list that it was given: what became of it only the database knows."""


class Children:
    """`count` processes, each with the engine, for one list at a time; none before `begin`."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free: list[_Child] = []
        self._kept: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Have them started beside what else is done; does nothing where that was said before."""
        if not self._kept:
            self._kept = [asyncio.create_task(self._keep()) for _ in range(self._count)]

    async def redeem(self, requests: Sequence[RedeemRequest]) -> list[Outcome] | None:
        """Return the engine's answers; None where no process is free. Raises ChildLost."""
        if not self._free:
            return None
        child = self._free.pop()
        outcomes = await child.redeem(requests)
        self._free.append(child)
        return outcomes

    async def close(self) -> None:
        """End them all; they have no lists any more."""
        for task in self._kept:
            task.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)

    async def _keep(self) -> None:
        """Have one process all the time."""
        while True:
            with suppress(ChildLost, TimeoutError, OSError):
                async with _started() as child:
                    self._free.append(child)
                    await child.lost.wait()
                    if child in self._free:
                        self._free.remove(child)
            _log.error("engine_process_lost")
            await asyncio.sleep(_REST_S)


class _Child(asyncio.Protocol):
    """The worker's end of the socket."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by name

    async def redeem(self, requests: Sequence[RedeemRequest]) -> list[Outcome]:
        """Return the answers to a list; ChildLost where the process ends before."""
        answer = self.next_frame()
        if self._transport is not None:
            self._transport.write(wire.frame(wire.requests_to(requests)))
        return wire.outcomes_of(await answer)

    def next_frame(self) -> "asyncio.Future[bytes]":
        """Return the payload that will come; ChildLost where none can."""
        if self.lost.is_set():
            raise ChildLost
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

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
async def _started() -> AsyncGenerator[_Child]:
    """Start a process, and end it after the block; OSError or TimeoutError where it does not come.

    Whatever happens to this one, it ends when our end of the socket does.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    process = await asyncio.to_thread(_start, theirs)
    transport, child = await asyncio.get_running_loop().create_connection(_Child, sock=ours)
    try:
        async with asyncio.timeout(_START_S):
            await child.next_frame()
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
