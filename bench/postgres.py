"""A private PostgreSQL on a real disk, the same for both sides of every measure."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import CannotMeasure
from tests.servers import NoServer, PostgresServer, start_postgres

_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "maintenance_work_mem": "512MB",
    "checkpoint_timeout": "1h",
    "wal_compression": "lz4",
    "wal_buffers": "64MB",
    "effective_io_concurrency": "100",
    "random_page_cost": "1.1",
}
"""Durable in full. Checkpoints come when the bench asks for them, not in the middle of a side."""

_SHOWN = (
    "SELECT name, current_setting(name) FROM pg_settings"
    " WHERE source NOT IN ('default', 'override', 'client') ORDER BY name"
)


@dataclass(frozen=True)
class Postgres:
    """The running server and its programs."""

    server: PostgresServer

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return self.server.url(database)

    def create(self, database: str) -> str:
        """Make an empty database; return its URL."""
        self.run(f"CREATE DATABASE {database} TEMPLATE template0")
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def run(self, sql: str, database: str = "postgres") -> None:
        """Run one statement in a transaction of its own."""
        with self.server.connect(database) as connection:
            connection.execute(sql.encode())

    def rows(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.server.connect(database) as connection:
            return connection.execute(sql.encode()).fetchall()

    def value(self, sql: str, database: str = "postgres") -> Any:
        """Return the only value of a query."""
        return self.rows(sql, database)[0][0]

    def checkpoint(self) -> None:
        """Write out what earlier sides left, so that no later one pays for it."""
        self.run("CHECKPOINT")

    def describe(self) -> dict[str, Any]:
        """Return its version and all settings that are not PostgreSQL's defaults."""
        settings = {name: value for name, value in self.rows(_SHOWN) if "/" not in str(value)}
        return {"version": self.value("SHOW server_version"), "settings": settings}

    def pgbench(self) -> Path:
        """Return the load generator; CannotMeasure where there is none."""
        beside = self.server.binaries / "pgbench"
        found = str(beside) if beside.exists() else shutil.which("pgbench")
        if found is None:
            raise CannotMeasure("pgbench is missing: install it, e.g. `apt install postgresql`")
        return Path(found)


@contextmanager
def running(home: Path, memory_bytes: int) -> Iterator[Postgres]:
    """Start the server with its data in the new directory `home`; stop it at the end.

    Raises CannotMeasure when there is no PostgreSQL.
    """
    try:
        server = start_postgres(home)
    except NoServer as error:
        raise CannotMeasure(str(error)) from error
    try:
        _configure(server, memory_bytes)
        yield Postgres(server)
    finally:
        server.stop()


def _configure(server: PostgresServer, memory_bytes: int) -> None:
    megabytes = memory_bytes >> 20
    wanted = dict(_SETTINGS, shared_buffers=f"{megabytes}MB")
    if not _knows_lz4(server):
        wanted["wal_compression"] = "on"
    server.stop()
    lines = [f"{name} = '{value}'\n" for name, value in wanted.items()]
    with (server.data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(lines)
    server.start()


def _knows_lz4(server: PostgresServer) -> bool:
    program = server.binaries / "pg_config"
    if not program.exists():
        return False
    built = subprocess.run(  # noqa: S603 - the server's own program
        [program, "--configure"], capture_output=True, text=True, check=False
    )
    return "--with-lz4" in built.stdout
