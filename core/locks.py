"""How long a transaction waits for what others have locked."""

from sqlalchemy import Text, bindparam, func, select

from core.db import Session
from core.trips import ask

_LIMIT = select(func.set_config("lock_timeout", bindparam("limit", type_=Text()), True))


def limit_waiting(session: Session, limit_ms: int) -> None:
    """Let this transaction wait for any one lock at most so many milliseconds.

    On PostgreSQL; on SQLite nobody writes beside it.
    """
    if not session.is_sqlite:
        ask(session, _LIMIT, {"limit": str(limit_ms)}, lambda _: None)
