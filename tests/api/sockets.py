"""Connections to a server, for what no client of HTTP would send."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from tests.api.serving import Server

WAIT_S = 20
"""So long a test waits for anything that comes over a connection."""


@contextmanager
def connected(server: Server) -> Generator[socket.socket]:
    """Connect to a server for as long as the block runs."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as made:
        yield made


def until_closed(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    answer = b""
    while part := connection.recv(65_536):
        answer += part
    return answer


def answers(connection: socket.socket, count: int) -> list[tuple[int, dict[str, str], bytes]]:
    """Read so many answers; return the status, the headers and the body of each."""
    with connection.makefile("rb") as stream:
        return [_answer(stream) for _ in range(count)]


def _answer(stream: BinaryIO) -> tuple[int, dict[str, str], bytes]:
    status = int(stream.readline().split()[1])
    lines = iter(stream.readline, b"\r\n")
    headers = dict(line.decode().rstrip().lower().split(": ", 1) for line in lines)
    return status, headers, stream.read(int(headers["content-length"]))
