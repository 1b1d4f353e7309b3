"""What an error of the database tells."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.db_errors import is_away, is_retryable, is_unique_violation


def error(orig: Exception, statement: str | None = "SELECT 1") -> DBAPIError:
    return OperationalError(statement, None, orig)


@pytest.mark.parametrize(
    ("met", "away"),
    [
        (error(psycopg.OperationalError("nobody answers"), None), True),
        (error(psycopg.OperationalError("closed unexpectedly")), False),
        (error(psycopg.errors.LockNotAvailable("in use")), False),
        (error(psycopg.errors.SerializationFailure("at the commit"), None), False),
        (error(sqlite3.OperationalError("database is locked"), "BEGIN IMMEDIATE"), True),
        (error(sqlite3.OperationalError("no such table: x")), False),
        (error(psycopg.errors.UniqueViolation("(key)=(database is locked)")), False),
        (PoolTimeout("no connection became free"), True),
        (ValueError("anything else"), False),
    ],
)
def test_away_is_what_every_other_transaction_would_meet(met: Exception, away: bool) -> None:
    assert is_away(met) is away


def test_only_who_lost_against_another_may_repeat() -> None:
    assert is_retryable(error(psycopg.errors.DeadlockDetected("each other")))
    assert not is_retryable(error(psycopg.errors.LockNotAvailable("in use")))
    assert not is_retryable(error(sqlite3.OperationalError("database is locked")))


def test_a_repeated_key_is_told_by_its_kind_and_not_by_what_was_sent() -> None:
    def is_repeated(orig: Exception) -> bool:
        return is_unique_violation(IntegrityError("INSERT", None, orig))

    assert is_repeated(psycopg.errors.UniqueViolation("duplicate key"))
    assert is_repeated(sqlite3.IntegrityError("UNIQUE constraint failed: request.key"))
    assert not is_repeated(sqlite3.IntegrityError("CHECK constraint failed: face"))
    assert not is_repeated(psycopg.errors.CheckViolation("(key)=(UNIQUE)"))
