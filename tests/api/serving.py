"""The real server as a child process, for tests over HTTP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from core.settings import PREFIX, Settings, variables

_START_S = 40
_COMMAND = (sys.executable, "-W", "error", "-m", "cli", "serve", "--host", "127.0.0.1")


@dataclass
class Server:
    """A server that runs; `log` is what it has written so far, as a file."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def worker_pids(self) -> list[int]:
        """Return the processes that answer requests."""
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if lives(child)]

    def log_with(self, words: str) -> str:
        """Return the log as soon as it holds the words; a request's line comes after its answer."""
        deadline = time.monotonic() + _START_S
        while words not in (text := self.log.read_text("utf-8")):
            assert time.monotonic() < deadline, f"the log does not tell of {words}"
            time.sleep(0.02)
        return text


def lives(process: psutil.Process) -> bool:
    """Tell whether a process has not died, waited for or not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it has just died
        return False


@contextlib.contextmanager
def serving(
    settings: Settings, log: Path, workers: int = 1, environ: dict[str, str] | None = None
) -> Generator[Server]:
    """Start the server on a free port and stop it at the end; it must end by itself when told."""
    port = _free_port()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_COMMAND, "--port", str(port), "--workers", str(workers)],
            env=environment(settings) | (environ or {}),
            cwd=Path(__file__).parents[2],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", log, process)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        _end(process)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | variables(settings)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            if httpx.get(server.url + "/health/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not start:\n" + server.log.read_text("utf-8")[-5000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
