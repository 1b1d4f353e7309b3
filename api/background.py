"""Threads that work beside the requests: they are told to stop, and waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from api.actions import ACTIONS
from audit.counters import roll_up
from core.db import Database
from distribution.sealed_pins import clear_expired
from redemption.watch import watch
from staff.approvals import close_expired
from vouchers.generation import recover_unfinished

ROUND_S = 60
"""How often a process looks for what others left behind."""

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
    """Every minute look for attacks, clear away what others left behind, and count.

    Outlives outages of the database.
    """
    while not stop.wait(ROUND_S):
        for work in (
            partial(watch, db),
            partial(clear_away, db, holder_id),
            partial(roll_up, db),
        ):
            try:
                work()
            except Exception as error:
                _log.error("round_failed", error=type(error).__name__)


def clear_away(db: Database, holder_id: int) -> None:
    """Clear away batches left half made, approvals nobody decided, PINs nobody fetched."""
    voided = recover_unfinished(db, holder_id)
    if voided:
        _log.warning("unfinished_batches_voided", batches=len(voided))
    expired = close_expired(db, ACTIONS)
    if expired:
        _log.info("approvals_expired", approvals=len(expired))
    forgotten = clear_expired(db)
    if forgotten:
        _log.warning("sealed_pins_expired", pins=forgotten)
