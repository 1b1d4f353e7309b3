"""What the imports of accounts and bills share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from accounts.importing import ImportReport
from cli.app import App
from cli.failures import REFUSED, end
from cli.output import table
from staff import events
from staff.permissions import Permission, require

Importer = Callable[..., ImportReport]


def run_import(app: App, kind: str, importer: Importer, path: Path, encoding: str) -> None:
    """Import a file as the signed-in member, and tell what became of its lines.

    Ends with exit code 1 where a line was bad; the good ones are in.
    """
    actor = app.actor
    require(actor, Permission.IMPORT_ACCOUNTS)
    with app.out.progress(f"importing {kind}") as progress:
        report = importer(app.db, path, encoding, lambda lines: progress(lines, 0))
    counts = {
        "imported": report.imported,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "bad": report.bad_count,
    }
    app.db.transact(
        lambda session: events.record(session, actor, f"{kind}.imported", f"file:{kind}", **counts)
    )
    _show(app, report, counts)
    if report.bad_count:
        end(REFUSED)


def _show(app: App, report: ImportReport, counts: dict[str, Any]) -> None:
    lines = [{"line": bad.line, "reason": bad.reason} for bad in report.bad_lines]
    summary = ", ".join(f"{count} {name}" for name, count in counts.items())
    people: list[Any] = [summary]
    if lines:
        rows = [(bad.line, bad.reason) for bad in report.bad_lines]
        people.append(table(["line", "why it was not imported"], rows, right=["line"]))
    app.out.result(counts | {"bad_lines": lines}, *people)
