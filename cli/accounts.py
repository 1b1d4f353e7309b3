"""`wanneng account`: electricity accounts."""

from pathlib import Path

import rich_click as click

from accounts.importing import import_accounts
from accounts.ledger import statement as read_statement
from accounts.lookup import account_view
from cli.app import App
from cli.command import command, pass_app
from cli.imports import run_import
from cli.options import ENCODING, FILE, ID
from cli.output import facts, table, when
from core.money import format_yuan
from staff.permissions import Permission, require


@command(
    "import",
    examples=[
        "wanneng account import examples/accounts.csv",
        "wanneng account import accounts-gbk.csv --encoding gbk",
    ],
)
@click.argument("path", type=FILE)
@ENCODING
@pass_app
def import_file(app: App, path: Path, encoding: str) -> None:
    """Import accounts from CSV.

    Columns account_number,holder_name,class,phone,region; class is residential or other. Good
    lines go in, bad ones are told by line number (exit code 1). Run it again after a cut: the same
    file twice changes nothing.
    """
    run_import(app, "accounts", import_accounts, path, encoding)


@command("show", examples=["wanneng account show 4201100000"])
@click.argument("number")
@pass_app
def show(app: App, number: str) -> None:
    """Show an account's arrears and balance.

    The late fee is counted to today. The holder's name is masked.
    """
    require(app.actor, Permission.VIEW_ACCOUNTS)
    with app.db.read() as session:
        view = account_view(session, app.settings, number)
    sums = {
        "principal": view.principal_fen,
        "late_fee": view.late_fee_fen,
        "arrears": view.arrears_fen,
        "with_bank": view.with_bank_fen,
        "balance": view.balance_fen,
    }
    data = {
        "account_number": number,
        "masked_name": view.masked_name,
        "class": view.account_class,
        "state": view.state,
    }
    people = {name.replace("_", " "): value for name, value in data.items()}
    people |= {f"{name} yuan".replace("_", " "): format_yuan(fen) for name, fen in sums.items()}
    app.out.result(data | {f"{name}_fen": fen for name, fen in sums.items()}, facts(people))


@command("statement", examples=["wanneng account statement 4201100000 --limit 200"])
@click.argument("number")
@click.option("--after", type=ID, help="Begin after this line: `next_after` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@pass_app
def statement(app: App, number: str, after: int | None, limit: int) -> None:
    """Show the movements of a balance.

    Oldest first; below 0 the money went to a bill.
    """
    require(app.actor, Permission.VIEW_STATEMENT)
    with app.db.read() as session:
        account_view(session, app.settings, number)  # tells an unknown number
        page = read_statement(session, number, after or 0, limit)
    lines = [
        {
            "id": str(line.id),
            "at": line.at,
            "business_day": line.business_day,
            "event": line.event,
            "reference": line.reference,
            "bill_number": line.bill_number,
            "amount_fen": line.amount_fen,
            "balance_fen": line.balance_fen,
        }
        for line in page.lines
    ]
    shown = [
        (
            when(line.at, app.settings.zone),
            line.event,
            line.reference,
            line.bill_number,
            format_yuan(line.amount_fen),
            format_yuan(line.balance_fen),
        )
        for line in page.lines
    ]
    columns = ["at", "event", "reference", "bill", "yuan", "balance"]
    data = {
        "account_number": number,
        "opening_fen": page.opening_fen,
        "lines": lines,
        "next_after": None if page.next_after_id is None else str(page.next_after_id),
    }
    app.out.result(data, table(columns, shown, right=["yuan", "balance"]))
    if page.next_after_id is not None:
        app.out.note(f"more: --after {page.next_after_id}")
