"""The head of a request, before anybody looks at what is asked."""

from collections.abc import Sequence

from httptools import HttpParserInvalidURLError, parse_url


def has_path(target: bytes) -> bool:
    """Tell whether there is a path in what a request is for, so that the application can look."""
    try:
        path: bytes | None = parse_url(target).path
    except HttpParserInvalidURLError:
        return False
    return path is not None and path.isascii()


def without_upgrade(
    method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return a head once more, without the offer of another protocol."""
    first = b"%s %s HTTP/%s" % (method, target, version.encode())
    lines = [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([first, *lines, b"", b""])
