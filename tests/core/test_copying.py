"""COPY into PostgreSQL: all rows or none, and errors like those of an INSERT."""

import struct

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from core.copying import copy_rows
from core.db import Database, Session
from core.db_errors import is_unique_violation
from core.tables import lease

NAMES = ("name", "next_value")


def row(name: str, value: int) -> bytes:
    raw = name.encode()
    return struct.pack(f">hi{len(raw)}siq", 2, len(raw), raw, 8, value)


def count(session: Session) -> int:
    query = select(func.count()).select_from(lease).where(lease.c.name.startswith("copied"))
    return int(session.execute(query).scalar_one())


def test_rows_arrive_as_they_were_sent(postgresql_db: Database) -> None:
    rows = [row(f"copied 批{i}", 2**40 + i) for i in range(3_000)]
    with postgresql_db.write() as session:
        copy_rows(session, lease, NAMES, b"".join(rows))
    with postgresql_db.read() as session:
        query = select(lease.c.next_value).where(lease.c.name == "copied 批2999")
        assert session.execute(query).scalar_one() == 2**40 + 2_999
        assert count(session) == 3_000


def test_a_repeated_key_undoes_the_rows_and_leaves_the_transaction_usable(
    postgresql_db: Database,
) -> None:
    rows = row("copied 1", 1) + row("copied 2", 2)
    with postgresql_db.write() as session:
        with pytest.raises(IntegrityError) as caught, session.connection.begin_nested():
            copy_rows(session, lease, NAMES, rows + row("copied 1", 3))
        assert is_unique_violation(caught.value)
        assert count(session) == 0
        copy_rows(session, lease, NAMES, rows)
    with postgresql_db.read() as session:
        assert count(session) == 2


def test_what_the_server_cannot_take_is_an_error_as_of_an_insert(postgresql_db: Database) -> None:
    with pytest.raises(ProgrammingError), postgresql_db.write() as session:
        copy_rows(session, lease, (*NAMES, "more"), row("copied", 1))
    with postgresql_db.read() as session:
        assert count(session) == 0


def test_a_connection_that_breaks_is_replaced(postgresql_db: Database) -> None:
    with (
        pytest.raises(OperationalError) as caught,
        postgresql_db.write() as session,
        postgresql_db.write() as other,
    ):
        process = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
        copy_rows(session, lease, NAMES, row("copied", 1))
    assert caught.value.connection_invalidated
    with postgresql_db.read() as session:
        assert count(session) == 0


def test_sqlite_has_no_copy(sqlite_db: Database) -> None:
    with pytest.raises(TypeError, match="PostgreSQL"), sqlite_db.write() as session:
        copy_rows(session, lease, NAMES, row("copied", 1))
