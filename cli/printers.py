"""`wanneng printer`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import table
from cli.pending import show_pending
from staff.permissions import Permission, require
from vouchers.printers import fingerprint, list_printers, request_printer


@command("add", examples=["wanneng printer add 'Huazhong Print' --code 1 --public-key age1qq…"])
@click.argument("name")
@click.option("--code", required=True, help="The digit that stands for it in serial numbers.")
@click.option(
    "--public-key", required=True, help="Its age public key, age1…; never the secret one."
)
@pass_app
def add(app: App, name: str, code: str, public_key: str) -> None:
    """Ask for a printer's key to be registered.

    A second person must agree, after comparing the fingerprint with the printer by telephone.
    """
    actor = app.actor
    approval_id = app.db.transact(
        lambda session: request_printer(session, actor, name, code, public_key)
    )
    found = fingerprint(public_key)
    show_pending(app, approval_id, f"fingerprint {found}", fingerprint=found)


@command("list", examples=["wanneng printer list"])
@pass_app
def list_all(app: App) -> None:
    """List the printers.

    Those that wait for a second person as well.
    """
    require(app.actor, Permission.VIEW_BATCHES)
    with app.db.read() as session:
        found = list_printers(session)
    rows = [
        {
            "name": item.name,
            "code": item.code,
            "active": item.active,
            "public_key": item.public_key,
            "fingerprint": item.fingerprint,
        }
        for item in found
    ]
    shown = [
        (item.name, item.code, "active" if item.active else "waits", item.fingerprint)
        for item in found
    ]
    app.out.result({"printers": rows}, table(["name", "code", "state", "fingerprint"], shown))
