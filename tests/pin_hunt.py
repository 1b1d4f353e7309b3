"""Looks for known PINs in everything the system wrote or shows."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from vouchers.pins import Pin

KNOWN: set[str] = set()
"""The digits of every card's PIN that this test process has made, for the hunt at the end."""

_RUN = re.compile(rb"\d{18,}")
_GROUPED = re.compile(rb"\d{6}(?:[ \-+]|%20|%2B)\d{6}(?:[ \-+]|%20|%2B)\d{6}")
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


def _holds(content: bytes, known: set[bytes]) -> bool:
    for run in _RUN.finditer(content):
        digits = run[0]
        if any(digits[i : i + 18] in known for i in range(len(digits) - 17)):
            return True
    grouped = (re.sub(rb"%2B|%20|\D", b"", found[0]) for found in _GROUPED.finditer(content))
    return any(digits in known for digits in grouped)


def _files(place: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(place):
        for name in names:
            path = Path(directory, name)
            if path.is_file():
                yield path


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        kept = b""
        while piece := file.read(_PIECE):
            yield kept + piece
            kept = piece[-_OVERLAP:]
