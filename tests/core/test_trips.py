"""Several statements in one trip: in order, together, and refused as one."""

import re
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Date, Float, Uuid, select, text
from sqlalchemy.exc import DBAPIError

from core.arrays import packer_of
from core.db import Database
from core.sets import insert_new_rows, insert_rows
from core.tables import lease, outbox
from core.trips import ask, one_trip
from vouchers.tables import pin_key

NOW = datetime(2025, 6, 11, 9, 30, 0, 123456, tzinfo=UTC)
COUNT = select(lease.c.name).where(lease.c.next_value == 7).order_by(lease.c.name)


def leases(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "next_value": 7} for name in names]


def test_a_query_sees_the_changes_before_it_in_the_trip_and_not_those_after(db: Database) -> None:
    with db.write() as session, one_trip(session):
        insert_rows(session, lease, leases("a", "b"))
        two = ask(session, COUNT, {}, lambda rows: [row.name for row in rows])
        insert_rows(session, lease, leases("c"))
        three = ask(session, COUNT, {}, len)
    assert two.value == ["a", "b"]
    assert three.value == 3


def test_an_answer_is_not_there_before_the_end_of_a_trip(postgresql_db: Database) -> None:
    with postgresql_db.read() as session, one_trip(session):
        asked = ask(session, COUNT, {}, len)
        with pytest.raises(IndexError):
            _ = asked.value


def test_outside_of_a_trip_a_query_is_answered_at_once(db: Database) -> None:
    with db.read() as session:
        assert ask(session, COUNT, {}, len).value == 0


def test_a_statement_that_fails_takes_the_whole_trip_with_it(db: Database) -> None:
    def work() -> None:
        with db.write() as session, one_trip(session):
            insert_rows(session, lease, leases("a"))
            insert_rows(session, lease, [{"name": "b", "next_value": -1}])
            insert_rows(session, lease, leases("c"))

    with pytest.raises(DBAPIError, match=re.compile("not_negative")):
        work()
    with db.read() as session:
        assert ask(session, COUNT, {}, len).value == 0


def test_a_check_that_fails_at_the_end_of_a_trip_rolls_back(db: Database) -> None:
    def refuse(count: int) -> None:
        raise ValueError(count)

    def work() -> None:
        with db.write() as session, one_trip(session):
            insert_new_rows(session, lease, leases("a", "b"), refuse)

    with pytest.raises(ValueError, match="2"):
        work()
    with db.read() as session:
        assert ask(session, COUNT, {}, len).value == 0


def test_an_error_within_the_block_sends_nothing_and_leaves_the_session_usable(
    postgresql_db: Database,
) -> None:
    with postgresql_db.write() as session:
        with pytest.raises(KeyError), one_trip(session):
            insert_rows(session, lease, leases("a"))
            raise KeyError
        insert_rows(session, lease, leases("b"))
        assert ask(session, COUNT, {}, lambda rows: [row.name for row in rows]).value == ["b"]


def test_values_come_back_as_sqlalchemy_would_bring_them(db: Database) -> None:
    row = {"version": 3, "check_value": "充", "created_at": NOW, "retired_at": None}
    with db.write() as session, one_trip(session):
        insert_rows(session, pin_key, [row])
        found = ask(session, select(pin_key), {}, lambda rows: rows[0]._asdict())
    assert found.value == row
    assert found.value["created_at"].utcoffset().total_seconds() == 0


def test_a_lost_connection_is_told_in_the_words_of_sqlalchemy(postgresql_db: Database) -> None:
    kill = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DBAPIError) as caught, postgresql_db.write() as session, one_trip(session):
        ask(session, kill.columns(), {}, len)
    assert caught.value.connection_invalidated
    with postgresql_db.read() as session:
        assert ask(session, COUNT, {}, len).value == 0


def test_a_connection_that_died_while_it_rested_is_replaced_unseen(
    postgresql_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.db._REST_S", 0.0)
    with postgresql_db.read() as session:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = postgresql_db.engine.execution_options(isolation_level="AUTOCOMMIT")
    with postgresql_db.read() as keeps, other.connect() as connection:
        mine = keeps.execute(text("SELECT pg_backend_pid()")).scalar_one()
        victim = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert pid in (mine, victim)
        keeps.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
    with postgresql_db.read() as first, postgresql_db.read() as second:
        pids = [s.execute(text("SELECT pg_backend_pid()")).scalar_one() for s in (first, second)]
    assert victim not in pids


def test_every_kind_of_column_goes_into_an_array_with_and_without_null(
    postgresql_db: Database,
) -> None:
    kinds = {"kind": ["text", None], "recipient": ["", "'\"\\{}"]}
    rows = [
        {"id": i, "kind": kind or "k", "recipient": recipient, "body": "b", "created_at": NOW,
         "due_at": NOW, "last_error": kind}
        for i, (kind, recipient) in enumerate(zip(*kinds.values(), strict=True))
    ]  # fmt: skip
    with postgresql_db.write() as session:
        insert_rows(session, outbox, rows)
        query = select(outbox.c.id, outbox.c.last_error, outbox.c.recipient, outbox.c.created_at)
        found = session.execute(query.order_by(outbox.c.id)).all()
    assert [tuple(row) for row in found] == [(0, "text", "", NOW), (1, None, "'\"\\{}", NOW)]


def test_an_instant_without_its_zone_and_a_column_without_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        packer_of(outbox.c.created_at.type)([datetime(2025, 1, 1)])  # noqa: DTZ001 - the point
    with pytest.raises(TypeError, match="arrays"):
        packer_of(Float())([1.5])


def test_a_day_and_a_uuid_are_packed_as_postgresql_reads_them() -> None:
    assert packer_of(Date())([date(2000, 1, 2)])[-4:] == b"\0\0\0\1"
    tag = uuid.uuid4()
    assert packer_of(Uuid())([tag]).endswith(tag.bytes)
