"""The database: one engine, transactions with a recorded time, and the few dialect differences."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    MetaData,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.types import TypeDecorator

from core.arrays import PackedArray
from core.clock import Clock, local_day, system_clock
from core.db_errors import is_lock_timeout, is_retryable, is_sqlite_busy
from core.errors import ConfigurationError, TryLater
from core.ids import NODES, IdMaker
from core.settings import Settings

MAX_TRANSACTION_S = 30
"""A writing transaction older than this rolls back, so that a report as of then - 60 s is final."""

_ROUNDS = 5
_REST_S = 1.0
_OPTIONS = {"preserve_rowcount": True}  # else an INSERT's count is lost on PostgreSQL

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

T = TypeVar("T")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it as naive UTC text, which sorts the same."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants; hand SQLite the naive form it can store."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must carry its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Return the instant aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """A statement and its parameters; `done` gets its rows and their number, see `core.trips`.

    `decides`: `done` may raise. `refusal` is raised where the database divides by zero in it.
    """

    statement: Executable
    parameters: Any
    done: Callable[[Sequence[Any], int], object]
    decides: bool = False
    refusal: Exception | None = None


class Session:
    """One open transaction: its connection and the instant it began.

    `now` is the recorded time of everything the transaction writes, `zone` the one whose days
    count. Whoever holds a Session never commits; the function that opened the transaction does, or
    has its last trip do it. `waiting` are the statements of a trip that has not begun;
    `is_for_lookups` says that trips prepare for themselves (`core/lookup_settings.py`).
    """

    def __init__(
        self, connection: Connection, now: datetime, zone: ZoneInfo, ids: IdMaker | None
    ) -> None:
        self.connection = connection
        self.now = now
        self.zone = zone
        self.waiting: list[Call] | None = None
        self.is_committed = False
        self.is_for_lookups = False
        self.begun_s: float | None = None
        self._ids = ids
        self._started = time.monotonic()

    @property
    def today(self) -> date:
        """The local day of `now`."""
        return local_day(self.now, self.zone)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.connection.dialect.name == "sqlite"

    @property
    def age_s(self) -> float:
        """How many seconds ago `now` was; `begun_s` is what it was when a trip sent BEGIN."""
        return time.monotonic() - self._started

    def execute(
        self,
        statement: Executable,
        parameters: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement, or one statement for each of a list of rows, at once."""
        if self.is_committed:
            raise RuntimeError("the transaction has ended")
        return self.connection.execute(statement, parameters)

    def new_id(self) -> int:
        """Return a fresh sortable 64-bit id."""
        return self.new_ids(1)[0]

    def new_ids(self, count: int) -> list[int]:
        """Return fresh sortable 64-bit ids, in their order."""
        if self._ids is None:
            raise RuntimeError("a reading transaction makes no ids")
        return self._ids.new(count)

    def insert_new(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT that passes over rows which any unique constraint already holds."""
        if self.is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()


class LockTimeout(TryLater):
    """Another transaction kept a row locked for too long."""


class TransactionTooOld(TryLater):
    """The transaction ran over MAX_TRANSACTION_S and was rolled back."""

    def __init__(self) -> None:
        super().__init__("the transaction took too long and was rolled back")


class CommitLost(Exception):
    """A commit was begun and not answered: it may have happened."""


class Database:
    """One engine with durable commits; opens transactions, and retries where that is safe."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.clock = clock
        self.engine = _engine(settings)
        self._writer: Any = threading.Lock() if settings.is_sqlite else nullcontext()
        self._ids: IdMaker | None = None
        self._ids_lock = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.settings.is_sqlite

    @contextmanager
    def read(self, *, one_snapshot: bool = True) -> Generator[Session]:
        """Open a transaction that only reads, on one snapshot.

        Without `one_snapshot` each trip may see what was committed since the one before; then
        PostgreSQL need not be told of a beginning and an end, which are trips themselves, nor does
        it refuse what writes.
        """
        with self.engine.connect() as connection:
            connection = connection.execution_options(wanneng_reads=True)
            if not self.is_sqlite:
                level = "REPEATABLE READ" if one_snapshot else "AUTOCOMMIT"
                connection = connection.execution_options(
                    isolation_level=level, postgresql_readonly=True
                )
            with connection.begin():
                yield Session(connection, self.clock(), self.settings.zone, None)

    @contextmanager
    def write(self) -> Generator[Session]:
        """Open a transaction, commit it durably at the end, roll back on any exception."""
        ids = self._id_maker()
        with self._writer, self.engine.begin() as connection:
            session = Session(connection, self.clock(), self.settings.zone, ids)
            yield session
            if not session.is_committed and session.age_s > MAX_TRANSACTION_S:
                raise TransactionTooOld

    def transact(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a writing transaction; repeat it, at most 5 times, on a deadlock."""
        for attempt in range(_ROUNDS):
            try:
                with self.write() as session:
                    return work(session)
            except OperationalError as error:
                _raise_unless_retryable(error, last=attempt == _ROUNDS - 1)
        raise AssertionError("unreachable: the last round returns or raises")

    def lease(self, name: str, count: int) -> int:
        """Take `count` numbers, in a transaction of its own; return the first. Gaps may arise."""
        with self._writer, self.engine.begin() as connection:
            return take_block(connection, name, count)

    def check_durability(self) -> None:
        """Raise ConfigurationError where a commit may be lost by a crash."""
        with self.engine.connect() as connection:
            for query, good in _DURABLE[connection.dialect.name]:
                value = str(connection.execute(text(query)).scalar_one()).lower()
                if value not in good:
                    raise ConfigurationError(
                        f"the database is not durable: {query} gives {value}, "
                        f"allowed: {', '.join(sorted(good))}"
                    )

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _id_maker(self) -> IdMaker:
        with self._ids_lock:
            if self._ids is None:
                self._ids = IdMaker(self.lease("id_node", 1) % NODES, self.clock)
            return self._ids


def take_block(connection: Connection, name: str, count: int) -> int:
    """Take `count` numbers of a counter in the open transaction; return the first."""
    sql = text(
        "INSERT INTO lease (name, next_value) VALUES (:name, :count)"
        " ON CONFLICT (name) DO UPDATE SET next_value = lease.next_value + :count"
        " RETURNING next_value"
    )
    return int(connection.execute(sql, {"name": name, "count": count}).scalar_one()) - count


def chunks(rows: Sequence[T], size: int = 500) -> Iterable[Sequence[T]]:
    """Cut a list into pieces that stay below every driver's limit of bound parameters."""
    return (rows[i : i + size] for i in range(0, len(rows), size))


_DURABLE: dict[str, list[tuple[str, set[str]]]] = {
    "postgresql": [
        ("SHOW fsync", {"on"}),
        ("SHOW full_page_writes", {"on"}),
        ("SHOW synchronous_commit", {"on", "local", "remote_write", "remote_apply"}),
    ],
    "sqlite": [("PRAGMA journal_mode", {"wal"}), ("PRAGMA synchronous", {"2", "3"})],
}


def _raise_unless_retryable(error: DBAPIError, *, last: bool) -> None:
    if is_lock_timeout(error):
        raise LockTimeout("the rows are in use, try again") from error
    busy = is_sqlite_busy(error)
    if last and busy:
        raise LockTimeout("the database is in use, try again") from error
    if last or not (busy or is_retryable(error)):
        raise error


def _engine(settings: Settings) -> Engine:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ConfigurationError("an SQLite database must be a file")
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url,
            hide_parameters=True,
            execution_options=_OPTIONS,
            connect_args={"timeout": 30},
            pool_size=settings.pool_size,
        )
        _prepare_sqlite(engine)
        return engine
    if url.drivername != "postgresql+psycopg":
        raise ConfigurationError(
            "WANNENG_DATABASE_URL must be sqlite:///… or postgresql+psycopg://…"
        )
    options = (
        f"-c statement_timeout={settings.statement_timeout_ms} -c timezone=UTC"
        " -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    )
    engine = create_engine(
        url,
        hide_parameters=True,
        execution_options=_OPTIONS,
        pool_size=settings.pool_size,
        max_overflow=0,
        # The driver prepares nothing, since at a rollback it drops all that is prepared, the
        # statements of core.pipeline too. So every other one is planned each time, for its own
        # values unless plan_cache_mode says otherwise.
        connect_args={"options": options, "connect_timeout": 5, "prepare_threshold": None},
    )
    event.listen(engine, "connect", _bind_packed_arrays)
    _ping_after_a_rest(engine)
    return engine


def _bind_packed_arrays(connection: Any, _record: Any) -> None:
    # Imported here, since nobody needs the driver on SQLite and it is slow to load.
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class AsItIs(Dumper):
        format = Format.BINARY

        def dump(self, obj: PackedArray) -> bytes:
            return obj

    connection.adapters.register_dumper(PackedArray, AsItIs)


def _ping_after_a_rest(engine: Engine) -> None:
    """Have a connection that rested for a while looked at before it is used.

    Looking each time, as SQLAlchemy's own ping does, is two more trips for each transaction.
    """

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("rests_since", time.monotonic()) < _REST_S:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the connection is gone") from error


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we write BEGIN ourselves, see below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A deferred writer can lose its snapshot half-way; IMMEDIATE takes the lock first.
        reads = connection.get_execution_options().get("wanneng_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
