"""How PostgreSQL carries out a transaction that looks up, locks and writes single rows."""

from sqlalchemy import text

from core.db import Session
from core.trips import ask

_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # where there is no index the plan would seem dear enough for it
}
_SET = text(
    "SELECT set_config('lock_timeout',"
    " coalesce(CAST(:limit AS text), current_setting('lock_timeout')), true)"
    + "".join(f", set_config('{name}', '{value}', true)" for name, value in _PLANS.items())
).columns()


def set_for_lookups(session: Session, lock_timeout_ms: int | None = None) -> None:
    """Have the rest of the transaction planned once, for lists of any length, by indexes.

    To be asked first in its trip. So a plan made when a table was small stays right as it grows,
    provided neither these settings nor the statement's text allow another join (decision 0026).
    With `lock_timeout_ms` it waits for any one lock for as long at most. On SQLite nothing is set.
    """
    if session.is_sqlite:
        return
    session.is_for_lookups = True
    limit = None if lock_timeout_ms is None else str(lock_timeout_ms)
    ask(session, _SET, {"limit": limit}, lambda _: None)
