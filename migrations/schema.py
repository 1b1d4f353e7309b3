"""Bring a database's schema up to date, and tell whether it is.

Only who changes a schema waits for Alembic to load; whoever starts a server just looks.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from core.db import Database
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

HOME = Path(__file__).parent


def upgrade(db: Database) -> None:
    """Bring the schema up to date; one that is up to date is left alone.

    Two processes may do so at once: the later one finds the work done. Raises ConfigurationError
    when the database belongs to a newer version of this program, and changes nothing then.
    """
    from alembic import command

    if _revision(db) not in (None, *revisions()):
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
    return _revision(db) == revisions()[-1]


def check_current(db: Database) -> None:
    """Raise ConfigurationError, saying what to do, unless the schema is up to date."""
    revision = _revision(db)
    if revision not in (None, *revisions()):
        raise _too_new()
    if revision is None:
        raise ConfigurationError("the database has no schema yet; run `wanneng init`")
    if revision != revisions()[-1]:
        raise ConfigurationError("the database's schema is out of date; run `wanneng init`")


def _too_new() -> ConfigurationError:
    return ConfigurationError(
        "the database was made by a newer version of this program; install that version"
    )


def config() -> "Config":
    """Return Alembic's configuration; a caller puts the connection into its `attributes`."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(HOME).replace("%", "%%"))
    return made


def revisions() -> list[str]:
    """Return all revisions, oldest first, from the names of their files: rNNNN_what_for.py."""
    return [file.name[1:5] for file in sorted((HOME / "versions").glob("r[0-9]*.py"))]


def _revision(db: Database) -> str | None:
    with db.read() as session:
        if not inspect(session.connection).has_table("alembic_version"):
            return None
        found = session.execute(text("SELECT version_num FROM alembic_version"))
        return found.scalar_one_or_none()
