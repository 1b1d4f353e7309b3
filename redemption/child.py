"""A child process of a worker: the engine in an interpreter of its own (decision 0024).

It lives as long as the worker holds the other end of the socket that is its standard input.
"""

import gc
import socket
from collections.abc import Iterator
from typing import BinaryIO

from core import log
from core.db import Database
from core.keyfile import Keys
from core.unswept import SWEEPS_OF_LISTS
from redemption import wire
from redemption.engine import Redeemer
from vouchers.lookup import ArgonPool

_STANDARD_INPUT = 0


def main() -> None:
    """Carry out the lists that the worker sends, one after the other, until it is gone."""
    gc.set_threshold(*SWEEPS_OF_LISTS)
    try:
        with socket.socket(fileno=_STANDARD_INPUT) as worker:
            carry_out(worker)
    except ConnectionError:
        pass  # the worker is gone; what was committed is found when it is asked for again


def carry_out(worker: socket.socket) -> None:
    """Take the settings, say that it is ready, then answer list after list.

    Returns when the other end is closed; ConnectionError where that is found by an answer.
    """
    with worker.makefile("rb") as stream:
        sent = _payloads(stream)
        first = next(sent, None)
        if first is None:
            return
        redeemer = _engine(first)
        worker.sendall(wire.frame(b""))
        for payload in sent:
            outcomes = redeemer.redeem(wire.requests_of(payload))
            worker.sendall(wire.frame(wire.outcomes_to(outcomes)))


def _engine(payload: bytes) -> Redeemer:
    settings = wire.settings_of(payload)
    log.configure(settings.log_format)
    return Redeemer(Database(settings), Keys(settings.key_file), ArgonPool(settings))


def _payloads(stream: BinaryIO) -> Iterator[bytes]:
    while len(head := stream.read(wire.HEAD_BYTES)) == wire.HEAD_BYTES:
        payload = stream.read(wire.payload_bytes(head))
        if len(payload) < wire.payload_bytes(head):
            return
        yield payload
