"""`wanneng event list`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID, limit_option
from cli.output import table, when
from staff.events import canonical_json, list_events
from staff.permissions import Permission, require


@command(
    "list",
    examples=["wanneng event list", "wanneng event list --about batch:42251010007 --limit 200"],
)
@click.option("--about", help="Only deeds about this subject, as shown in the list.")
@click.option("--before", type=ID, help="Only those before this event.")
@limit_option
@pass_app
def list_all(app: App, about: str | None, before: int | None, limit: int) -> None:
    """List deeds, the newest first.

    The log of what members did; rows are only ever added.
    """
    require(app.actor, Permission.VIEW_EVENTS)
    with app.db.read() as session:
        found = list_events(session, about, before, limit)
    rows = [
        {
            "id": str(item.id),
            "at": item.at,
            "by": item.username,
            "kind": item.kind,
            "subject": item.subject,
            "detail": item.detail,
        }
        for item in found
    ]
    zone = app.settings.zone
    shown = [
        (when(item.at, zone), item.username, item.kind, item.subject, canonical_json(item.detail))
        for item in found
    ]
    app.out.result({"events": rows}, table(["at", "by", "deed", "about", "detail"], shown))
