"""Statements on PostgreSQL past SQLAlchemy's execution and psycopg's cursors, several in one trip.

A list of redemptions takes some twenty statements. Sent one by one through SQLAlchemy they cost a
third of its time in Python; a cursor for each, flushed and waited for by itself, is still dear
(decision 0023). SQLAlchemy still writes the SQL and ends the transaction, psycopg still turns
values into bytes and back; here they are only handed to libpq, all at once, in its pipeline mode.
"""

from collections import namedtuple
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import IsolationLevel, abc, adapt
from psycopg.pq import ExecStatus, Format, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait
from sqlalchemy import Dialect, Executable, text
from sqlalchemy.sql.compiler import SQLCompiler

import core.db
from core.arrays import PackedArray
from core.copying import driver_of, in_sqlalchemys_words
from core.db import Call, CommitLost, Session, TransactionTooOld

Convert = Callable[[Any], Any]
Key = tuple[bytes, tuple[int, ...]]
"""What a prepared statement is known by: its SQL and the types of its parameters."""

_NO_LONGER_PREPARED = (
    psycopg.errors.FeatureNotSupported,  # "cached plan must not change result type"
    psycopg.errors.InvalidSqlStatementName,
)
"""What a prepared statement raises for ever, once a column has another type or it was dropped."""

_IN_TIME = text(
    "SELECT 1 / CAST(clock_timestamp() < now() + make_interval(secs => :left) AS int) AS in_time"
).columns()
"""Counts from BEGIN, which came a little later than the instant that the transaction records."""

_numbers = count()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement's SQL, its parameters in order, and how values go in and come out."""

    sql: bytes
    names: Sequence[str]
    own: Mapping[str, Any]
    into: Mapping[str, Convert]
    out_of: Sequence[tuple[int, Convert]]

    def bound(self, parameters: Mapping[str, Any]) -> list[Any]:
        values = []
        for name in self.names:
            value = parameters[name] if name in parameters else self.own[name]
            convert = self.into.get(name)
            values.append(value if convert is None else convert(value))
        return values

    def read(self, result: PGresult, transformer: abc.Transformer) -> Sequence[Any]:
        if not result.ntuples:
            return ()
        transformer.set_pgresult(result)
        row = _row_class(tuple(result.fname(place) or b"" for place in range(result.nfields)))
        rows = transformer.load_rows(0, result.ntuples, row)
        return [row(self._converted(each)) for each in rows] if self.out_of else rows

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        converted = list(row)
        for place, convert in self.out_of:
            if converted[place] is not None:
                converted[place] = convert(converted[place])
        return converted


@dataclass(frozen=True, slots=True)
class _Bound:
    """A statement with its parameters as libpq takes them."""

    key: Key
    values: Sequence[Any]
    formats: Sequence[Format]
    refusal: Exception | None


def send(session: Session, calls: Sequence[Call], *, commits: bool = False) -> None:
    """Send all calls at once, and hand each what it has found, in order.

    Raises what SQLAlchemy would, or a call's refusal; after the first that fails none has an
    effect. With `commits` the transaction ends with them; CommitLost where that is not known.
    """
    if session.is_committed:
        raise RuntimeError("the transaction has ended")
    driver, dialect = driver_of(session), session.connection.dialect
    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
        session.begun_s = session.age_s
    if commits:
        calls = [*calls, _in_time(session)]
    # A plan keeps to the settings under which it was made, so the others' is not taken.
    kind = "prepared_for_lookups" if session.is_for_lookups else "prepared_by_trips"
    prepared: dict[Key, bytes] = session.connection.info.setdefault(kind, {})
    transformer = adapt.Transformer(driver)
    forms = [_compile(call.statement, dialect) for call in calls]
    try:
        bound = [_bind(form, call, transformer) for form, call in zip(forms, calls, strict=True)]
        results = _in_pipeline(driver, prepared, bound, commits=commits)
    except BaseException as error:
        _give_up(session, driver, error, commits=commits)
        raise
    session.is_committed = commits
    for call, form, result in zip(calls, forms, results, strict=True):
        if result.status == ExecStatus.TUPLES_OK:
            rows = form.read(result, transformer)
            call.done(rows, len(rows))
        else:
            call.done((), result.command_tuples or 0)


def _give_up(
    session: Session, driver: "psycopg.Connection[Any]", error: BaseException, *, commits: bool
) -> None:
    """Close a connection that is of no more use; return where the error is raised as it is."""
    is_cut_off = driver.pgconn.pipeline_status != PipelineStatus.OFF
    if is_cut_off or isinstance(error, _NO_LONGER_PREPARED):
        driver.close()
    if is_cut_off and commits and isinstance(error, Exception):
        session.connection.invalidate()
        raise CommitLost from error
    if isinstance(error, psycopg.Error):
        raise in_sqlalchemys_words(session, "a trip", error) from None
    if driver.closed:
        session.connection.invalidate()


