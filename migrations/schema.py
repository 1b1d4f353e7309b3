"""Bring a database's schema up to date, and tell whether it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from core.db import Database
from core.errors import ConfigurationError

HOME = Path(__file__).parent


def upgrade(db: Database) -> None:
    """Bring the schema up to date; one that is up to date is left alone.

    Two processes may do so at once: the later one finds the work done. Raises ConfigurationError
    when the database belongs to a newer version of this program, and changes nothing then.
    """
    if _revision(db) not in _history():
        raise _too_new()
    alembic = config()
    try:
        with db.engine.begin() as connection:
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, "head")
    except DBAPIError:
        if not is_current(db):
            raise


def is_current(db: Database) -> bool:
    """Tell whether the schema is the one this program was written for."""
    return _revision(db) == _scripts().get_current_head()


def check_current(db: Database) -> None:
    """Raise ConfigurationError, saying what to do, unless the schema is up to date."""
    revision = _revision(db)
    if revision not in _history():
        raise _too_new()
    if revision is None:
        raise ConfigurationError("the database has no schema yet; run `wanneng init`")
    if revision != _scripts().get_current_head():
        raise ConfigurationError("the database's schema is out of date; run `wanneng init`")


def _too_new() -> ConfigurationError:
    return ConfigurationError(
        "the database was made by a newer version of this program; install that version"
    )


def config() -> Config:
    """Return Alembic's configuration; a caller puts the connection into its `attributes`."""
    made = Config()
    made.set_main_option("script_location", str(HOME).replace("%", "%%"))
    return made


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def _history() -> set[str | None]:
    return {None} | {script.revision for script in _scripts().walk_revisions()}


def _revision(db: Database) -> str | None:
    with db.read() as session:
        if not inspect(session.connection).has_table("alembic_version"):
            return None
        return MigrationContext.configure(session.connection).get_current_revision()
