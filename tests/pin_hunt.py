"""Looks for known PINs in everything the system wrote or shows."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import redis

from vouchers.pins import Pin

KNOWN: set[str] = set()
"""The digits of every card's PIN that this test process has made, for the hunt at the end."""

_RUN = re.compile(rb"\d{18,}")
_GROUPED = re.compile(rb"\d{6}(?:[ \-+]|%20|%2B)\d{6}(?:[ \-+]|%20|%2B)\d{6}")
_ADDRESS = re.compile(rb"(?:https?://|/)[A-Za-z0-9_.-]*/[^\s\"'<>]*")
_PIECE = 1 << 24
_OVERLAP = 64


def remember(pins: Iterable[Pin]) -> None:
    """Take note of the PINs of cards, to be looked for when all tests have run."""
    KNOWN.update(pin.digits for pin in pins)


def pins_in_files(places: Iterable[Path], pins: Iterable[Pin]) -> list[str]:
    """Return where one of the PINs stands, plain or in printed groups, in files below `places`."""
    return digits_in_files(places, [pin.digits for pin in pins])


def digits_in_files(places: Iterable[Path], digits: Iterable[str]) -> list[str]:
    """Do as `pins_in_files` with the digits of PINs."""
    known = {each.encode() for each in digits}
    return [
        str(path)
        for place in places
        for path in _files(place)
        if any(_holds(piece, known) for piece in _pieces(path))
    ]


def pins_in_bytes(named: Iterable[tuple[str, bytes]], pins: Iterable[Pin]) -> list[str]:
    """Return the names of the byte strings in which one of the PINs stands."""
    known = {pin.digits.encode() for pin in pins}
    return [name for name, content in named if _holds(content, known)]


def command_lines(pids: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    """Return the arguments and environments of processes and of all their children."""
    for pid in pids:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            shown = " ".join([*process.cmdline(), *process.environ().values()])
            yield f"process {process.pid}", shown.encode(errors="replace")


def redis_contents(url: str) -> Iterator[tuple[str, bytes]]:
    """Return every key of one Redis database with all that stands under it, of whatever type."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(count=1_000):
            kind = client.type(key).decode()
            held = None if kind == "none" else _READERS[kind](client, key)  # none: it ran out
            yield f"redis key {key[:40]!r}", key + b"\0" + b"\0".join(_flat(held))


_READERS: dict[str, Callable[[redis.Redis, bytes], Any]] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1),
    "hash": lambda client, key: client.hgetall(key),  # type: ignore[arg-type]
    "stream": lambda client, key: client.xrange(key),
}


def _flat(held: Any) -> Iterator[bytes]:
    if isinstance(held, bytes):
        yield held
    elif isinstance(held, dict):
        yield from _flat(list(held.items()))
    elif held is not None:
        for each in held:
            yield from _flat(each)


def digits_in_redis(url: str, digits: Iterable[str]) -> list[str]:
    """Return the keys of one Redis database in or under which one of the PINs stands."""
    known = {each.encode() for each in digits}
    return [name for name, content in redis_contents(url) if _holds(content, known)]


def addresses(answer: bytes, headers: Iterable[str]) -> list[bytes]:
    """Return every address in an answer that we gave: what others may log, call again or keep."""
    shown = [value.encode() for value in headers if _ADDRESS.match(value.encode())]
    return shown + _ADDRESS.findall(answer)


def _holds(content: bytes, known: set[bytes]) -> bool:
    for run in _RUN.finditer(content):
        digits = run[0]
        if any(digits[i : i + 18] in known for i in range(len(digits) - 17)):
            return True
    grouped = (re.sub(rb"%2B|%20|\D", b"", found[0]) for found in _GROUPED.finditer(content))
    return any(digits in known for digits in grouped)


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        raise NotADirectoryError(place)
    for directory, _, names in os.walk(place, onerror=_unread):
        for name in names:
            path = Path(directory, name)
            if path.is_file():
                yield path


def _unread(error: OSError) -> None:
    """Let no directory be passed over unread, unless it is gone."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # since it was listed a test beside us dropped its database
        return
    with file:
        kept = b""
        while piece := file.read(_PIECE):
            yield kept + piece
            kept = piece[-_OVERLAP:]
