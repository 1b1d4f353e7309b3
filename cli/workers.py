"""The worker processes of a server: as many as asked for, replaced when they die, ended in order.

They are forked from a process that has one thread and no connections, so that each has what that
one has loaded. Each listens on a socket of its own, and the kernel deals connections out to them.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FrameType

import structlog

_fork = get_context("fork")
_log = structlog.get_logger("wanneng.serve")

_REST_S = 1.0
"""So long after one was started at the earliest another takes its place."""
_SOON_S = 20.0
"""One that dies so soon may not be able to serve; two in a row are not."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Workers:
    """Processes that each do `work`, which ends in order at SIGTERM or SIGINT."""

    def __init__(self, count: int, work: Callable[[], None], end_after_s: float) -> None:
        self._count = count
        self._work = work
        self._end_after_s = end_after_s
        self._running: dict[ForkProcess, float] = {}
        self._died_soon = 0
        self._has_started = False
        self._told_to_end, self._tell = os.pipe()
        self._life, self._our_life = os.pipe()

    def keep(self) -> bool:
        """Keep them until a signal says stop, then end them; False where they cannot serve.

        One that has not ended in time then is killed.
        """
        for number in _SIGNALS:
            signal.signal(number, self._end)
        try:
            while self._died_soon < 2 and not self._is_to_end(0):
                are_all_there = self._start_missing()
                watched = [self._told_to_end, *(each.sentinel for each in self._running)]
                connection.wait(watched, None if are_all_there else _REST_S)
                self._bury()
        finally:
            self._end_all()
        return self._died_soon < 2

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        os.write(self._tell, b"x")

    def _is_to_end(self, timeout_s: float) -> bool:
        return bool(connection.wait([self._told_to_end], timeout_s))

    def _start_missing(self) -> bool:
        """Start what is missing; False where that must be tried again, OSError the first time."""
        while len(self._running) < self._count:
            process, before = _fork.Process(target=self._live), _descriptors()
            # A signal that reached it while it is still as we are would be taken for one to us.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            try:
                process.start()
            except OSError as error:
                for left in _descriptors() - before:  # each failure leaves some open
                    with suppress(OSError):
                        os.close(left)
                if not self._has_started:
                    raise
                _log.error("worker_not_started", error=str(error))
                return False
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._running[process] = time.monotonic()
            self._has_started = True
        return True

    def _live(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(self._our_life)
        threading.Thread(target=self._end_with_parent, daemon=True).start()
        self._work()

    def _end_with_parent(self) -> None:
        """End as if told to when the parent is gone: nobody else would, and the port stay taken."""
        os.read(self._life, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _bury(self) -> None:
        """Forget those that have died, after a rest."""
        for process in [process for process in self._running if not process.is_alive()]:
            lived_s = time.monotonic() - self._running.pop(process)
            _log.error("worker_died", pid=process.pid, exit_code=process.exitcode)
            self._died_soon = self._died_soon + 1 if lived_s < _SOON_S else 0
            if self._died_soon < 2 and lived_s < _REST_S:
                self._is_to_end(_REST_S - lived_s)  # waits for as long, or until it is to end

    def _end_all(self) -> None:
        for process in self._running:
            process.terminate()
        deadline = time.monotonic() + self._end_after_s
        for process in self._running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                _log.error("worker_killed", pid=process.pid)
                process.kill()
                process.join()


def _descriptors() -> set[int]:
    """Return those that are open; that of the look itself is no more."""
    listed = [int(each.name) for each in Path("/dev/fd").iterdir()]
    return {number for number in listed if _is_open(number)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def bound(host: str, port: int, *, is_shared: bool) -> socket.socket:
    """Return a socket of an address, which other workers may have, too, where it is shared.

    OSError where it is taken.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_shared)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
