"""Talking by a telephone: what is typed by a person or comes from a script, what is heard."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import rich_click as click

from cli.app import stdin_is_terminal
from cli.simulator.phones import Heard, Telephone
from core.log import mask_text

HANG_UP = "!"
_SILENCE = "."
_SECRET = "******"  # noqa: S105 - what stands for one


class Typist(Protocol):
    """Who types."""

    def next(self, heard: Heard) -> str | None:
        """Return what is typed next; None to hang up."""


class Script:
    """Types what stands in a script, one step a line."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self, heard: Heard) -> str | None:
        """Return the next line; at the end hang up."""
        del heard
        return next(self._lines, None)


class Person:
    """Asks whoever sits at the terminal; a PIN is typed unseen."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt

    def next(self, heard: Heard) -> str | None:
        """Return what is typed; end of input hangs up."""
        try:
            typed: str = click.prompt(
                self._prompt, default="", show_default=False, hide_input=heard.is_secret, err=True
            )
        except click.Abort:
            return None
        return typed


@dataclass(frozen=True)
class Line:
    """One line of a transcript: who, and what was said or typed; secrets are masked."""

    who: str
    words: str


def typist(script: str | None, prompt: str) -> Typist:
    """Return who types: a script's file, `-` for stdin, or the person at the terminal."""
    if script is None and stdin_is_terminal():
        return Person(prompt)
    if script in (None, "-"):
        return Script(line.rstrip("\r\n") for line in sys.stdin)
    return Script(iter(Path(str(script)).read_text(encoding="utf-8").splitlines()))


def talk(telephone: Telephone, typing: Typist) -> Iterator[Line]:
    """Talk until one side ends it; yield the transcript line by line.

    `.` or an empty line is silence, `!` hangs up.
    """
    heard = telephone.start()
    yield from _spoken(heard)
    while not heard.is_over:
        typed = typing.next(heard)
        if typed is None or typed == HANG_UP:
            seen = telephone.hang_up()
            if seen:
                yield Line("you", seen)
            return
        typed = "" if typed == _SILENCE else typed
        yield Line("you", _shown(typed, heard))
        heard = telephone.send(typed)
        yield from _spoken(heard)


def _spoken(heard: Heard) -> Iterator[Line]:
    for words in heard.words:
        yield Line("phone", words)


def _shown(typed: str, heard: Heard) -> str:
    if not typed:
        return "(silence)"
    if heard.is_secret and len(typed) > 1:
        return _SECRET + ("#" if typed.endswith("#") else "")
    return mask_text(typed)
