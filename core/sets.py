"""Statements over many rows whose text does not grow with their number.

A list travels as one bound array (PostgreSQL) or as JSON text (SQLite), so that one prepared
statement serves a single row and a list of 512, and nothing is compiled or parsed anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    TableValuedAlias,
    Text,
    TextClause,
    Update,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.arrays import packer_of
from core.db import Session
from core.places import PLACE, place_in
from core.trips import change

_WAS = "was_"


class ListOf(TypeDecorator[list[Any]]):
    """A list of values of one column's type, bound as one parameter."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose an array where there are arrays, else text."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(self.item))
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Callable[[list[Any] | None], Any]:
        """Hand over a packed array, or JSON as text."""
        if dialect.name != "postgresql":
            return self._json
        pack = packer_of(self.item)
        return lambda values: None if values is None else pack(values)

    def _json(self, values: list[Any] | None) -> str | None:
        if values is None:
            return None
        return json.dumps([_as_json(item) for item in values])


def _as_json(item: Any) -> Any:
    if isinstance(item, UUID):
        return item.hex
    return item.hex() if isinstance(item, bytes) else item


class _Among(FunctionElement[bool]):
    """A column, then a list."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 - inherited
        """Stand as it is: `... = 1`, as SQLAlchemy writes it for SQLite, is sought by no index."""
        return self


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of the list bound as `name`."""
    return _Among(column, bindparam(name, type_=ListOf(column.type)))


@compiles(_Among, "postgresql")
def _with_array(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_Among, "sqlite")
def _with_json(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - parts are compiled


class _Rows(FunctionElement[Any]):
    """Lists of one length, side by side, each column called as its list is bound."""

    inherit_cache = True


@compiles(_Rows, "postgresql")
def _rows_of_arrays(element: _Rows, compiler: SQLCompiler, **more: Any) -> str:
    lists = [f"unnest({compiler.process(bind, **more)}) AS {bind.key}" for bind in element.clauses]
    return f"(SELECT {', '.join(lists)})"


@compiles(_Rows, "sqlite")
def _rows_of_json(element: _Rows, compiler: SQLCompiler, **more: Any) -> str:
    first, *others = ((compiler.process(bind, **more), bind.key) for bind in element.clauses)
    columns = [f"value AS {first[1]}"]
    columns += [f"json_extract({item}, '$[' || key || ']') AS {name}" for item, name in others]
    return f"(SELECT {', '.join(columns)} FROM json_each({first[0]}))"  # noqa: S608


def rows_of(columns: Mapping[str, ColumnElement[Any]]) -> TableValuedAlias:
    """Return the table `asked` of the lists bound as named, of one length, side by side.

    Each is of its column's type.
    """
    lists = [bindparam(name, type_=ListOf(each.type)) for name, each in columns.items()]
    names = [column(name, each.type) for name, each in columns.items()]
    return _Rows(*lists).table_valued(*names, name="asked")


class _Items(FunctionElement[Any]):
    """The items of a list as rows."""

    inherit_cache = True


@compiles(_Items, "postgresql")
def _unnested(element: _Items, compiler: SQLCompiler, **more: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **more)})"


@compiles(_Items, "sqlite")
def _from_json(element: _Items, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **more)})"


