"""What each process does once a minute beside its requests, and waits for at its end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog

from api.actions import ACTIONS
from api.background import background
from api.runtime import Runtime
from audit.counters import roll_up
from core.db import Database
from core.errors import ConfigurationError, NotFound
from distribution.parties import warehouse_id
from distribution.sealed_pins import clear_expired
from redemption.watch import watch
from staff.approvals import close_expired
from vouchers.generation import recover_unfinished, wait_for_generations

ROUND_S = 60
"""How often a process looks for what others left behind."""

_END_S = 20
_log = structlog.get_logger("wanneng.api")


@asynccontextmanager
async def upkeep(runtime: Runtime) -> AsyncIterator[None]:
    """Go the rounds while the block runs; then wait a while for batches that are being made.

    Raises ConfigurationError where no warehouse holds what the rounds clear away.
    """
    holder_id = await asyncio.to_thread(_holder_id, runtime.db)
    with background("rounds", lambda stop: rounds(runtime.db, holder_id, stop)):
        try:
            yield
        finally:
            await asyncio.to_thread(wait_for_generations, _END_S)


def rounds(db: Database, holder_id: int, stop: threading.Event) -> None:
    """Clear away at once what others left behind; every minute do so again, watch and count.

    Outlives outages of the database.
    """
    _try_each(partial(clear_away, db, holder_id))
    while not stop.wait(ROUND_S):
        _try_each(partial(watch, db), partial(clear_away, db, holder_id), partial(roll_up, db))


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


def _holder_id(db: Database) -> int:
    with db.read() as session:
        try:
            return warehouse_id(session)
        except NotFound as error:
            raise ConfigurationError(error.message) from error


def _try_each(*works: Callable[[], object]) -> None:
    for work in works:
        try:
            work()
        except Exception as error:
            _log.error("round_failed", error=type(error).__name__)
