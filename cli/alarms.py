"""`wanneng alarm list`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID, limit_option
from cli.output import table, when
from redemption.alarms import list_alarms


@command("list", examples=["wanneng alarm list", "wanneng alarm list --limit 10 --json"])
@click.option("--before", type=ID, help="Only those before this alarm.")
@limit_option
@pass_app
def list_all(app: App, before: int | None, limit: int) -> None:
    """List alarms, the newest first."""
    actor = app.actor
    with app.db.read() as session:
        found = list_alarms(session, actor, before, limit)
    rows = [
        {
            "id": str(item.id),
            "at": item.at,
            "kind": item.kind,
            "subject": item.subject,
            "detail": item.detail,
        }
        for item in found
    ]
    zone = app.settings.zone
    shown = [(when(item.at, zone), item.kind, item.subject, item.detail) for item in found]
    app.out.result({"alarms": rows}, table(["at", "kind", "subject", "detail"], shown))
