"""A real Kannel between a telephone and the server, where the program is installed."""

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import httpx
import pytest

CONFIG = Path(__file__).parents[2] / "examples" / "kannel.conf"
_WAIT_S = 40


def binary(name: str) -> str:
    """Return where a program of Kannel is, or skip the test and say what to install."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"NO {name} HERE: install Debian's package kannel (.ci/packages does)")
    return found


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@dataclass
class Centre:
    """The short message centre behind Kannel: sends what phones send, gets what they get."""

    lines: socket.SocketIO
    got: list[str]

    def send(self, sender: str, text: str) -> None:
        """Let a phone send a text."""
        if text.isascii():
            line = f"{sender} 95598 text {text}"
        else:
            line = f"{sender} 95598 ucs2 {quote(text.encode('utf-16-be'))}"
        self.lines.write(line.encode() + b"\n")

    def receive(self, count: int = 1) -> list[str]:
        """Wait for so many texts to phones and take them."""
        deadline = time.monotonic() + _WAIT_S
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        taken = self.got[:]
        self.got.clear()
        return taken


def readable(line: str) -> str:
    """Return a line `sender receiver type text` of the centre with its text decoded."""
    sender, receiver, kind, text = [*line.split(" ", 3), "", "", ""][:4]
    if kind == "ucs-2":
        text = unquote_to_bytes(text.replace("+", " ")).decode("utf-16-be")
    return f"{sender} {receiver} {text}"


def _listen(lines: socket.SocketIO, got: list[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        buffer = b""
        while piece := lines.read(4096):
            *whole, buffer = (buffer + piece).split(b"\n")
            got += [readable(line.decode("latin-1").rstrip("\r")) for line in whole if line.strip()]


@contextlib.contextmanager
def kannel(server_url: str, key: str, directory: Path) -> Generator[Centre]:
    """Run bearerbox and smsbox on our example configuration, with ports of their own."""
    programs = [binary("bearerbox"), binary("smsbox")]
    admin, boxes, centre, push = free_ports(4)
    text = CONFIG.read_text("utf-8")
    for old, new in (
        ("http://127.0.0.1:8000", server_url),
        ("CHANNEL_KEY", key),
        ("= 13000", f"= {admin}"),
        ("= 13001", f"= {boxes}"),
        ("= 20000", f"= {centre}"),
        ("= 13013", f"= {push}"),
        ("http-queue-delay = 5", "http-queue-delay = 1"),
    ):
        assert old in text
        text = text.replace(old, new)
    config = directory / "kannel.conf"
    config.write_text(text, "utf-8")
    with contextlib.ExitStack() as stack:
        bearerbox = stack.enter_context(_running(programs[0], config, directory / "bearerbox.log"))
        connection = _connected(centre, bearerbox)
        stack.callback(connection.close)
        stack.enter_context(_running(programs[1], config, directory / "smsbox.log"))
        _connected(push, bearerbox).close()
        got: list[str] = []
        connection.settimeout(None)
        lines = stack.enter_context(socket.SocketIO(connection, "rw"))
        listener = threading.Thread(target=_listen, args=(lines, got), daemon=True)
        listener.start()
        yield Centre(lines, got)
        connection.shutdown(socket.SHUT_RDWR)
        listener.join()


@contextlib.contextmanager
def _running(program: str, config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-v", "2", str(config)],
            stdout=output,
            stderr=output,
            cwd=config.parent,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_WAIT_S)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("Kannel did not start")


@contextlib.contextmanager
def spoilt(server_url: str, times: int) -> Generator[tuple[str, list[tuple[str, bytes]]]]:
    """A proxy that passes everything on but turns the first answers into 500; what it saw."""
    seen: list[tuple[str, bytes]] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept = {
                name: value
                for name, value in self.headers.items()
                if re.match("x-kannel|content-type", name, re.IGNORECASE)
            }
            answer = httpx.post(server_url + self.path, content=body, headers=kept, timeout=30)
            seen.append((self.path, answer.content))
            self.send_response(500 if len(seen) <= times else answer.status_code)
            for name in ("content-type", "x-kannel-coding"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}", seen
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
