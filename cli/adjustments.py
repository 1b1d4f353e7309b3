"""`wanneng adjustment`: what is charged or credited to a party beside its sales."""

from datetime import date
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import DAY, ID, YUAN, limit_option
from cli.output import table, when
from cli.pending import show_pending
from core.money import format_yuan
from distribution.adjustments import AGAINST, NewAdjustment, list_adjustments, request_adjustment


@command(
    "request",
    examples=[
        "wanneng adjustment request MEMO-12 --party WH --credit 100.00 --against suspense"
        " --reason 'two void cards' --concerns 2025-05-01"
    ],
)
@click.argument("reference")
@click.option("--party", required=True, help="The party whose contract it is.")
@click.option("--charge", type=YUAN, help="Yuan that it owes more.")
@click.option("--credit", type=YUAN, help="Yuan that it owes less.")
@click.option(
    "--against",
    type=click.Choice(list(AGAINST)),
    default="suspense",
    show_default=True,
    help="The other side in the books.",
)
@click.option("--reason", required=True, help="Why, for the record.")
@click.option("--concerns", type=DAY, help="A day of the month that it concerns.")
@pass_app
def ask(
    app: App,
    reference: str,
    charge: int | None,
    credit: int | None,
    concerns: date | None,
    **what: Any,
) -> None:
    """Ask for an adjustment (two persons).

    It is posted when another person agrees. The reference names the paper behind it, and is used
    once.
    """
    if (charge is None) == (credit is None):
        raise click.UsageError("give --charge or --credit")
    new = NewAdjustment(
        reference=reference,
        party_code=what["party"],
        direction="charge" if credit is None else "credit",
        amount_fen=charge or credit or 0,
        against=what["against"],
        reason=what["reason"],
        concerns_on=concerns,
    )
    show_pending(app, request_adjustment(app.db, app.actor, new))


@command("list", examples=["wanneng adjustment list --party WH"])
@click.option("--party", help="Of this party only.")
@click.option("--after", type=ID, help="Those that follow this adjustment.")
@limit_option
@pass_app
def list_all(app: App, party: str | None, after: int | None, limit: int) -> None:
    """List posted adjustments, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        found = list_adjustments(session, actor, party, after or 0, limit)
    zone = app.settings.zone
    rows = [
        (
            item.id,
            item.reference,
            item.party_code,
            item.direction,
            format_yuan(item.amount_fen),
            item.against,
            item.reason,
            when(item.at, zone),
        )
        for item in found
    ]
    data = [
        {
            "id": str(item.id),
            "reference": item.reference,
            "party": item.party_code,
            "direction": item.direction,
            "amount_fen": item.amount_fen,
            "against": item.against,
            "reason": item.reason,
            "concerns_on": item.concerns_on,
            "approval_id": str(item.approval_id),
            "entry_id": str(item.entry_id),
            "posted_at": item.at,
        }
        for item in found
    ]
    columns = ["adjustment", "reference", "party", "", "yuan", "against", "reason", "posted at"]
    app.out.result({"adjustments": data}, table(columns, rows, right=["yuan"]))
