"""`wanneng message list` and `resend`."""

from dataclasses import asdict

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID, limit_option
from cli.output import table, when
from staff.messages import MessageState, list_messages, resend_message


@command(
    "list", examples=["wanneng message list --state given_up", "wanneng message list --limit 10"]
)
@click.option(
    "--state", type=click.Choice(["waiting", "sent", "given_up"]), help="Only those in this state."
)
@click.option("--before", type=ID, help="Only those before this message.")
@limit_option
@pass_app
def list_all(app: App, state: MessageState | None, before: int | None, limit: int) -> None:
    """List messages to customers and staff, the newest first.

    Given up is what a gateway refused for good, or did not take in so many tries. Texts are not
    shown, numbers are masked.
    """
    actor = app.actor
    with app.db.read() as session:
        found = list_messages(session, actor, state, before, limit)
    rows = [asdict(item) | {"id": str(item.id)} for item in found]
    zone = app.settings.zone
    shown = [
        (
            item.id,
            when(item.created_at, zone),
            item.kind,
            item.recipient,
            item.state,
            item.attempts,
            item.last_error or item.delivery,
        )
        for item in found
    ]
    columns = ["id", "created", "kind", "to", "state", "tries", "what came of it"]
    app.out.result({"messages": rows}, table(columns, shown, right=["tries"]))


@command("resend", examples=["wanneng message resend 226533217075299328"])
@click.argument("message_id", type=ID)
@pass_app
def resend(app: App, message_id: int) -> None:
    """Send a message that was given up again, under its own id.

    Do so when what was wrong is set right: the gateway's password, its credit.
    """
    actor = app.actor
    app.db.transact(lambda session: resend_message(session, actor, message_id))
    app.out.result(
        {"message_id": str(message_id), "state": "waiting"}, f"message {message_id} is sent again"
    )