def items(name: str, item: TypeEngine[Any]) -> TableValuedAlias:
    """Return the table with the one column `value` of the list bound as `name`."""
    # Both databases call the column of a list's rows by the name of the table, or `value`.
    return _Items(bindparam(name, type_=ListOf(item))).table_valued(
        column("value", item), name="value"
    )


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have the same columns, in one statement where the database can."""
    _insert(session, table, rows, new_only=False)


def insert_new_rows(
    session: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    check: Callable[[int], None] | None = None,
) -> None:
    """Insert the rows that no unique constraint holds already; `check` gets their number."""
    _insert(session, table, rows, new_only=True, check=check)


def update_rows(
    session: Session,
    table: Table,
    key: str,
    rows: Sequence[Mapping[str, Any]],
    adding: Sequence[str] = (),
    missing: Exception | None = None,
) -> None:
    """Set the other columns of the rows with these keys; those of `adding` are added to.

    Columns named `was_...` are compared instead: only a row that is still so is changed. Where not
    all rows were there `missing` is raised and the transaction must end. On PostgreSQL the key of
    locked rows may be their `PLACE`.
    """
    if not rows:
        return
    names, adds = tuple(rows[0]), tuple(adding)
    if not session.is_sqlite:
        statement = _update_many(table, key, names, adds, all_there=missing is not None)
        change(session, statement, _lists(names, rows), refusal=missing)
        return

    def check(count: int) -> None:
        if missing is not None and count != len(rows):
            raise missing

    bound = [{f"new_{name}": row[name] for name in names} for row in rows]
    change(session, _update_one(table, key, names, adds), bound, check)


def _insert(
    session: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    new_only: bool,
    check: Callable[[int], None] | None = None,
) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    if session.is_sqlite:
        change(session, session.insert_new(table) if new_only else insert(table), rows, check)
    else:
        change(session, _insert_many(table, names, new_only), _lists(names, rows), check)


def _lists(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {f"new_{name}": [row[name] for row in rows] for name in names}


@lru_cache(maxsize=256)
def _insert_many(table: Table, names: tuple[str, ...], new_only: bool) -> TextClause:
    # As text, since SQLAlchemy would compile an INSERT from a SELECT anew each time.
    columns = ", ".join(f'"{name}"' for name in names)
    # Side by side they are taken apart as they are read; in FROM each would be stored first.
    lists = ", ".join(f"unnest(:new_{name})" for name in names)
    found = " ON CONFLICT DO NOTHING" if new_only else ""
    sql = f'INSERT INTO "{table.name}" ({columns}) SELECT {lists}{found}'
    return text(sql).bindparams(*(_new_list(table, name) for name in names))


@lru_cache(maxsize=256)
def _update_many(
    table: Table, key: str, names: tuple[str, ...], adds: tuple[str, ...], *, all_there: bool
) -> Update | Select[Any]:
    new = select(*(func.unnest(_new_list(table, name)).label(name) for name in names)).subquery(
        "new"
    )
    others = {name: new.c[name] for name in names if name != key}
    if key == PLACE:
        is_named = place_in(table) == new.c[key]  # nothing else leads to a place
    else:
        # No equality, by which PostgreSQL could as well go through the table and look each of its
        # rows up in the list: cheap while the table is small, and kept to as it grows (decision
        # 0026).
        is_named = table.c[key] == any_(postgresql.array([new.c[key]]))
    changes = _update(table, is_named, adds, others)
    if not all_there:
        return changes
    # The database itself says no, by dividing by zero: a commit may be on its way behind.
    changed = changes.returning(literal_column("1")).cte("changed")
    wanted = func.cardinality(_new_list(table, key))
    return select(literal_column("1") / cast(func.count() == wanted, Integer)).select_from(changed)


@lru_cache(maxsize=256)
def _update_one(table: Table, key: str, names: tuple[str, ...], adds: tuple[str, ...]) -> Update:
    new = {name: bindparam(f"new_{name}", type_=_column(table, name).type) for name in names}
    is_named = table.c[key] == new.pop(key)
    return _update(table, is_named, adds, new)


def _update(
    table: Table,
    is_named: ColumnElement[bool],
    adds: tuple[str, ...],
    new: Mapping[str, ColumnElement[Any]],
) -> Update:
    old = {name: value for name, value in new.items() if name.startswith(_WAS)}
    values = {n: table.c[n] + v if n in adds else v for n, v in new.items() if n not in old}
    is_still = (_column(table, name) == value for name, value in old.items())
    return update(table).where(is_named, *is_still).values(values)


def _column(table: Table, name: str) -> ColumnElement[Any]:
    return place_in(table) if name == PLACE else table.c[name.removeprefix(_WAS)]


def _new_list(table: Table, name: str) -> BindParameter[list[Any]]:
    return bindparam(f"new_{name}", type_=ListOf(_column(table, name).type))


def ranges(session: Session, name: str = "ranges") -> FromClause:
    """Return the table `first, last` of a list of pairs; bind what `range_values` gives for it."""
    if session.is_sqlite:
        pairs = func.json_each(bindparam(f"{name}_pairs", type_=Text)).table_valued("value")
        end = [func.json_extract(pairs.c.value, f"$[{place}]") for place in (0, 1)]
        return select(end[0].label("first"), end[1].label("last")).select_from(pairs).subquery(name)
    lists = [bindparam(f"{name}_{end}", type_=ListOf(BigInteger())) for end in ("first", "last")]
    unnested = func.unnest(*lists).table_valued(
        column("first", BigInteger), column("last", BigInteger)
    )
    return unnested.render_derived(name=name)


def range_values(
    session: Session, pairs: Sequence[tuple[int, int]], name: str = "ranges"
) -> dict[str, Any]:
    """Return what to bind for `ranges`."""
    if session.is_sqlite:
        return {f"{name}_pairs": json.dumps(pairs)}
    return {f"{name}_first": [p[0] for p in pairs], f"{name}_last": [p[1] for p in pairs]}
