"""`wanneng serve-smpp`: texts over SMPP."""

from importlib import import_module

from cli.app import App
from cli.command import command, pass_app
from cli.serve import check_start

_SERVER = "api.smpp.server"
"""Named, not imported: the faces stand side by side."""


@command("serve-smpp", examples=["wanneng serve-smpp"])
@pass_app
def serve_smpp(app: App) -> None:
    """Take and send text messages over SMPP 3.4.

    A process of its own beside `wanneng serve`, on the same settings; one is enough, for it holds
    the one connection to the centre that WANNENG_SMS_GATEWAY names (smpp://…). A text is carried
    out before it is acknowledged. See docs/messages.md.
    """
    check_start(app)
    settings = app.settings
    app.close()  # the server opens its own
    import_module(_SERVER).run(settings)
