"""What a trip does to its connection: how it begins, what stays prepared, what cuts it off."""

import signal
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Text, bindparam, func, insert, literal, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.db import CommitLost, Database, Session, TransactionTooOld
from core.sets import insert_new_rows, insert_rows, update_rows
from core.tables import lease, outbox
from core.trips import ask, one_trip
from tests.core.test_trips import NOW, leases

_SLEEPING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event = 'PgSleep'"
)
_BACKEND = select(func.pg_backend_pid())
_LARGER = select(func.count()).where(bindparam("given", type_=BigInteger) > 5)


def setting(session: Session, name: str) -> Any:
    return ask(session, select(func.current_setting(name)), {}, lambda rows: rows[0][0]).value


def prepared(session: Session) -> set[str]:
    found = session.connection.exec_driver_sql("SELECT name FROM pg_prepared_statements")
    return set(found.scalars())


def kept(db: Database) -> list[str]:
    """Return the names of the leases that are there."""
    query = select(lease.c.name).where(lease.c.next_value == 7)
    with db.read() as session:
        return [row.name for row in ask(session, query, {}, list).value]


def test_a_trip_opens_the_transaction_that_was_asked_for(postgresql_db: Database) -> None:
    names = ("transaction_isolation", "transaction_read_only")
    with postgresql_db.read() as session:
        assert [setting(session, name) for name in names] == ["repeatable read", "on"]
        assert (
            session.execute(select(func.now())).scalar()
            == session.execute(select(func.now())).scalar()
        ), "one transaction"
    with postgresql_db.write() as session:
        assert [setting(session, name) for name in names] == ["read committed", "off"]


def test_what_a_trip_wrote_goes_with_the_transaction(postgresql_db: Database) -> None:
    def work() -> None:
        with postgresql_db.write() as session, one_trip(session):
            insert_rows(session, lease, leases("a"))
        with postgresql_db.write() as session:
            with one_trip(session):
                insert_rows(session, lease, leases("b"))
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert kept(postgresql_db) == ["a"]


def test_a_trip_that_commits_ends_its_transaction(postgresql_db: Database) -> None:
    with postgresql_db.write() as session:
        with one_trip(session, commits=True):
            insert_rows(session, lease, leases("a"))
        assert kept(postgresql_db) == ["a"]
        with pytest.raises(RuntimeError, match="ended"):
            insert_rows(session, lease, leases("b"))
        with pytest.raises(RuntimeError, match="ended"):
            session.execute(insert(lease), leases("b"))
    assert kept(postgresql_db) == ["a"]


def test_of_a_trip_that_commits_nothing_stays_where_one_statement_fails(
    postgresql_db: Database,
) -> None:
    missing = KeyError("not there")

    def work(*changes: Callable[[Session], None]) -> None:
        with postgresql_db.write() as session, one_trip(session, commits=True):
            insert_rows(session, lease, leases("a"))
            for change in changes:
                change(session)
            insert_rows(session, lease, leases("c"))

    with pytest.raises(IntegrityError):
        work(lambda session: insert_rows(session, lease, leases("a")))
    with pytest.raises(KeyError, match="not there"):
        work(lambda s: update_rows(s, lease, "name", [{**leases("b")[0]}], missing=missing))
    assert kept(postgresql_db) == []
    work()
    assert kept(postgresql_db) == ["a", "c"]


def test_a_trip_that_commits_may_have_no_check_that_comes_too_late(
    postgresql_db: Database,
) -> None:
    def work() -> None:
        with postgresql_db.write() as session, one_trip(session, commits=True):
            insert_new_rows(session, lease, leases("a"), lambda _: None)

    with pytest.raises(RuntimeError, match="after the commit"):
        work()
    assert kept(postgresql_db) == []


