"""`wanneng bill`: electricity bills."""

from pathlib import Path

import rich_click as click

from accounts.bank_debit import hand_to_bank, take_back
from accounts.importing import import_bills
from cli.app import App
from cli.command import command, pass_app
from cli.imports import run_import
from cli.options import ENCODING, FILE


@command("import", examples=["wanneng bill import examples/bills.csv"])
@click.argument("path", type=FILE)
@ENCODING
@pass_app
def import_file(app: App, path: Path, encoding: str) -> None:
    """Import bills from CSV.

    Columns account_number,bill_number,period,principal,due_on; sums in yuan with two decimals. A
    bill that is there already is never changed. A new one is paid at once from the balance that
    its account has.
    """
    run_import(app, "bills", import_bills, path, encoding)


@command("to-bank", examples=["wanneng bill to-bank 4201100037 B202503002 B202504002"])
@click.argument("account_number")
@click.argument("bill_numbers", nargs=-1, required=True)
@pass_app
def to_bank(app: App, account_number: str, bill_numbers: tuple[str, ...]) -> None:
    """Mark bills as out for debit by a bank.

    Until they are back, recharges leave them alone: the money waits in the balance.
    """
    actor = app.actor
    app.db.transact(lambda session: hand_to_bank(session, actor, account_number, bill_numbers))
    _show(app, account_number, bill_numbers, "with_bank")


@command("from-bank", examples=["wanneng bill from-bank 4201100037 B202503002"])
@click.argument("account_number")
@click.argument("bill_numbers", nargs=-1, required=True)
@pass_app
def from_bank(app: App, account_number: str, bill_numbers: tuple[str, ...]) -> None:
    """Take back bills that a bank left unpaid.

    They are paid at once from the balance, as far as it goes.
    """
    actor, settings = app.actor, app.settings
    app.db.transact(
        lambda session: take_back(session, settings, actor, account_number, bill_numbers)
    )
    _show(app, account_number, bill_numbers, "open")


def _show(app: App, account_number: str, bill_numbers: tuple[str, ...], state: str) -> None:
    data = {"account_number": account_number, "bills": list(bill_numbers), "state": state}
    app.out.result(data, f"{len(bill_numbers)} bills: {state.replace('_', ' ')}")
