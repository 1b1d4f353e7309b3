"""What an error of the database tells, whichever database it is."""

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_RETRY_STATES = {"40001", "40P01"}  # serialization failure, deadlock
_LOCK_TIMEOUT_STATE = "55P03"
_UNIQUE_STATE = "23505"


def is_unique_violation(error: IntegrityError) -> bool:
    """Tell a repeated key from other broken constraints."""
    return _state(error) == _UNIQUE_STATE or _says(error, "UNIQUE")


def is_retryable(error: DBAPIError) -> bool:
    """Tell whether the transaction lost against another one and may simply be repeated."""
    return _state(error) in _RETRY_STATES


def is_lock_timeout(error: DBAPIError) -> bool:
    """Tell whether a row was locked by another for longer than we wait."""
    return _state(error) == _LOCK_TIMEOUT_STATE


def is_sqlite_busy(error: DBAPIError) -> bool:
    """Tell whether another process has been writing to the embedded database for 30 s."""
    return _says(error, "database is locked")


def is_away(error: Exception) -> bool:
    """Tell whether another transaction is taken to fare as this one, whatever it is about.

    No connection could be had, or one was lost at the end of a transaction, or on SQLite another
    process goes on writing.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    return not is_retryable(error) and (error.statement is None or is_sqlite_busy(error))


def _says(error: DBAPIError, words: str) -> bool:
    """Tell whether SQLite says so; PostgreSQL has states, and its texts quote what was sent."""
    return not hasattr(error.orig, "sqlstate") and words in str(error.orig)


def _state(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
