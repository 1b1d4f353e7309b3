"""`wanneng serve`: when it refuses to start, and that it lives and ends in order."""

import socket
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from cli.serve import processes_each
from core import keyfile
from core.db import Database
from core.settings import variables
from tests.cli.served import serving, wait_until
from tests.cli.terminal import Terminal
from tests.conftest import EmptyDatabaseMaker


@pytest.fixture
def ready(make_empty_database: EmptyDatabaseMaker, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An SQLite database after `wanneng init`."""
    db = make_empty_database("sqlite")
    Terminal(db.settings, monkeypatch).json("init")
    return db


def _refusal(terminal: Terminal, *args: str) -> str:
    ended = terminal("serve", *args)
    assert (ended.code, ended.error) == (2, "configuration")
    return ended.err


def test_several_workers_need_postgresql_and_redis(
    ready: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "PostgreSQL" in _refusal(Terminal(ready.settings, monkeypatch), "--workers", "2")
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    terminal = Terminal(replace(ready.settings, database_url=url), monkeypatch)
    assert "WANNENG_REDIS_URL" in _refusal(terminal, "--workers", "2")


def test_it_refuses_a_schema_that_is_missing(
    make_empty_database: EmptyDatabaseMaker, keys: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = make_empty_database("sqlite")
    with db.read():
        pass  # makes the file
    assert "wanneng init" in _refusal(Terminal(db.settings, monkeypatch))


def test_it_refuses_a_foreign_key_file(ready: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.settings.key_file.unlink()
    keyfile.create(ready.settings.key_file)
    assert "key file is not this database's" in _refusal(Terminal(ready.settings, monkeypatch))


def test_it_refuses_a_database_that_may_lose_commits(
    make_empty_database: EmptyDatabaseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = make_empty_database("postgresql")
    terminal = Terminal(db.settings, monkeypatch)
    terminal.json("init")
    name = db.engine.url.database
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    db.dispose()
    assert "not durable" in _refusal(terminal)


def test_it_says_when_the_port_is_taken(ready: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in _refusal(Terminal(ready.settings, monkeypatch), "--port", port)


def test_it_serves_replaces_a_killed_worker_and_ends_in_order(
    ready: Database, scratch: Path
) -> None:
    with serving("serve", cwd=scratch, environment=variables(ready.settings)) as served:
        (first,) = served.workers()
        first.kill()
        wait_until(lambda: [p for p in served.workers() if p.pid != first.pid])
        wait_until(served.is_ready)
        code, log = served.stop()
    assert code == 0
    assert f"http://127.0.0.1:{served.port}" in log
    assert "Traceback" not in log
    path = ready.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize(("workers", "each"), [(1, 2), (2, 1), (4, 1)])
def test_workers_share_the_engine_processes_and_have_one_at_least(workers: int, each: int) -> None:
    assert processes_each(workers) == each
