"""An answer as it goes out over HTTP, where no framework writes it."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

from api.edge import SECURITY_HEADERS
from api.refusals import Rendered


def written(
    rendered: Rendered, of_the_server: Sequence[tuple[bytes, bytes]], *, keep_alive: bool
) -> bytes:
    """Return an answer with its head; the server's own headers, its date, are in it."""
    body, more = rendered.body, tuple(rendered.headers.items())
    head = _head(rendered.status, rendered.media_type, more, keep_alive)
    own = b"".join(b"%s: %s\r\n" % each for each in of_the_server)
    return b"%s%scontent-length: %d\r\n\r\n%s" % (head, own, len(body), body)


@lru_cache(maxsize=256)
def _head(
    status: int, media_type: str, more: tuple[tuple[str, str], ...], keep_alive: bool
) -> bytes:
    """Return what is the same in many answers."""
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
    lines += [b"content-type: " + media_type.encode()]
    lines += [name + b": " + value for name, value in SECURITY_HEADERS]
    lines += [f"{name.lower()}: {value}".encode() for name, value in more]
    if not keep_alive:
        lines.append(b"connection: close")
    return b"\r\n".join([*lines, b""])
