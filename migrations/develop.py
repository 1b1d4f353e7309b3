"""For developers: write a revision from the difference between the tables and the history.

python -m migrations.develop "Keep a second phone number"
python -m migrations.develop --first     (only before the first release: writes it anew)
"""

import importlib
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import CreateTableOp, ModifyTableOps, UpgradeOps
from alembic.runtime.migration import MigrationContext

from core.db import Database
from core.settings import Settings
from migrations import schema
from migrations.model import FLOORS, render_item, whole_metadata

FIRST = "0001"
_MANY_COLUMNS = 12
_TABLES_IN_ONE = 40
"""Tables that one function of the first revision makes."""


def add_revision(message: str) -> None:
    """Write the next revision; a person reads and mends it before it is committed."""
    number = len(list((schema.HOME / "versions").glob("r*.py"))) + 1
    with _scratch_database() as db:
        schema.upgrade(db)
        alembic = schema.config()
        alembic.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
        with db.engine.begin() as connection:
            alembic.attributes["connection"] = connection
            command.revision(alembic, message, autogenerate=True, rev_id=f"{number:04d}")


def rewrite_first() -> None:
    """Write the first revision anew from the tables as they are, one function for each table.

    Each file of tables has its own.
    """
    operations = _operations_on_nothing()
    parts = {_part_of(op): _source_of(op) for op in operations}
    for part, source in parts.items():
        functions = [_function(op) for op in operations if _part_of(op) == part]
        _write(schema.HOME / "first" / f"{part}.py", _MODULE.format(source, "".join(functions)))
    calls = [f"    {_part_of(op)}.{_name(op)}()\n" for op in operations]
    steps = [calls[i : i + _TABLES_IN_ONE] for i in range(0, len(calls), _TABLES_IN_ONE)]
    names = "".join(f"    _make_{number}()\n" for number, _ in enumerate(steps, 1))
    bodies = (f"\n\ndef _make_{n}() -> None:\n{''.join(step)}" for n, step in enumerate(steps, 1))
    _write(
        schema.HOME / "versions" / f"r{FIRST}_first.py",
        _REVISION.format(", ".join(sorted(parts)), FIRST, names) + "".join(bodies),
    )


_MODULE = '''"""The tables of {0}.py as the first revision makes them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

{1}'''

_REVISION = '''"""Every table of the first release."""

from migrations.first import {0}

revision = "{1}"
down_revision = None


def upgrade() -> None:
    """Make every table, those first that others refer to."""
{2}'''


@contextmanager
def _scratch_database() -> Generator[Database]:
    with tempfile.TemporaryDirectory() as directory:
        db = Database(Settings(database_url=f"sqlite:///{directory}/scratch.db"))
        try:
            yield db
        finally:
            db.dispose()


def _operations_on_nothing() -> list[UpgradeOps]:
    """Return for each table, in the order of their foreign keys, what makes it and its indexes."""
    with _scratch_database() as db, db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        script = produce_migrations(context, whole_metadata())
    assert script.upgrade_ops is not None
    tables: dict[str, UpgradeOps] = {}
    for operation in script.upgrade_ops.ops:
        if isinstance(operation, CreateTableOp):
            tables[operation.table_name] = UpgradeOps([operation])
        else:
            assert isinstance(operation, ModifyTableOps)
            tables[operation.table_name].ops.extend(operation.ops)
    return list(tables.values())


def _name(operations: UpgradeOps) -> str:
    return f"create_{_table_of(operations)}"


def _table_of(operations: UpgradeOps) -> str:
    first = operations.ops[0]
    assert isinstance(first, CreateTableOp)
    return first.table_name


def _source_of(operations: UpgradeOps) -> str:
    """Return where a table is written down, like `staff/tables` or `distribution/paper_tables`."""
    name = _table_of(operations)
    for floor in FLOORS:
        if not hasattr(importlib.import_module(f"{floor}.tables"), name):
            continue
        for path in sorted((schema.HOME.parent / floor).glob("*_tables.py")):
            if hasattr(importlib.import_module(f"{floor}.{path.stem}"), name):
                return f"{floor}/{path.stem}"
        return f"{floor}/tables"
    raise LookupError(f"no floor has the table {name}")


def _part_of(operations: UpgradeOps) -> str:
    """Return the name of the file that makes a table, like `staff` or `distribution_paper`."""
    return _source_of(operations).replace("/", "_").removesuffix("tables").rstrip("_")


def _function(operations: UpgradeOps) -> str:
    table = _table_of(operations)
    body = render_python_code(operations, render_item=render_item)
    body = textwrap.dedent(re.sub(r"# ###.*", "", body)).strip()
    columns = re.findall(r"^sa\.Column\(.*\),$", body, re.MULTILINE)
    helper = ""
    if len(columns) > _MANY_COLUMNS:
        body = body.replace(columns[0], f"*_{table}_columns(),", 1)
        for column in columns[1:]:
            body = body.replace(column, "", 1)
        listed = "\n".join(columns)
        helper = f"\n\ndef _{table}_columns() -> list[sa.Column[Any]]:\n    return [{listed}]\n"
    title = f'"""Make the table `{table}`."""'
    body = textwrap.indent(body, "    ")
    return f"{helper}\n\ndef {_name(operations)}() -> None:\n    {title}\n{body}\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    for task in (["check", "--fix", "--quiet", "--select", "W,I,F401"], ["format", "--quiet"]):
        subprocess.run([ruff, *task, path], check=True)  # noqa: S603 - our own tool and file


if __name__ == "__main__":
    if sys.argv[1:] == ["--first"]:
        rewrite_first()
    elif len(sys.argv) == 2:
        add_revision(sys.argv[1])
    else:
        sys.exit(__doc__)
