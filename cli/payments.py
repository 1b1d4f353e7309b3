"""`wanneng payment`: what parties paid into the bank."""

from datetime import date
from pathlib import Path
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.failures import REFUSED, end
from cli.options import DAY, ENCODING, FILE, ID, YUAN, limit_option
from cli.output import table, when
from core.money import format_yuan
from distribution.bank_statement import StatementReport, import_statement
from distribution.payments import (
    NewPayment,
    Payment,
    list_payments,
    record_payment,
    reverse_payment,
)


@command(
    "record",
    examples=["wanneng payment record ICBC-20250611-000417 --party WH --amount 5000.00"],
)
@click.argument("reference")
@click.option("--party", required=True, help="The party whose contract it is.")
@click.option("--amount", required=True, type=YUAN, help="Yuan paid.")
@click.option("--on", "paid_on", type=DAY, help="The day of the bank; today without it.")
@pass_app
def record(app: App, reference: str, party: str, amount: int, paid_on: date | None) -> None:
    """Record a payment by its bank reference.

    Each reference pays once, for ever: the same payment again changes nothing, another one under
    a used reference is refused.
    """
    actor = app.actor
    if paid_on is None:
        with app.db.read() as session:
            paid_on = session.today
    new = NewPayment(reference=reference, party_code=party, amount_fen=amount, paid_on=paid_on)
    done = record_payment(app.db, actor, new)
    how = "was recorded before" if done.replayed else "recorded"
    app.out.result(
        _plain(done.payment) | {"replayed": done.replayed},
        f"{done.payment.reference}: {format_yuan(amount)} yuan of {party} {how}",
    )


@command("import", examples=["wanneng payment import examples/payments.csv"])
@click.argument("path", type=FILE)
@ENCODING
@pass_app
def import_file(app: App, path: Path, encoding: str) -> None:
    """Import a bank's statement from CSV.

    Columns reference,paid_on,party,amount; the sum in yuan with two decimals. What is there
    already stays; a bad line is told with its number and a code, and spoils no other.
    """
    actor = app.actor
    with app.out.progress("importing payments") as progress:
        report = import_statement(app.db, actor, path, encoding, lambda lines: progress(lines, 0))
    _show_report(app, report)
    if report.bad_count:
        end(REFUSED)


@command("list", examples=["wanneng payment list --party WH"])
@click.option("--party", help="Of this party only.")
@click.option("--after", type=ID, help="Those that follow this payment.")
@limit_option
@pass_app
def list_all(app: App, party: str | None, after: int | None, limit: int) -> None:
    """List payments, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        found = list_payments(session, actor, party, after or 0, limit)
    zone = app.settings.zone
    rows = [
        (
            item.id,
            item.reference,
            item.party_code,
            format_yuan(item.amount_fen),
            item.paid_on,
            when(item.at, zone),
            item.reason and f"bounced: {item.reason}",
        )
        for item in found
    ]
    columns = ["payment", "reference", "party", "yuan", "paid on", "recorded at", ""]
    app.out.result(
        {"payments": [_plain(item) for item in found]}, table(columns, rows, right=["yuan"])
    )


@command(
    "reverse",
    examples=["wanneng payment reverse ICBC-20250611-000417 --reason 'returned by the bank'"],
)
@click.argument("reference")
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def reverse(app: App, reference: str, reason: str) -> None:
    """Take a bounced payment back.

    A mirror entry is posted, and the party owes again at once. The reference stays used.
    """
    done = reverse_payment(app.db, app.actor, reference, reason)
    app.out.result(_plain(done), f"{done.reference}: taken back")


def _show_report(app: App, report: StatementReport) -> None:
    counts = {"recorded": report.recorded, "unchanged": report.unchanged, "bad": report.bad_count}
    lines = [{"line": b.line, "code": b.code, "reason": b.reason} for b in report.bad_lines]
    people: list[Any] = [", ".join(f"{count} {name}" for name, count in counts.items())]
    if lines:
        rows = [(bad.line, bad.code, bad.reason) for bad in report.bad_lines]
        people.append(table(["line", "code", "why it was not recorded"], rows, right=["line"]))
    app.out.result(counts | {"bad_lines": lines}, *people)


def _plain(item: Payment) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "reference": item.reference,
        "party": item.party_code,
        "amount_fen": item.amount_fen,
        "paid_on": item.paid_on,
        "entry_id": str(item.entry_id),
        "recorded_at": item.at,
        "reversed_at": item.reversed_at,
        "reason": item.reason,
    }
