"""`wanneng till`, the outlet's side: registering tills, and undoing their sales."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID, limit_option
from cli.output import table, when
from cli.pending import show_pending
from distribution.cancelling import request_cancelling
from distribution.tills import add_till, disable_till, list_tills, rotate_till_key

_ONCE = "Keep it now: only its hash is stored, and it is not shown again."


@command(
    "add",
    examples=["wanneng till add WH-1-T1 --party WH-OUTLET-1 --public-key age1qq…"],
)
@click.argument("code")
@click.option("--party", required=True, help="The outlet it stands in.")
@click.option(
    "--public-key", required=True, help="What `wanneng till new-key` showed; never the secret one."
)
@pass_app
def add(app: App, code: str, party: str, public_key: str) -> None:
    """Register a till; shows its API key once."""
    actor = app.actor
    till, key = app.db.transact(lambda session: add_till(session, actor, party, code, public_key))
    app.out.result({"code": till.code, "party": till.party_code, "api_key": key}, key)
    app.out.note(_ONCE)


@command("list", examples=["wanneng till list"])
@click.option("--after", default="", help="Those that follow this code.")
@limit_option
@pass_app
def list_all(app: App, after: str, limit: int) -> None:
    """List the tills of your outlets."""
    actor = app.actor
    with app.db.read() as session:
        found = list_tills(session, actor, after, limit)
    rows = [
        {
            "code": item.code,
            "party": item.party_code,
            "active": item.active,
            "public_key": item.public_key,
            "created_at": item.created_at,
        }
        for item in found
    ]
    zone = app.settings.zone
    shown = [
        (
            item.code,
            item.party_code,
            "active" if item.active else "disabled",
            when(item.created_at, zone),
        )
        for item in found
    ]
    app.out.result({"tills": rows}, table(["code", "outlet", "state", "since"], shown))


@command(
    "rotate-key",
    examples=[
        "wanneng till rotate-key WH-1-T1",
        "wanneng till rotate-key WH-1-T1 --public-key age1qq…",
    ],
)
@click.argument("code")
@click.option("--public-key", help="Seal later PINs to this key instead.")
@pass_app
def rotate_key(app: App, code: str, public_key: str | None) -> None:
    """Give a till a new API key.

    The old one ends at once. A disabled till is let in again.
    """
    actor = app.actor
    key = app.db.transact(lambda session: rotate_till_key(session, actor, code, public_key))
    app.out.result({"code": code, "api_key": key}, key)
    app.out.note(_ONCE)


@command("disable", examples=["wanneng till disable WH-1-T1"])
@click.argument("code")
@pass_app
def disable(app: App, code: str) -> None:
    """Refuse a till from now on."""
    actor = app.actor
    app.db.transact(lambda session: disable_till(session, actor, code))
    app.out.result({"code": code, "active": False}, f"{code} is disabled")


@command("cancel", examples=["wanneng till cancel 384312871749681152 --reason 'wrong face'"])
@click.argument("sale_id", type=ID)
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def cancel(app: App, sale_id: int, reason: str) -> None:
    """Ask to undo a till's sale of a few minutes ago (two persons).

    No card of it may be used. A card of plastic is in stock again, an electronic one is void.
    """
    actor = app.actor
    approval_id = app.db.transact(
        lambda session: request_cancelling(session, app.settings, actor, sale_id, reason)
    )
    show_pending(app, approval_id)
