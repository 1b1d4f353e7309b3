"""One world for all tests of a module, on each database; tests damage it and roll back."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from core import keyfile
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from migrations.schema import upgrade
from tests.audit.world import World, whole_world
from tests.clocks import FakeClock
from tests.conftest import Run


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(run: Run, admin: psycopg.Connection, request: pytest.FixtureRequest) -> Iterator[World]:
    """Everything has happened once, and properly. Tests read it, or damage it and roll back."""
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="w", dir=run.root))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        url = f"sqlite:///{home}/world.db"
        if request.param == "postgresql":
            name = f"w{uuid.uuid4().hex}"
            admin.execute(f"CREATE DATABASE {name}")
            stack.callback(admin.execute, f"DROP DATABASE {name} WITH (FORCE)")
            url = run.postgres.url(name)
        keyfile.create(home / "keys.json")
        clock = FakeClock()
        settings = Settings(
            database_url=url, key_file=home / "keys.json", argon2_memory_kib=64, pool_size=2
        )
        db = Database(settings, clock)
        stack.callback(db.dispose)
        upgrade(db)
        yield stack.enter_context(whole_world(db, Keys(settings.key_file), clock))
