"""The program serving, as another process, and who redeems at it over HTTP."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.api.serving import lives
from tests.cli.terminal import clean_environment

_PATIENCE_S = 60


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    port: int
    process: "subprocess.Popen[str]"

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request; return status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            kind = {"Content-Type": "application/json"}
            connection.request(method, path, sent, {**kind, **(headers or {})})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Tell whether it can serve."""
        try:
            return self.call("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return [child for child in psutil.Process(self.process.pid).children() if lives(child)]

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return the exit code and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=_PATIENCE_S)
        return self.process.returncode, log


@contextmanager
def serving(
    *args: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run a command that serves, on a free port, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *args, "--port", str(port)],
        cwd=cwd,
        env=clean_environment(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(port, process)
    try:
        wait_until(lambda: served.is_ready() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        yield served
    finally:
        if process.poll() is None:
            served.stop()


def wait_until(holds: Any) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
