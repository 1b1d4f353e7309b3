"""What a command works with, opened when it is first asked for.

Nothing heavy is imported above: `wanneng --help` and completion must not wait for a database
library. This is the one place that reads the environment.
"""

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import Out
from core.errors import ConfigurationError
from core.settings import Settings, load

if TYPE_CHECKING:
    from core.db import Database
    from core.keyfile import Keys
    from staff.permissions import Actor


class App:
    """One run of the program."""

    def __init__(self) -> None:
        self.out = Out()

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment."""
        return load(os.environ)

    @cached_property
    def keys(self) -> "Keys":
        """The key file, read when it is first used."""
        from core.keyfile import Keys

        return Keys(self.settings.key_file)

    @cached_property
    def db(self) -> "Database":
        """The database; ConfigurationError where an embedded one was never made."""
        path = sqlite_path(self.settings)
        if path is not None and not path.exists():
            raise ConfigurationError(f"there is no database {path} yet; run `wanneng init`")
        return self.open_db()

    def open_db(self) -> "Database":
        """Open the database, making the file of an embedded one if it is missing."""
        from cli.logs import quiet
        from core.db import Database

        quiet()
        return Database(self.settings)

    @property
    def sign_in_path(self) -> Path:
        """Where the token of `wanneng login` is kept."""
        return sign_in_path(self.settings)

    @cached_property
    def actor(self) -> "Actor":
        """The signed-in member; Unauthenticated when nobody is."""
        from cli.sign_in_file import read_token
        from staff.signin import Unauthenticated, authenticate

        token = read_token(self.sign_in_path)
        if token is None:
            raise Unauthenticated("nobody is signed in; run `wanneng login USERNAME`")
        with self.db.read() as session:
            return authenticate(session, token)

    def close(self) -> None:
        """Close what was opened."""
        if "db" in self.__dict__:
            self.db.dispose()


def sign_in_path(settings: Settings) -> Path:
    """Return the file of the token: under XDG_STATE_HOME, else beside the key file."""
    key_file = settings.key_file
    home = os.environ.get("XDG_STATE_HOME")
    if not home:
        return key_file.with_name(f"{key_file.stem}.sign-in")
    # The whole path is in the name, so that installations do not share a sign-in.
    name = "_".join(key_file.absolute().parts[1:])
    return Path(home) / "wanneng" / f"{name}.sign-in"


def sqlite_path(settings: Settings) -> Path | None:
    """Return the file of the embedded database; None for a server."""
    if not settings.is_sqlite:
        return None
    return Path(settings.database_url.partition(":///")[2].partition("?")[0])


def stdin_is_terminal() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()
