"""One server a worker and kind of database for all tests; every test makes its own cards."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core import keyfile
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from migrations import schema
from tests.api.serving import Server, serving
from tests.api.world import World, furnish
from tests.conftest import Run


@pytest.fixture(scope="session")
def house_directory(run: Run) -> Iterator[Path]:
    """Where the served databases, key files and logs lie."""
    path = Path(tempfile.mkdtemp(prefix="a", dir=run.root))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(run: Run, house_directory: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A furnished database: the tests run once on SQLite and once on PostgreSQL."""
    name = f"a{uuid.uuid4().hex}"
    url = f"sqlite:///{house_directory}/{name}.db"
    if request.param == "postgresql":
        with run.postgres.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = run.postgres.url(name)
    settings = Settings(
        database_url=url,
        key_file=house_directory / f"{name}.json",
        argon2_memory_kib=64,
        max_body_bytes=100_000,
    )
    keyfile.create(settings.key_file)
    db = Database(settings)
    schema.upgrade(db)
    yield furnish(db, Keys(settings.key_file))
    db.dispose()
    if request.param == "postgresql":
        with run.postgres.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def server(world: World, house_directory: Path) -> Iterator[Server]:
    """The server on the furnished database."""
    with serving(world.db.settings, house_directory / f"{uuid.uuid4().hex}.log") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    """A client of the server; it keeps connections open, as clients do."""
    with httpx.Client(base_url=server.url, timeout=30) as made:
        yield made
