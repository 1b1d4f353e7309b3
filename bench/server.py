"""The product's own server as a child process, on a free loopback port."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import CannotMeasure
from core.settings import PREFIX, Settings, variables

HOST = "127.0.0.1"
_START_S = 60
_END_S = 40


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    process: "subprocess.Popen[bytes]"

    def memory_bytes(self) -> int:
        """Return what it and its workers hold in memory."""
        root = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (root, *root.children(recursive=True)))


@contextmanager
def serving(settings: Settings, log: Path, workers: int = 1) -> Iterator[Server]:
    """Start the server and wait until it answers; stop it whatever happens."""
    server = start(settings, log, workers)
    try:
        wait_until_it_answers(server, log)
        yield server
    finally:
        stop(server)


def start(settings: Settings, log: Path, workers: int = 1) -> Server:
    """Start a server and return at once; it may not answer yet."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "serve", "--host", HOST, "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            [*command, "--workers", str(workers)],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Server(port, process)


def stop(server: Server) -> None:
    """Tell it to end; end it by force when it does not."""
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def wait_until_it_answers(server: Server, log: Path, pause_s: float = 0.02) -> None:
    """Return when it is ready; CannotMeasure when it ends or takes too long."""
    deadline = time.monotonic() + _START_S
    while server.process.poll() is None and time.monotonic() < deadline:
        if _is_ready(server.port):
            return
        time.sleep(pause_s)
    raise CannotMeasure(f"the server did not start; it says: {log.read_text('utf-8')[-1000:]}")


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process with these settings and no others of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | variables(settings)


def free_port() -> int:
    """Return a loopback port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
