"""One server a worker and kind of database for all tests; every test makes its own cards."""

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from core import keyfile
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from migrations import schema
from tests.api.serving import Server, serving
from tests.api.sockets import WAIT_S
from tests.api.twiml_phone import PUBLIC_URL
from tests.api.world import World, furnish
from tests.conftest import Run
from tests.pin_hunt import KNOWN, addresses, digits_in_files

# No connection is closed while threads share the client: httpcore may hand it out at that moment.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=None)


@pytest.fixture(scope="session")
def house_directory(run: Run) -> Iterator[Path]:
    """Where the served databases, key files and logs lie."""
    path = Path(tempfile.mkdtemp(prefix="a", dir=run.root))
    yield path
    found = digits_in_files([path], KNOWN)
    shutil.rmtree(path, ignore_errors=True)
    assert found == [], "a PIN was written to a file, or into an address that was given out"


def watching(house_directory: Path) -> Callable[[httpx.Response], None]:
    """Return a hook that keeps the addresses of all answers where PINs are looked for."""
    kept = house_directory / f"addresses-{uuid.uuid4().hex}"

    def keep(answer: httpx.Response) -> None:
        found = addresses(answer.read(), answer.headers.values())
        with kept.open("ab") as file:
            file.writelines(line + b"\n" for line in found)

    return keep


@contextlib.contextmanager
def furnished(run: Run, directory: Path, kind: str, redis_url: str = "") -> Generator[World]:
    """Make and fill a database of its own; removed at the end."""
    name = f"a{uuid.uuid4().hex}"
    url = f"sqlite:///{directory}/{name}.db"
    if kind == "postgresql":
        with run.postgres.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = run.postgres.url(name)
    settings = Settings(
        database_url=url,
        redis_url=redis_url,
        key_file=directory / f"{name}.json",
        argon2_memory_kib=64,
        max_body_bytes=100_000,
        access_log="all",
        public_url=PUBLIC_URL,
        twiml_tokens="token of yesterday,token of today",
        own_numbers="+862795598000",
    )
    keyfile.create(settings.key_file)
    db = Database(settings)
    schema.upgrade(db)
    yield furnish(db, Keys(settings.key_file))
    db.dispose()
    if kind == "postgresql":
        with run.postgres.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(run: Run, house_directory: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A furnished database: the tests run once on SQLite and once on PostgreSQL."""
    with furnished(run, house_directory, request.param) as made:
        yield made


@pytest.fixture(scope="session")
def server(world: World, house_directory: Path) -> Iterator[Server]:
    """The server on the furnished database."""
    with serving(world.db.settings, house_directory / f"{uuid.uuid4().hex}.log") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Server, house_directory: Path) -> Iterator[httpx.Client]:
    """A client of the server; it keeps connections open, as clients do."""
    hooks = {"response": [watching(house_directory)]}
    with httpx.Client(base_url=server.url, timeout=30, limits=LIMITS, event_hooks=hooks) as made:
        yield made


@dataclass
class Crew:
    """A server with its workers on PostgreSQL and a Redis-protocol server."""

    world: World
    server: Server
    client: httpx.Client


@contextlib.contextmanager
def crewed(run: Run, directory: Path, worker_id: str, workers: int) -> Generator[Crew]:
    """Serve a new database on PostgreSQL by so many workers, who share a Redis-protocol server."""
    number = 40 if worker_id == "master" else 41 + int(worker_id.removeprefix("gw"))
    with (
        furnished(run, directory, "postgresql", run.redis.url(number)) as world,
        serving(world.db.settings, directory / f"crew{workers}.log", workers) as server,
        httpx.Client(
            base_url=server.url,
            timeout=60,
            limits=LIMITS,
            event_hooks={"response": [watching(directory)]},
        ) as client,
    ):
        yield Crew(world, server, client)


@pytest.fixture(scope="session")
def hasty(run: Run, house_directory: Path) -> Iterator[Crew]:
    """A server on PostgreSQL that waits a second where others wait half a minute."""
    with furnished(run, house_directory, "postgresql") as world:
        settings = replace(
            world.db.settings, arrival_seconds=1, statement_timeout_ms=1_000, lock_timeout_ms=100
        )
        log = house_directory / f"{uuid.uuid4().hex}.log"
        with (
            serving(settings, log) as server,
            httpx.Client(base_url=server.url, timeout=WAIT_S) as client,
        ):
            yield Crew(world, server, client)


@pytest.fixture(scope="session")
def crew(run: Run, house_directory: Path, worker_id: str) -> Iterator[Crew]:
    """Two workers that share a database and a Redis-protocol server."""
    with crewed(run, house_directory, worker_id, workers=2) as made:
        yield made
