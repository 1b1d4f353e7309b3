"""`wanneng audit verify`."""

from collections.abc import Sequence
from typing import Any

import rich_click as click
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from audit import counters
from audit.invariant import LIMIT, Offence
from audit.verify import Result, verify
from cli.app import App
from cli.command import command, pass_app
from cli.failures import REFUSED, CouldNotLook, end
from cli.output import facts, when
from staff.permissions import Permission, require


@command("verify", examples=["wanneng audit verify", "wanneng audit verify --json | jq .holds"])
@pass_app
def verify_all(app: App) -> None:
    """Check that everything adds up.

    Every invariant is looked at from the stored rows alone, on one snapshot, while the service
    goes on. Exit code 0: all hold; 1: one is broken, with the first rows that break it; 2: it
    could not be looked. Nobody needs to be signed in.
    """
    try:
        with app.out.progress("invariants") as progress:
            results = verify(app.db, progress)
    except SQLAlchemyError as error:
        raise CouldNotLook(f"the database could not be read ({type(error).__name__})") from error
    app.out.result(_plain(results), audit_table(results))
    if not all(result.holds for result in results):
        end(REFUSED)


@command("roll-up", examples=["wanneng audit roll-up", "wanneng audit roll-up --rebuild"])
@click.option("--rebuild", is_flag=True, help="Throw the counters away and count all anew.")
@pass_app
def roll_up_counters(app: App, rebuild: bool) -> None:
    """Count redeemed cards for reports.

    A server does this every minute; this is for a system that no server runs on, and with
    --rebuild for counters that `audit verify` found wrong. Reports are right at any time.
    """
    require(app.actor, Permission.RUN_AUDIT)
    work = counters.rebuild if rebuild else counters.roll_up
    reached = work(app.db)
    shown = facts({"counted up to": when(reached, app.settings.zone)})
    app.out.result({"counted_up_to": reached}, shown)


def audit_table(results: Sequence[Result], cut_to: int | None = None) -> Table:
    """Return each invariant, its offences below it, and the sum of all.

    With `cut_to` each is cut to one line of so many columns.
    """
    code_width = max(len(result.invariant.code) for result in results)
    rest = None if cut_to is None else cut_to - code_width - len("✓  ")
    lines = Table.grid(padding=(0, 1))
    lines.add_column(width=1)
    lines.add_column(width=code_width)
    lines.add_column(no_wrap=cut_to is not None, max_width=rest, overflow="ellipsis")
    for result in results:
        mark = Text("✓", "green") if result.holds else Text("✗", "bold red")
        lines.add_row(mark, result.invariant.code, result.invariant.en)
        for offence in result.offences:
            lines.add_row("", "", _offence(offence))
        if len(result.offences) == LIMIT:
            lines.add_row("", "", Text("… and maybe more; mend these first", "red"))
    broken = sum(not result.holds for result in results)
    style = "bold red" if broken else "bold green"
    summary = f"{len(results) - broken} of {len(results)} invariants hold"
    lines.add_row("", "", Text(summary, style))
    return lines


def _offence(offence: Offence) -> Text:
    told = ", ".join(f"{name} {value}" for name, value in offence.facts.items())
    return Text(f"{offence.subject}: {told}" if told else offence.subject, "red")


def _plain(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "holds": all(result.holds for result in results),
        "invariants": [
            {
                "code": result.invariant.code,
                "holds": result.holds,
                "zh": result.invariant.zh,
                "en": result.invariant.en,
                "seconds": round(result.seconds, 3),
                "offences": [
                    {"subject": item.subject, "facts": dict(item.facts)} for item in result.offences
                ],
            }
            for result in results
        ],
    }
