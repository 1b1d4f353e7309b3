"""Waiting for what another thread or process does to a database."""

import time

from core.db import Database

_LONG_S = 60


def waits_for_a_lock(db: Database, count: int = 1) -> bool:
    """Tell whether so many transactions of this PostgreSQL database wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.read() as session:
        found: int = session.connection.exec_driver_sql(waiting).scalar_one()
    return found >= count


def wait_for_lock_waiters(db: Database, count: int) -> None:
    """Return when so many transactions of this database wait for a lock; a minute at most."""
    deadline = time.monotonic() + _LONG_S
    while not waits_for_a_lock(db, count):
        assert time.monotonic() < deadline, "the transactions did not come to wait for each other"
        time.sleep(0.001)
