"""The commands `wanneng demo`, `wanneng demo serve` and `wanneng demo card`."""

import json
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import rich_click as click

from cli import serve as server
from cli.app import App
from cli.command import command, pass_app
from cli.demo.screen import Screen
from cli.demo.story import tell
from cli.demo.unused_card import unused_card
from cli.demo.world import opened
from cli.logs import quiet
from core import log
from core.settings import PREFIX

DIRECTORY = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="The demo's own directory.",
)


@command("run", examples=["wanneng demo", "wanneng demo --directory /tmp/demo", "make demo"])
@DIRECTORY
@pass_app
def run(app: App, directory: Path) -> None:
    """Run a month of trade, from scratch.

    Makes cards; three provinces and twelve outlets order, receive, sell, return, count and settle
    them in the last whole month. Then some are redeemed over real HTTP, others refused, and an
    audit ends it. Everything is made anew in the demo's directory each time; no other database is
    touched. Takes less than a minute.
    """
    signal.signal(signal.SIGTERM, _stop)
    quiet()
    with opened(directory, alone=True) as world:
        done = tell(world, Screen(quiet=app.out.as_json), app.out)
    app.out.result(done)


@command("serve", examples=["wanneng demo serve", "wanneng demo serve --port 8080"])
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port."
)
@DIRECTORY
@pass_app
def serve(app: App, host: str, port: int, directory: Path) -> None:
    """Serve what `wanneng demo` has made.

    Then redeem its cards by curl, see `wanneng demo card --help`.
    """
    with opened(directory, alone=False) as world:
        world.recall()
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(world.variables)
        server.check_start(app)
        app.close()
        data = {"url": f"http://{host}:{port}", "partner_key_file": str(world.partner_key)}
        if app.out.as_json:
            app.out.result(data)
        app.out.note(f"{data['url']}, partner key in {world.partner_key}; Ctrl-C ends it")
        log.configure(app.settings.log_format)
        server.start(host, port, 1)


@command(
    "card",
    examples=[
        "wanneng demo card | curl -sS http://127.0.0.1:8000/api/v1/redemptions --data @- \\",
        '    -H "Authorization: Bearer $(cat var/demo/partner.key)" \\',
        '    -H "Idempotency-Key: try-$(date +%s)" -H "Content-Type: application/json"',
    ],
)
@DIRECTORY
@pass_app
def card(app: App, directory: Path) -> None:
    """Print one unused demo card as a JSON body.

    It is read from the encrypted print file with the demo printer's key, so it must be run where
    the demo was. The same card comes until it is redeemed.
    """
    with opened(directory, alone=False) as world:
        body = unused_card(world)
    app.out.result(body, json.dumps(body))


def _stop(_signal: int, _frame: FrameType | None) -> Any:
    raise KeyboardInterrupt
