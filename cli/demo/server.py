"""The demo's HTTP server: this program's own, as another process, on a free port."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli.demo.screen import DemoFailed
from cli.demo.world import World
from cli.serve import END_AFTER_S

HOST = "127.0.0.1"
_READY_WITHIN_S = 60
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running server; every call is a request over HTTP."""

    port: int

    def post(self, path: str, key: str, body: dict[str, Any], **headers: str) -> Reply:
        """Send JSON with a bearer key; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **named}
        return self._call("POST", path, json.dumps(body), sent)

    def is_ready(self) -> bool:
        """Tell whether it answers that it can serve."""
        try:
            return self._call("GET", "/health/ready", None, {}).status == 200
        except OSError:
            return False

    def _call(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, json.loads(response.read()))
        finally:
            connection.close()


@contextmanager
def running(world: World) -> Iterator[Server]:
    """Start the server and wait until it is ready; stop it whatever happens."""
    server = Server(_free_port())
    command = [sys.executable, "-m", "cli", "serve", "--host", HOST, "--port", str(server.port)]
    descriptor = os.open(world.server_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        # In a session of its own, so that Ctrl-C reaches us first and we end it in order.
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=world.environment(),
            start_new_session=True,
        )
        try:
            _wait(process, server, world)
            yield server
        finally:
            _stop(process)


def _wait(process: "subprocess.Popen[bytes]", server: Server, world: World) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if server.is_ready():
            return
        time.sleep(0.05)
    raise DemoFailed(f"the server did not start; see {world.server_log}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_AFTER_S + 5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
