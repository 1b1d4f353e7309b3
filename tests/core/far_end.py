"""The other end of a gateway: a small HTTP server and a small SMTP server of their own."""

import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LOST = 0
"""An answer that never comes: the request is taken, the connection is cut."""


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        """The body read as a form."""
        return {name: values[0] for name, values in parse_qs(self.body).items()}


@dataclass
class FarEnd:
    """Answers with one status after the other, then with the last for ever; keeps what it got."""

    answers: list[tuple[int, str]]
    got: list[Got] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Got) -> tuple[int, str]:
        """Keep a request; return what to answer."""
        with self._lock:
            self.got.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def far_end(*answers: tuple[int, str]) -> Iterator[FarEnd]:
    """Serve HTTP on a free port until the block ends."""
    end = FarEnd(list(answers) or [(202, "0: Accepted for delivery")])

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.answer("GET")

        def do_POST(self) -> None:
            self.answer("POST")

        def answer(self, method: str) -> None:
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            size = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(size).decode()
            status, text = end.take(Got(method, parts.path, query, dict(self.headers), body))
            if status == LOST:
                self.close_connection = True
                return
            raw = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    end.port = server.server_port
    with _running(server):
        yield end


@dataclass
class PostOffice:
    """A mail server that takes or refuses, and keeps what it took."""

    refusing: str = ""
    mails: list[str] = field(default_factory=list)
    port: int = 0


@contextmanager
def post_office(refusing: str = "") -> Iterator[PostOffice]:
    """Serve SMTP on a free port until the block ends; `refusing` answers each recipient."""
    office = PostOffice(refusing)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 far.end")
            for raw in self.rfile:
                verb = raw.decode().strip().upper()
                if verb.startswith("RCPT") and office.refusing:
                    self.say(office.refusing)
                elif verb == "DATA":
                    self.say("354 go on")
                    office.mails.append(self.data())
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 far.end")

        def data(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines).decode()

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    office.port = server.server_address[1]
    with _running(server):
        yield office


@contextmanager
def _running(server: socketserver.ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def statuses(end: FarEnd) -> Sequence[str]:
    """Return the texts that came, in order, over Kannel's interface."""
    return [request.query["text"] for request in end.got]
