"""The history of the schema leads to the schema that the program expects."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Inspector, inspect, text

from core.db import Database
from core.errors import ConfigurationError
from migrations.model import whole_metadata
from migrations.schema import check_current, config, is_current, revisions, upgrade
from tests.conftest import EmptyDatabaseMaker

HOW_TO_MEND = "the tables differ from the revisions: run `make migrations`"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(make_empty_database: EmptyDatabaseMaker, request: pytest.FixtureRequest) -> Database:
    return make_empty_database(request.param)


@pytest.fixture
def wanted(empty: Database, make_empty_database: EmptyDatabaseMaker) -> Iterator[Database]:
    """The same kind of database, its tables made straight from the metadata."""
    database = make_empty_database("sqlite" if empty.is_sqlite else "postgresql")
    whole_metadata().create_all(database.engine)
    yield database


def test_the_names_of_the_files_tell_the_history_as_alembic_reads_it() -> None:
    script = ScriptDirectory.from_config(config())
    history = [revision.revision for revision in script.walk_revisions()][::-1]
    assert revisions() == history
    assert script.get_heads() == history[-1:]


def test_an_empty_database_is_brought_up_to_date(empty: Database) -> None:
    assert not is_current(empty)
    with pytest.raises(ConfigurationError, match="run `wanneng init`"):
        check_current(empty)
    upgrade(empty)
    assert is_current(empty)
    check_current(empty)


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as session:
        session.execute(text("INSERT INTO lease (name, next_value) VALUES ('kept', 1)"))
    upgrade(empty)
    with empty.read() as session:
        assert session.execute(text("SELECT name FROM lease WHERE name = 'kept'")).all()


def test_alembic_finds_no_difference_to_the_tables(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, whole_metadata()) == [], HOW_TO_MEND


def test_every_column_and_constraint_is_as_the_tables_say(
    empty: Database, wanted: Database
) -> None:
    upgrade(empty)
    made, meant = _describe(empty.engine), _describe(wanted.engine)
    assert made.keys() == meant.keys(), HOW_TO_MEND
    for name, table in meant.items():
        assert made[name] == table, HOW_TO_MEND


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE lease DROP CONSTRAINT ck_lease_not_negative",
        "ALTER TABLE bill DROP CONSTRAINT uq_bill_account_number_bill_number",
        "DROP INDEX ix_bill_open",
        "ALTER TABLE lease ALTER next_value DROP NOT NULL",
        "ALTER TABLE posting DROP CONSTRAINT fk_posting_party_id",
        "ALTER TABLE outbox ALTER attempts SET DEFAULT 1",
    ],
)
def test_the_description_shows_each_kind_of_difference(
    make_empty_database: EmptyDatabaseMaker, damage: str
) -> None:
    database = make_empty_database("postgresql")
    upgrade(database)
    before = _describe(database.engine)
    with database.write() as session:
        session.execute(text(damage))
    assert _describe(database.engine) != before


def test_two_processes_may_upgrade_at_once(empty: Database) -> None:
    program = (
        "import sys; from core.db import Database; from core.settings import Settings;"
        "from migrations.schema import upgrade;"
        "db = Database(Settings(database_url=sys.argv[1])); upgrade(db); db.dispose()"
    )
    command = [sys.executable, "-W", "error", "-c", program, empty.settings.database_url]
    upgrades = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in upgrades] == [0, 0]
    assert is_current(empty)


def test_a_database_of_a_newer_program_is_left_alone(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not is_current(empty)
    with pytest.raises(ConfigurationError, match="newer version of this program"):
        upgrade(empty)
    with pytest.raises(ConfigurationError, match="newer version of this program"):
        check_current(empty)


def test_a_percent_sign_in_the_path_of_the_database_does_no_harm(
    make_empty_database: EmptyDatabaseMaker,
) -> None:
    plain = make_empty_database("sqlite")
    database = Database(
        replace(plain.settings, database_url=plain.settings.database_url + "%20.db"), plain.clock
    )
    upgrade(database)
    assert is_current(database)
    database.dispose()


def _describe(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        eye = inspect(connection)
        tables = set(eye.get_table_names()) - {"alembic_version"}
        return {table: _describe_table(eye, table) for table in sorted(tables)}


def _describe_table(eye: Inspector, table: str) -> dict[str, Any]:
    columns = [column | {"type": str(column["type"])} for column in eye.get_columns(table)]
    return {
        "columns": sorted(columns, key=lambda column: column["name"]),
        "primary key": eye.get_pk_constraint(table),
        "foreign keys": _by_name(eye.get_foreign_keys(table)),
        "uniques": _by_name(eye.get_unique_constraints(table)),
        "checks": _by_name(eye.get_check_constraints(table)),
        "indexes": _by_name(eye.get_indexes(table)),
    }


def _by_name(parts: Any) -> list[dict[str, str]]:
    return sorted(
        ({key: _text(value) for key, value in part.items()} for part in parts),
        key=lambda part: part["name"],
    )


def _text(value: Any) -> str:
    if isinstance(value, dict):  # an index's WHERE is an object without an equality of its own
        return str({key: str(item) for key, item in value.items()})
    return str(value)
