"""`wanneng simulate call|sms|ussd`: a telephone in the terminal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.prompts import ask_secrets
from cli.simulator.door import Door
from cli.simulator.phones import Caller, Dialler, Telephone, Texter
from cli.simulator.talk import talk, typist

F = TypeVar("F", bound=Callable[..., Any])


def _options(function: F) -> F:
    for option in reversed(
        (
            click.option(
                "--url",
                default="http://127.0.0.1:8000",
                show_default=True,
                help="Where `wanneng serve` answers.",
            ),
            click.option(
                "--from",
                "number",
                default="+8613800138000",
                show_default=True,
                help="The telephone's number; empty: withheld.",
            ),
            click.option(
                "--key-file",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help="Holds a gateway's key, of `wanneng channel add`; else it is asked for.",
            ),
            click.option(
                "--script",
                metavar="FILE",
                help="What to type, one step a line; `-`: stdin. `.` is silence, `!` hangs up.",
            ),
        )
    ):
        function = option(function)
    return function


@command(
    "call",
    examples=[
        "wanneng simulate call --key-file gateway.key",
        "printf '2\\n0\\n' | wanneng simulate call --key-file gateway.key --script -",
    ],
)
@_options
@pass_app
def call(app: App, url: str, number: str, key_file: Path | None, script: str | None) -> None:
    """Call the phone menu of a running server.

    Type the keys, `#` included, and Enter; nothing but Enter is silence, `!` hangs up. PINs are
    typed unseen and stand nowhere in what is printed.
    """
    _simulate(app, Caller(_door(url, key_file), number), script, "keys")


@command(
    "sms",
    examples=[
        "wanneng simulate sms --key-file gateway.key",
        "echo BZ | wanneng simulate sms --key-file gateway.key --script -",
    ],
)
@_options
@pass_app
def sms(app: App, url: str, number: str, key_file: Path | None, script: str | None) -> None:
    """Send text messages to a running server, one a line, and show the replies.

    A PIN in a text is seen while you type it, as on any telephone; what is printed has it masked.
    """
    _simulate(app, Texter(_door(url, key_file), number), script, "text")


@command("ussd", examples=["wanneng simulate ussd --key-file gateway.key"])
@_options
@pass_app
def ussd(app: App, url: str, number: str, key_file: Path | None, script: str | None) -> None:
    """Go through the menu that a telephone's display shows (USSD)."""
    _simulate(app, Dialler(_door(url, key_file), number), script, "answer")


def _door(url: str, key_file: Path | None) -> Door:
    if key_file is not None:
        return Door(url, key_file.read_text(encoding="utf-8").strip())
    (key,) = ask_secrets("The gateway's key")
    return Door(url, key)


def _simulate(app: App, telephone: Telephone, script: str | None, prompt: str) -> None:
    lines = []
    for line in talk(telephone, typist(script, prompt)):
        lines.append({"who": line.who, "words": line.words})
        if not app.out.as_json:
            words = line.words.replace("\n", "\n" + " " * 7)
            app.out.result(None, f"{line.who:>5}: {words}")
    if app.out.as_json:
        app.out.result({"transcript": lines})
