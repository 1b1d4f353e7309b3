"""Servers once a run, shared by all workers; a fresh database for each test."""

import contextlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis as redis_client

from core import keyfile
from core.clock import Clock
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from migrations.schema import upgrade
from tests.clocks import FakeClock
from tests.pin_hunt import KNOWN, digits_in_files, digits_in_redis
from tests.scratch import make_root, remove_root
from tests.servers import (
    DATABASES,
    NoServer,
    PostgresServer,
    RedisServer,
    start_postgres,
    start_redis,
)

_TEMPLATE = "template_wanneng"
_DRAWN = re.compile(r"(\d\W*){18}|age1|AGE-SECRET-KEY")
DatabaseMaker = Callable[[str], Database]
EmptyDatabaseMaker = Callable[[str], Database]


@dataclass(frozen=True)
class Run:
    """What the workers of one test run share."""

    root: Path
    postgres: PostgresServer
    redis: RedisServer

    @property
    def sqlite_template(self) -> Path:
        """An SQLite file with the schema and no rows."""
        return self.root / "template.db"


_RUN = pytest.StashKey[Run]()
_STOP = pytest.StashKey[contextlib.ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the process that leads the run; join them in a worker."""
    told: dict[str, str] | None = getattr(config, "workerinput", None)
    if told is not None:
        root = Path(told["root"])
        config.stash[_RUN] = Run(
            root,
            PostgresServer(Path(told["postgres"]), root / "pg"),
            RedisServer(Path(told["redis"]), root / "kv"),
        )
    elif not config.option.collectonly:
        stack = config.stash[_STOP] = contextlib.ExitStack()
        try:
            config.stash[_RUN] = _start(stack)
        except NoServer as missing:
            stack.close()
            pytest.exit(str(missing), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the servers are."""
    run = node.config.stash[_RUN]
    node.workerinput["root"] = str(run.root)
    node.workerinput["postgres"] = str(run.postgres.binaries)
    node.workerinput["redis"] = str(run.redis.binary)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep drawn PINs and keys out of the names of tests.

    A PIN is shown nowhere; and all workers of a run must call a test by the same name.
    """
    return argname if isinstance(val, str) and _DRAWN.search(val) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the known PINs to the process that leads the run, or look for all of them there."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["pins"] = sorted(KNOWN)
    elif _RUN in session.config.stash:
        hunt(session)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell loudly which tests were skipped, and why: nothing is skipped in silence."""
    for report in terminalreporter.stats.get("skipped", ()):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}", red=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the PINs that a worker of pytest-xdist knows."""
    KNOWN.update(getattr(node, "workeroutput", {}).get("pins", ()))


