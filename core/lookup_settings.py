"""How PostgreSQL carries out a transaction that looks up, locks and writes single rows."""

from sqlalchemy import Text, bindparam, func, select

from core.db import Session
from core.trips import ask

_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # where there is no index the plan would seem dear enough for it
}
_WAIT = func.coalesce(bindparam("limit", type_=Text()), func.current_setting("lock_timeout"))
_SET = select(
    func.set_config("lock_timeout", _WAIT, True),
    *(func.set_config(name, value, True) for name, value in _PLANS.items()),
)


def set_for_lookups(session: Session, lock_timeout_ms: int | None = None) -> None:
    """Have what the transaction prepares planned once, by indexes alone, for lists of any length.

    So a plan made when a table was small stays right as it grows (decision 0026). With
    `lock_timeout_ms` it waits for any one lock for as long at most. On SQLite there is no choice of
    plans, and nobody writes beside it.
    """
    if not session.is_sqlite:
        limit = None if lock_timeout_ms is None else str(lock_timeout_ms)
        ask(session, _SET, {"limit": limit}, lambda _: None)
