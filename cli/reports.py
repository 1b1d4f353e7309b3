"""`wanneng report`: stock and money."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from accounts.ledger import TrialRow, trial_balance
from audit.inventory import InventoryRow, inventory
from audit.liability import Liability, liability
from cli.app import App
from cli.command import command, pass_app
from cli.output import table
from core.money import format_yuan
from staff.permissions import Permission, require

if TYPE_CHECKING:
    from rich.table import Table


@command("inventory", examples=["wanneng report inventory", "wanneng report inventory --json"])
@pass_app
def show_inventory(app: App) -> None:
    """Cards by stage, holder and face.

    Cards in transit count with their sender; used and held ones are among them.
    """
    require(app.actor, Permission.VIEW_REPORTS)
    with app.db.read() as session:
        rows = inventory(session)
    data = [
        {
            "stage": row.stage,
            "holder": row.party_code,
            "holder_name": row.party_name,
            "face_fen": row.face_fen,
            "cards": row.cards,
            "face_value_fen": row.face_value_fen,
            "used_cards": row.used_cards,
            "held_cards": row.held_cards,
        }
        for row in rows
    ]
    app.out.result({"lines": data}, inventory_table(rows))


@command("liability", examples=["wanneng report liability"])
@pass_app
def show_liability(app: App) -> None:
    """What unused cards are worth.

    From the cards and from the ledger; the two must agree to the fen.
    """
    require(app.actor, Permission.VIEW_REPORTS)
    with app.db.read() as session:
        found = liability(session)
    lines = [
        {"face_fen": row.face_fen, "cards": row.cards, "value_fen": row.value_fen}
        for row in found.rows
    ]
    data = {
        "lines": lines,
        "cards": found.cards,
        "value_fen": found.value_fen,
        "ledger_fen": found.ledger_fen,
        "difference_fen": found.difference_fen,
    }
    app.out.result(data, liability_table(found))


@command("trial-balance", examples=["wanneng report trial-balance"])
@pass_app
def show_trial_balance(app: App) -> None:
    """The totals of the books.

    Every account of the chart; debits and credits come to the same sum.
    """
    require(app.actor, Permission.VIEW_REPORTS)
    with app.db.read() as session:
        rows = trial_balance(session)
    data = [
        {
            "code": int(row.code),
            "name": row.code.en,
            "name_zh": row.code.zh,
            "kind": row.code.kind,
            "debit_fen": row.debit_fen,
            "credit_fen": row.credit_fen,
        }
        for row in rows
    ]
    app.out.result({"accounts": data}, trial_balance_table(rows))


def inventory_table(rows: Sequence[InventoryRow], title: str | None = None) -> "Table":
    """Return the inventory as a table."""
    shown = [
        (
            row.stage,
            row.party_code,
            row.party_name,
            format_yuan(row.face_fen),
            row.cards,
            row.used_cards,
            row.held_cards,
            format_yuan(row.face_value_fen),
        )
        for row in rows
    ]
    numbers = ["face", "cards", "used", "held", "value yuan"]
    return table(["stage", "holder", "name", *numbers], shown, title=title, right=numbers)


def liability_table(found: Liability, title: str | None = None) -> "Table":
    """Return the liability as a table, the ledger's sum below it."""
    shown: list[tuple[object, ...]] = [
        (format_yuan(row.face_fen), row.cards, format_yuan(row.value_fen)) for row in found.rows
    ]
    shown.append(("all cards", found.cards, format_yuan(found.value_fen)))
    shown.append(("ledger", "", format_yuan(found.ledger_fen)))
    shown.append(("difference", "", format_yuan(found.difference_fen)))
    columns = ["face", "unused cards", "value yuan"]
    return table(columns, shown, title=title, right=columns)


def trial_balance_table(rows: Sequence[TrialRow]) -> "Table":
    """Return the trial balance as a table with its totals."""
    shown = [
        (int(row.code), row.code.zh, row.code.en, _yuan(row.debit_fen), _yuan(row.credit_fen))
        for row in rows
    ]
    debit, credit = sum(row.debit_fen for row in rows), sum(row.credit_fen for row in rows)
    totals: tuple[int | str, str, str, str, str] = (
        "",
        "",
        "total",
        format_yuan(debit),
        format_yuan(credit),
    )
    columns = ["code", "account", "", "debit yuan", "credit yuan"]
    return table(columns, [*shown, totals], right=columns[3:])


def _yuan(fen: int) -> str:
    return format_yuan(fen) if fen else ""
