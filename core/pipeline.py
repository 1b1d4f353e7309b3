"""Statements on PostgreSQL past SQLAlchemy's execution, several in one trip.

A list of redemptions takes two dozen statements. Sent one by one through SQLAlchemy they cost a
third of its time in Python, and each answer waits for its turn of the interpreter. SQLAlchemy still
writes the SQL and opens and ends the transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from core.copying import driver_of, in_sqlalchemys_words
from core.db import Call, Session

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement's SQL, its own parameters, and how values go in and come out."""

    sql: str
    own: Mapping[str, Any]
    into: Mapping[str, Convert]
    out_of: Sequence[tuple[int, Convert]]

    def bound(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        values = {**self.own, **parameters}
        for name, convert in self.into.items():
            values[name] = convert(values[name])
        return values

    def read(self, rows: Sequence[Any]) -> Sequence[Any]:
        for place, convert in self.out_of:
            name = rows[0]._fields[place] if rows else ""
            rows = [
                row if row[place] is None else row._replace(**{name: convert(row[place])})
                for row in rows
            ]
        return rows


def send(session: Session, calls: Sequence[Call]) -> None:
    """Send all calls at once, and hand each what it has found, in order.

    Raises what SQLAlchemy would; after the first that fails none has an effect.
    """
    driver, dialect = driver_of(session), session.connection.dialect
    compiled = [_compile(call.statement, dialect) for call in calls]
    cursors = [driver.cursor(binary=True, row_factory=namedtuple_row) for _ in calls]
    try:
        with driver.pipeline():
            for call, form, cursor in zip(calls, compiled, cursors, strict=True):
                cursor.execute(form.sql, form.bound(call.parameters), prepare=True)
    except psycopg.Error as error:
        raise in_sqlalchemys_words(session, "a trip", error) from None
    for call, form, cursor in zip(calls, compiled, cursors, strict=True):
        has_rows = cursor.rownumber is not None  # `description` would describe each column
        rows = form.read(cursor.fetchall()) if has_rows else ()
        call.done(rows, cursor.rowcount)


@lru_cache(maxsize=512)
def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
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
    return _Compiled(str(compiled), dict(compiled.params), into, out_of)
