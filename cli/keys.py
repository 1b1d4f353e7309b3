"""`wanneng key`: versions of the PIN keys."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import table, when
from vouchers import key_rotation
from vouchers.key_versions import list_versions


@command("list", examples=["wanneng key list"])
@pass_app
def list_all(app: App) -> None:
    """List the key versions.

    With their public check values, never a key.
    """
    actor = app.actor
    with app.db.read() as session:
        found = list_versions(session, actor, app.keys.get())
    rows = [
        {
            "version": item.version,
            "check_value": item.check_value,
            "state": item.state,
            "since": item.since,
            "cards": item.cards,
        }
        for item in found
    ]
    zone = app.settings.zone
    shown = [
        (item.version, item.state, item.check_value, when(item.since, zone), item.cards)
        for item in found
    ]
    columns = ["version", "state", "check value", "since", "cards"]
    app.out.result({"versions": rows}, table(columns, shown, right=["version", "cards"]))


@command("rotate", examples=["wanneng key rotate"])
@pass_app
def rotate(app: App) -> None:
    """Make a new key version for new cards.

    Cards of older versions stay redeemable; at most 4 versions are live. Copy the key file to a
    safe place again afterwards. A running server sees the new version by itself.
    """
    version = key_rotation.rotate(app.db, app.keys, app.actor)
    app.out.result({"version": version}, f"key version {version} is current")
    app.out.note(f"Copy {app.settings.key_file} to where its copies are kept.")


@command("retire", examples=["wanneng key retire 1"])
@click.argument("version", type=click.IntRange(1, 65535))
@pass_app
def retire(app: App, version: int) -> None:
    """Stop using an old key version.

    Refused while a card made under it can still be redeemed.
    """
    key_rotation.retire(app.db, app.keys, app.actor, version)
    app.out.result({"version": version, "state": "retired"}, f"key version {version} is retired")
