"""A child process of a worker: the engine in an interpreter of its own (decision 0024).

It lives as long as the worker holds the other end of the socket that is its standard input.
"""

import gc
import os
import signal
import socket
from dataclasses import replace

from core import log
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings, load
from core.unswept import SWEEPS
from redemption import wire
from redemption.engine import Redeemer
from vouchers.lookup import ArgonPool

_CONNECTIONS = 2
"""A list's, and that of the numbers it leases meanwhile."""
_STANDARD_INPUT = 0


def main() -> None:
    """Carry out the lists that the worker sends, one after the other, until it is gone."""
    # Signals to stop reach the whole group; the worker decides when its lists are done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = share(load(os.environ))
    log.configure(settings.log_format)
    gc.set_threshold(*SWEEPS)
    redeemer = Redeemer(Database(settings), Keys(settings.key_file), ArgonPool(settings))
    carry_out(socket.socket(fileno=_STANDARD_INPUT), redeemer)


def share(settings: Settings) -> Settings:
    """Return the settings of one child: its part of what a worker may do at once."""
    parts = max(1, settings.engine_processes)
    return replace(
        settings,
        pool_size=_CONNECTIONS,
        argon2_threads=max(1, settings.argon2_threads // parts),
        argon2_queue=settings.argon2_queue // parts,
    )


def carry_out(worker: socket.socket, redeemer: Redeemer) -> None:
    """Say that it is ready, then answer list after list until the other end is closed."""
    try:
        with worker, worker.makefile("rb") as sent:
            worker.sendall(wire.frame(b""))
            while len(head := sent.read(wire.HEAD_BYTES)) == wire.HEAD_BYTES:
                payload = sent.read(wire.payload_bytes(head))
                outcomes = redeemer.redeem(wire.requests_of(payload))
                worker.sendall(wire.frame(wire.outcomes_to(outcomes)))
    except ConnectionError:
        pass  # the worker is gone; what was committed is found when it is asked for again