def _bind(form: _Compiled, call: Call, transformer: abc.Transformer) -> _Bound:
    values = form.bound(call.parameters)
    if all(type(value) is PackedArray for value in values):  # most of all: nothing to adapt
        kinds, formats = (0,) * len(values), [Format.BINARY] * len(values)
        return _Bound((form.sql, kinds), values, formats, call.refusal)
    dumped = transformer.dump_sequence(values, [adapt.PyFormat.AUTO] * len(values))
    key = (form.sql, transformer.types or ())
    return _Bound(key, dumped, transformer.formats or (), call.refusal)


def _in_time(session: Session) -> Call:
    """Return the call that refuses a transaction which is too old to be committed."""
    before = session.age_s if session.begun_s is None else session.begun_s
    left = {"left": core.db.MAX_TRANSACTION_S - before}
    return Call(_IN_TIME, left, lambda _rows, _count: None, refusal=TransactionTooOld())


def _in_pipeline(
    driver: "psycopg.Connection[Any]",
    prepared: dict[Key, bytes],
    bound: Sequence[_Bound],
    *,
    commits: bool,
) -> list[PGresult]:
    """Return the results of the statements, in order; takes note of what it has prepared."""
    pgconn = driver.pgconn
    new: dict[Key, bytes] = {}
    steps: list[_Bound | Key | None] = []  # statements, what is prepared for them, BEGIN, COMMIT
    begin = _begin(driver)
    pgconn.enter_pipeline_mode()
    if begin:
        pgconn.send_query_params(begin, None)
        steps.append(None)
    for each in bound:
        if each.key not in prepared and each.key not in new:
            sql, types = each.key
            new[each.key] = b"trip_%d" % next(_numbers)
            pgconn.send_prepare(new[each.key], sql, types)
            steps.append(each.key)
        name = prepared.get(each.key) or new[each.key]
        pgconn.send_query_prepared(name, each.values, each.formats, Format.BINARY)
        steps.append(each)
    if commits:
        pgconn.send_query_params(b"COMMIT", None)
        steps.append(None)
    pgconn.pipeline_sync()
    results = driver.wait(_exchange(pgconn))
    pgconn.exit_pipeline_mode()
    for step, result in zip(steps, results, strict=True):
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise _error_of(step, result, driver)
        if isinstance(step, tuple):
            prepared[step] = new[step]  # it stays so even if the transaction does not
    return [r for step, r in zip(steps, results, strict=True) if isinstance(step, _Bound)]


def _error_of(
    step: _Bound | Key | None, result: PGresult, driver: "psycopg.Connection[Any]"
) -> Exception:
    error = psycopg.errors.error_from_result(result, driver.info.encoding)
    if isinstance(error, psycopg.errors.DivisionByZero) and isinstance(step, _Bound):
        return step.refusal or error
    return error


def _begin(driver: "psycopg.Connection[Any]") -> bytes:
    """Return what opens the transaction, as psycopg would; empty where none is wanted or new."""
    if driver.autocommit or driver.pgconn.transaction_status != TransactionStatus.IDLE:
        return b""
    words = ["BEGIN"]
    if driver.isolation_level is not None:
        level = IsolationLevel(driver.isolation_level).name.replace("_", " ")
        words.append(f"ISOLATION LEVEL {level}")
    if driver.read_only is not None:
        words.append("READ ONLY" if driver.read_only else "READ WRITE")
    return " ".join(words).encode()


def _exchange(pgconn: PGconn) -> Generator[Wait, Ready | int | None, list[PGresult]]:
    """Send what waits to be sent, and take the result of each statement up to the sync's."""
    results: list[PGresult] = []
    last: PGresult | None = None
    is_sent = False
    while True:
        if not is_sent:
            is_sent = pgconn.flush() == 0  # may take in answers too
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
                return results
            if result is not None:
                last = result
            elif last is not None:  # nothing more of this statement
                results.append(last)
                last = None
            else:  # nothing more has come
                break
        ready = yield Wait.R if is_sent else Wait.RW
        if ready and ready & Ready.R:  # none: woken to be cancelled
            pgconn.consume_input()


@lru_cache(maxsize=512)
def _row_class(names: tuple[bytes, ...]) -> Callable[[Sequence[Any]], Any]:
    fields = [name.decode() for name in names]
    row: Any = namedtuple("Row", fields, rename=True)  # type: ignore[misc] # not known before
    make: Callable[[Sequence[Any]], Any] = row._make
    return make


@lru_cache(maxsize=512)
def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    numbered = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg] # $1, $2
    compiled = statement.compile(dialect=numbered)  # type: ignore[attr-defined]
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only statements with rows or changes go by trip")
    into = {
        name: convert
        for bind, name in compiled.bind_names.items()
        if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect))
    }
    columns = getattr(statement, "selected_columns", ())
    out_of = [
        (place, convert)
        for place, column in enumerate(columns)
        if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    names = compiled.positiontup or ()
    return _Compiled(str(compiled).encode(), names, dict(compiled.params), into, out_of)