def hunt(session: pytest.Session) -> None:
    """Fail the run where a PIN lies in what it wrote: databases and their logs, files, Redis."""
    run = session.config.stash[_RUN]
    found = digits_in_files([run.root], KNOWN)
    for number in range(DATABASES):
        found += digits_in_redis(run.redis.url(number), KNOWN)
    writer = session.config.get_terminal_writer()
    writer.line()
    writer.line(
        f"{len(KNOWN)} PINs of cards looked for in files and Redis of the run: found in {found}"
    )
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what pytest_configure started."""
    stack = config.stash.get(_STOP, None)
    if stack is not None:
        stack.close()


def _start(stack: contextlib.ExitStack) -> Run:
    root, mark = make_root()
    stack.callback(remove_root, root, mark)
    postgres = start_postgres(root / "pg")
    stack.callback(postgres.stop)
    kv = start_redis(root / "kv")
    stack.callback(kv.stop)
    run = Run(root, postgres, kv)
    _keep_temporary_files(root / "tmp")
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        for url in (f"sqlite:///{run.sqlite_template}", postgres.url(_TEMPLATE)):
            _make_template(Settings(database_url=url))
        connection.execute(f"ALTER DATABASE {_TEMPLATE} ALLOW_CONNECTIONS false")
    return run


def _keep_temporary_files(directory: Path) -> None:
    """Let whatever the tests and their processes leave in files lie where it is looked for."""
    directory.mkdir()
    os.environ["TMPDIR"] = str(directory)
    tempfile.tempdir = None


def _make_template(settings: Settings) -> None:
    database = Database(settings)
    upgrade(database)
    database.dispose()


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """The servers and directories of this test run."""
    return pytestconfig.stash[_RUN]


@pytest.fixture
def scratch(run: Run) -> Iterator[Path]:
    """A directory for one test, on quick storage and with a short name; removed after it."""
    path = Path(tempfile.mkdtemp(prefix="t", dir=run.root))
    path.chmod(0o711)  # for a private PostgreSQL, which runs as another user
    yield path
    found = digits_in_files([path], KNOWN)
    shutil.rmtree(path, ignore_errors=True)
    assert found == [], "a PIN was written to a file"


@pytest.fixture
def clock() -> FakeClock:
    """The clock of `db`; stands at 2025-06-11 09:30 in Shanghai until it is moved."""
    return FakeClock()


@pytest.fixture
def settings(scratch: Path) -> Settings:
    """Settings whose files lie in `scratch`; argon2id is made cheap."""
    return Settings(
        database_url=f"sqlite:///{scratch}/wanneng.db",
        key_file=scratch / "keys.json",
        argon2_memory_kib=64,
    )


@pytest.fixture
def keys(settings: Settings) -> Keys:
    """A new key file with one live version."""
    keyfile.create(settings.key_file)
    return Keys(settings.key_file)


@pytest.fixture(scope="session")
def admin(run: Run) -> Iterator[psycopg.Connection]:
    """A connection that creates and drops databases of the shared PostgreSQL."""
    with contextlib.closing(run.postgres.connect()) as connection:
        yield connection


@pytest.fixture
def make_database(
    run: Run, settings: Settings, clock: Clock, request: pytest.FixtureRequest
) -> Iterator[DatabaseMaker]:
    """Make fresh databases by kind, "sqlite" or "postgresql"; removed after the test."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            if kind == "sqlite":
                path = _new_path(settings)
                shutil.copyfile(run.sqlite_template, path)
                return _open(f"sqlite:///{path}", settings, clock, stack)
            admin = request.getfixturevalue("admin")
            name = stack.enter_context(_postgres_database(admin, _TEMPLATE))
            return _open(run.postgres.url(name), settings, clock, stack)

        yield make


@pytest.fixture
def make_empty_database(
    run: Run, settings: Settings, clock: Clock, request: pytest.FixtureRequest
) -> Iterator[EmptyDatabaseMaker]:
    """Make databases without any table by kind, "sqlite" or "postgresql"."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            if kind == "sqlite":
                return _open(f"sqlite:///{_new_path(settings)}", settings, clock, stack)
            admin = request.getfixturevalue("admin")
            name = stack.enter_context(_postgres_database(admin, "template0"))
            return _open(run.postgres.url(name), settings, clock, stack)

        yield make


def _new_path(settings: Settings) -> Path:
    return settings.key_file.parent / f"{uuid.uuid4().hex}.db"


def _open(url: str, settings: Settings, clock: Clock, stack: contextlib.ExitStack) -> Database:
    database = Database(replace(settings, database_url=url), clock)
    stack.callback(database.dispose)
    return database


@contextlib.contextmanager
def _postgres_database(admin: psycopg.Connection, template: str) -> Generator[str]:
    name = f"t{uuid.uuid4().hex}"
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield name
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def db(make_database: DatabaseMaker, request: pytest.FixtureRequest) -> Database:
    """A fresh database: the test runs once on SQLite and once on PostgreSQL.

    Another process, or another Database, opens the same one by `db.settings`.
    """
    return make_database(request.param)


@pytest.fixture
def sqlite_db(make_database: DatabaseMaker) -> Database:
    """A fresh SQLite database, for what only concerns SQLite."""
    return make_database("sqlite")


@pytest.fixture
def postgresql_db(make_database: DatabaseMaker) -> Database:
    """A fresh PostgreSQL database, for what only concerns PostgreSQL."""
    return make_database("postgresql")


@pytest.fixture
def redis_url(run: Run, worker_id: str) -> Iterator[str]:
    """The URL of an empty database on a real Redis-protocol server."""
    url = run.redis.url(0 if worker_id == "master" else 1 + int(worker_id.removeprefix("gw")))
    with contextlib.closing(redis_client.Redis.from_url(url)) as client:
        client.flushdb()
    yield url
    assert digits_in_redis(url, KNOWN) == [], "a PIN was written to Redis"


@pytest.fixture
def redis(redis_url: str) -> Iterator["redis_client.Redis"]:
    """A client on an empty database of a real Redis-protocol server."""
    with contextlib.closing(redis_client.Redis.from_url(redis_url)) as client:
        yield client