def test_a_transaction_that_is_too_old_is_not_committed_by_its_trip(
    postgresql_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with postgresql_db.write() as session, one_trip(session, commits=True):
            insert_rows(session, lease, leases("a"))

    monkeypatch.setattr("core.db.MAX_TRANSACTION_S", -1)
    with pytest.raises(TransactionTooOld):
        work()
    assert kept(postgresql_db) == []


def test_a_commit_whose_connection_goes_is_lost_and_nothing_else_is(
    postgresql_db: Database,
) -> None:
    kill = select(func.pg_terminate_backend(func.pg_backend_pid()))

    def work(session: Session, *, commits: bool) -> None:
        with one_trip(session, commits=commits):
            insert_rows(session, lease, leases("a"))
            ask(session, kill, {}, len)

    with pytest.raises(CommitLost), postgresql_db.write() as session:
        work(session, commits=True)
    with pytest.raises(DBAPIError), postgresql_db.write() as session:
        work(session, commits=False)
    assert kept(postgresql_db) == []


def test_without_one_snapshot_each_trip_is_a_transaction_of_its_own(
    postgresql_db: Database,
) -> None:
    begun = select(func.pg_current_xact_id())
    with postgresql_db.read(one_snapshot=False) as session:
        first, second = (ask(session, begun, {}, lambda rows: rows[0][0]).value for _ in range(2))
    assert first != second


def test_a_statement_is_prepared_once_and_outlives_rollbacks(postgresql_db: Database) -> None:
    with postgresql_db.write() as session:
        pid = ask(session, _BACKEND, {}, lambda rows: rows[0][0]).value
        before = prepared(session)
        for _ in range(10):  # what the driver itself would prepare, and then drop all at a rollback
            session.execute(select(literal(1)))
    with pytest.raises(KeyError), postgresql_db.write() as session:
        session.execute(select(literal(1)))
        raise KeyError
    with postgresql_db.write() as session:
        assert ask(session, _BACKEND, {}, lambda rows: rows[0][0]).value == pid
        assert prepared(session) == before


def test_a_statement_takes_numbers_of_every_size(postgresql_db: Database) -> None:
    with postgresql_db.read() as session, one_trip(session):
        asked = [
            ask(session, _LARGER, {"given": given}, lambda rows: rows[0][0])
            for given in (6, 2**15, 2**31, 2**62, 1)
        ]
    assert [each.value for each in asked] == [1, 1, 1, 1, 0]


def test_a_trip_may_be_larger_both_ways_than_what_lies_between(postgresql_db: Database) -> None:
    rows: list[dict[str, Any]] = [
        {"id": i, "kind": "k", "recipient": "r", "body": str(i) * 100_000, "created_at": NOW,
         "due_at": NOW} for i in range(40)
    ]  # fmt: skip
    bodies = select(outbox.c.body).order_by(outbox.c.id)
    with postgresql_db.write() as session, one_trip(session):
        insert_rows(session, outbox, rows)
        asked = [ask(session, bodies, {}, list) for _ in range(3)]
        insert_rows(session, outbox, [{**row, "id": row["id"] + 40} for row in rows])
        asked.append(ask(session, bodies, {}, list))
    assert [len(each.value) for each in asked] == [40, 40, 40, 80]
    assert [row.body for row in asked[0].value] == [row["body"] for row in rows]


def test_a_value_that_cannot_be_bound_leaves_the_connection_as_it_was(
    postgresql_db: Database,
) -> None:
    with postgresql_db.write() as session:
        with pytest.raises(struct.error), one_trip(session):
            insert_rows(session, lease, leases("a"))
            insert_rows(session, lease, [{"name": "b", "next_value": object()}])
        insert_rows(session, lease, leases("c"))
    assert kept(postgresql_db) == ["c"]


def test_who_is_cut_off_while_waiting_leaves_no_half_read_connection_behind(
    postgresql_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    def work() -> None:
        with postgresql_db.write() as session:
            insert_rows(session, lease, leases("a"))
            with monkeypatch.context() as patch:
                patch.setattr(psycopg.Connection, "wait", cut_off)
                insert_rows(session, lease, leases("b"))

    with pytest.raises(KeyboardInterrupt):
        work()
    with postgresql_db.write() as session:
        insert_rows(session, lease, leases("c"))
    assert kept(postgresql_db) == ["c"]


def test_a_trip_that_fails_again_and_again_prepares_its_statements_once(
    postgresql_db: Database,
) -> None:
    def fail() -> None:
        with postgresql_db.write() as session, one_trip(session):
            ask(session, _BACKEND, {}, len)
            insert_rows(session, lease, [{"name": "b", "next_value": -1}])

    for _ in range(10):
        with pytest.raises(IntegrityError):
            fail()
    with postgresql_db.read() as session:
        assert len(prepared(session)) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        "DEALLOCATE ALL",
        "ALTER TABLE lease ALTER next_value TYPE numeric",
    ],
)
def test_a_prepared_statement_that_no_longer_fits_is_prepared_anew(
    postgresql_db: Database, spoil: str
) -> None:
    values = select(lease.c.next_value).where(lease.c.next_value == 7)
    with postgresql_db.write() as session:
        insert_rows(session, lease, leases("a"))
        assert ask(session, values, {}, len).value == 1
        session.connection.exec_driver_sql(spoil)
    with pytest.raises(DBAPIError) as caught, postgresql_db.read() as session:
        ask(session, values, {}, len)
    assert caught.value.connection_invalidated
    with postgresql_db.read() as session:
        assert ask(session, values, {}, len).value == 1


def test_a_text_that_no_database_takes_is_refused_in_the_words_of_sqlalchemy(
    postgresql_db: Database,
) -> None:
    named = select(lease.c.name).where(lease.c.name == bindparam("name", type_=Text))
    with postgresql_db.read() as session:
        with pytest.raises(DBAPIError):
            ask(session, named, {"name": "a\0b"}, len)
        assert ask(session, named, {"name": "ab"}, len).value == 0


def test_a_trip_that_is_interrupted_ends_as_interrupted(postgresql_db: Database) -> None:
    """With the driver's own way of it: it has the statement cancelled and wakes who waits."""
    slept = select(func.pg_sleep(60))
    main = threading.get_ident()

    def sleeps() -> bool:
        with postgresql_db.read() as session:  # a transaction sees what others do but once
            return bool(session.execute(_SLEEPING).scalar_one())

    def interrupt() -> None:
        while not sleeps():
            pass
        signal.pthread_kill(main, signal.SIGINT)

    with ThreadPoolExecutor(1) as other:
        interrupted = other.submit(interrupt)
        with pytest.raises(KeyboardInterrupt), postgresql_db.write() as session:
            ask(session, slept, {}, len)
        interrupted.result()
    with postgresql_db.write() as session:
        assert ask(session, _BACKEND, {}, len).value == 1
