"""`wanneng serve-agi`: the phone menu for Asterisk, by FastAGI."""

from importlib import import_module

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.serve import check_start

_SERVER = "api.agi.server"
"""Named, not imported: the faces stand side by side."""


@command(
    "serve-agi", examples=["wanneng serve-agi", "wanneng serve-agi --host 10.0.0.5 --port 4573"]
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=4573,
    show_default=True,
    help="The port to listen on.",
)
@pass_app
def serve_agi(app: App, host: str, port: int) -> None:
    """Lead the callers of an Asterisk through the phone menu (FastAGI).

    A process of its own beside `wanneng serve`, on the same settings. The protocol has no
    passwords: listen on a private address, and name the exchanges in WANNENG_AGI_PEERS. The
    prompts lie on the exchange, see `wanneng prompts export`; docs/asterisk.md has the dialplan.
    """
    check_start(app)
    settings = app.settings
    app.close()  # the server opens its own
    if app.out.as_json:
        app.out.result({"host": host, "port": port})
    import_module(_SERVER).run(settings, host, port)
