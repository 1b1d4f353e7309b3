"""`wanneng settlement`: what a party owes by month, and why."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID, limit_option
from cli.output import facts, table, when
from core.money import format_yuan
from distribution.settlement_papers import FORMATS, SUMS, export_bytes, word
from distribution.settlements import (
    Statement,
    close_period,
    list_closed,
    parse_month,
    read_statement,
)


@command("show", examples=["wanneng settlement show WH 2025-06"])
@click.argument("party")
@click.argument("month")
@pass_app
def show(app: App, party: str, month: str) -> None:
    """Show a party's month.

    As it was closed, for ever the same; while it is open, as the books have it now.
    """
    actor = app.actor
    with app.db.read() as session:
        found = read_statement(session, actor, party, parse_month(month))
    _show(app, found)


@command("close", examples=["wanneng settlement close WH 2025-06"])
@click.argument("party")
@click.argument("month")
@pass_app
def close(app: App, party: str, month: str) -> None:
    """Close a party's month.

    Once it is over, one month after the other. What happens later falls into the next one and
    names the month that it concerns.
    """
    _show(app, close_period(app.db, app.actor, party, parse_month(month)))


@command("list", examples=["wanneng settlement list --party WH"])
@click.option("--party", help="Of this party only.")
@click.option("--after", type=ID, help="Those that follow this settlement.")
@limit_option
@pass_app
def list_all(app: App, party: str | None, after: int | None, limit: int) -> None:
    """List closed months, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        found = list_closed(session, actor, party, after or 0, limit)
    zone = app.settings.zone
    rows = [
        (
            item.id,
            item.party_code,
            item.month,
            format_yuan(item.sums.opening_fen),
            format_yuan(item.sums.closing_fen),
            when(item.closed_at, zone),
        )
        for item in found
    ]
    columns = ["settlement", "party", "month", "opening yuan", "closing yuan", "closed at"]
    data = [
        {"id": str(item.id), "party": item.party_code, "month": item.month}
        | asdict(item.sums)
        | {"closed_at": item.closed_at, "digest": item.digest}
        for item in found
    ]
    app.out.result({"settlements": data}, table(columns, rows, right=columns[3:5]))


@command(
    "export",
    examples=[
        "wanneng settlement export WH 2025-06 --to WH-2025-06.pdf",
        "wanneng settlement export WH 2025-06 --to WH-2025-06.xlsx --language en",
    ],
)
@click.argument("party")
@click.argument("month")
@click.option(
    "--to", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="By the file's ending without.")
@click.option(
    "--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Of words."
)
@pass_app
def export(app: App, party: str, month: str, path: Path, form: str | None, language: Any) -> None:
    """Write a party's month as PDF, workbook or CSV (the lines only)."""
    actor = app.actor
    form = form or path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise click.UsageError(f"name the format: {', '.join(FORMATS)}")
    with app.db.read() as session:
        found = read_statement(session, actor, party, parse_month(month))
    content = export_bytes(found, form, language, app.settings)
    path.write_bytes(content)
    app.out.result(
        {"party": party, "month": found.month, "file": str(path), "bytes": len(content)},
        f"{party} {found.month} written to {path}",
    )


def _show(app: App, found: Statement) -> None:
    zone = app.settings.zone
    head = {
        "party": f"{found.party_code} {found.party_name}",
        "month": found.month,
        "closed at": when(found.closed_at, zone) or "open, provisional",
        "digest": found.digest,
    }
    sums = [(word(name, "en"), format_yuan(getattr(found.sums, name))) for name in SUMS]
    rows = [
        (
            line.day,
            word(line.kind, "en"),
            found.holders.get(line.holder_id or 0),
            line.cards,
            None if line.face_fen is None else format_yuan(line.face_fen),
            format_yuan(line.value_fen),
            format_yuan(line.commission_fen),
            format_yuan(line.amount_fen),
            line.reference,
            line.reason,
            None if line.concerns_on is None else f"{line.concerns_on:%Y-%m}",
        )
        for line in found.lines
    ]
    numbers = ["cards", "face", "value", "commission", "amount"]
    columns = ["day", "kind", "outlet", *numbers, "reference", "reason", "concerns"]
    app.out.result(
        plain(found),
        facts(head),
        table(["", "yuan"], sums, right=["yuan"]),
        table(columns, rows, right=numbers),
    )


def plain(found: Statement) -> dict[str, Any]:
    """Return the statement as JSON has it."""
    lines = []
    for line in found.lines:
        row = asdict(line)
        entry_id, concerns_on = row.pop("entry_id"), row.pop("concerns_on")
        row["holder"] = found.holders.get(row.pop("holder_id") or 0)
        row["concerns"] = None if concerns_on is None else f"{concerns_on:%Y-%m}"
        row["entry_id"] = None if entry_id is None else str(entry_id)
        lines.append(row)
    return {
        "party": found.party_code,
        "party_name": found.party_name,
        "month": found.month,
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "closed_at": found.closed_at,
        "digest": found.digest,
        "sums": asdict(found.sums),
        "lines": lines,
    }
