"""Threads that work beside the requests: they are told to stop, and waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from core.db import Database
from vouchers.generation import recover_unfinished

ROUND_S = 60
"""How often a process looks for batches that a dead one left half made."""

_END_S = 10
_log = structlog.get_logger("wanneng.api")


@contextmanager
def background(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread; at the end set the event it was given, and wait for it."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END_S)


def rounds(db: Database, holder_id: int, stop: threading.Event) -> None:
    """Every minute make void what a dead process left half made; outlives database outages."""
    while not stop.wait(ROUND_S):
        try:
            voided = recover_unfinished(db, holder_id)
        except Exception as error:
            _log.error("round_failed", error=type(error).__name__)
            continue
        if voided:
            _log.warning("unfinished_batches_voided", batches=len(voided))
