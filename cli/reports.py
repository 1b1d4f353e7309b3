"""`wanneng report NAME`: a report on the screen, as JSON, or as a file."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from audit.as_of import parse_instant
from audit.inventory import InventoryRow
from audit.liability import Liability
from audit.reports import catalogue
from audit.reports.catalogue import REPORTS, Form, Wanted
from cli.app import App
from cli.command import command, pass_app
from cli.options import ID
from cli.output import facts, table, when
from core.db import Session
from core.files import sync_directory
from core.money import format_yuan
from core.sheets import Column, Sheet, Value, plain

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN_LINES = 1_000
"""So many lines of a report that has pages are shown on a screen."""


@command(
    "report",
    examples=[
        "wanneng report inventory",
        "wanneng report liability --as-of 2025-06-30 --json",
        "wanneng report journal --since 2025-06-01 --as-of 2025-06-30 -o journal.xlsx",
        *(f"wanneng report {each.name:17} # {each.en}" for each in REPORTS.values()),
    ],
)
@click.argument("name", metavar="NAME", type=click.Choice(list(REPORTS)))
@click.option("--as-of", help="A day (its end) or an instant; at the latest a minute ago.")
@click.option("--since", help="A day (its start) or an instant, for what happened in a period.")
@click.option("--after", type=ID, help="Begin after this line, where a report has pages.")
@click.option("--limit", type=click.IntRange(1, catalogue.MAX_LINES), help="At most so many lines.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx"]), help="Default: as the file is named."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@pass_app
def report(
    app: App,
    name: str,
    as_of: str | None,
    since: str | None,
    after: int | None,
    limit: int | None,
    form: Form | None,
    output: Path | None,
) -> None:
    """Make a report of stock or money.

    As of an instant of the past it is the same whenever it is made. Members of a party see its
    own part of the tree.
    """
    zone = app.settings.zone
    wanted = Wanted(
        name=name,
        as_of=None if as_of is None else parse_instant(as_of, zone),
        since=None if since is None else parse_instant(since, zone, end_of_day=False),
        after_id=after or 0,
        limit=limit,
        terms=catalogue.terms_of(app.settings),
    )
    with app.db.read() as session, app.out.progress(name) as progress:
        catalogue.allow_time(session, 0)
        if output is not None or form is not None:
            _write_file(app, session, wanted, _form(form, output), output, progress)
        else:
            _show(app, session, wanted, progress)


def _show(app: App, session: Session, wanted: Wanted, progress: Any) -> None:
    if app.out.as_json:
        page = catalogue.page(session, app.actor, wanted, progress)
        known = {key: plain(value) for key, value in page.facts.items()}
        after = None if page.next_after_id is None else str(page.next_after_id)
        app.out.result({**known, "lines": page.lines, "next_after": after})
        return
    if REPORTS[wanted.name].has_pages and wanted.limit is None:
        wanted = replace(wanted, limit=_SHOWN_LINES)
    _, _, sheet = catalogue.make(session, app.actor, wanted, progress)
    app.out.result(None, sheet_table(sheet, app), _facts(sheet, app))


def _form(form: Form | None, output: Path | None) -> Form:
    if form is not None:
        return form
    ending = "" if output is None else output.suffix.lstrip(".").lower()
    if ending not in ("csv", "xlsx"):
        raise click.UsageError("name the file .csv or .xlsx, or say --format csv or xlsx")
    return "csv" if ending == "csv" else "xlsx"


def _write_file(
    app: App, session: Session, wanted: Wanted, form: Form, output: Path | None, progress: Any
) -> None:
    """Write the whole file or none: under another name first, in the same directory."""
    if output is None:
        catalogue.write(session, app.actor, wanted, form, sys.stdout.buffer, progress)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            catalogue.write(session, app.actor, wanted, form, file, progress)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    sync_directory(output.parent)
    app.out.note(f"written: {output}")


def sheet_table(sheet: Sheet, app: App) -> "Table":
    """Return any report as a table."""
    numbers = [c.title for c in sheet.columns if c.kind in ("count", "fen", "decimal")]
    rows = [
        [_cell(value, column, app) for value, column in zip(row, sheet.columns, strict=True)]
        for row in sheet.rows
    ]
    return table([column.title for column in sheet.columns], rows, right=numbers)


def _facts(sheet: Sheet, app: App) -> "Table":
    told = {
        name.removesuffix("_fen").replace("_", " "): _cell(
            value, Column(name, name, "fen" if name.endswith("_fen") else "text"), app
        )
        for name, value in sheet.facts.items()
    }
    return facts(told)


def _cell(value: Value, column: Column, app: App) -> object:
    if value is None or column.kind == "count":
        return value
    if column.kind == "fen" and isinstance(value, int):
        return format_yuan(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return when(value, app.settings.zone) if isinstance(value, datetime) else value


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
