"""`wanneng stock`: counting shelves, and clearing up what differs."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import FILE, ID, limit_option
from cli.output import facts, table, when
from distribution.differences import Difference, answer_difference
from distribution.stock_counts import Count, list_counts, read_count, record_count
from staff.permissions import Permission, require
from vouchers.serials import serial_text

if TYPE_CHECKING:
    from rich.table import Table


@command(
    "count",
    examples=[
        "wanneng stock count WH-OUTLET-1 42251010007001 --reference june",
        "wanneng stock count WH-OUTLET-1 --file found.txt --reference june",
    ],
)
@click.argument("party")
@click.argument("scans", nargs=-1)
@click.option("--file", type=FILE, help="A file with one scan a line.")
@click.option("--reference", required=True, help="Your own name of this count; it counts once.")
@click.option("--note", help="For the record.")
@pass_app
def count(
    app: App,
    party: str,
    scans: tuple[str, ...],
    file: Path | None,
    reference: str,
    note: str | None,
) -> None:
    """Record what was found on a party's shelf.

    Scans are cards (17 digits), packs (14), cartons (13) or ranges (first-last). What differs from
    the books is listed; no card moves by it.
    """
    lines = [] if file is None else file.read_text(encoding="utf-8").split("\n")
    found = [*scans, *(line.strip() for line in lines if line.strip())]
    _show(app, record_count(app.db, app.actor, party, found, reference, note))


@command("list", examples=["wanneng stock list"])
@click.option("--after", type=ID, help="Begin after this count.")
@limit_option
@pass_app
def list_all(app: App, after: int | None, limit: int) -> None:
    """List stock counts, oldest first."""
    require(app.actor, Permission.VIEW_STOCK)
    with app.db.read() as session:
        found = list_counts(session, app.actor, after or 0, limit)
    rows = [
        (
            item.id,
            item.party_code,
            when(item.at, app.settings.zone),
            item.expected_cards,
            item.found_cards,
            sum(one.answered_at is None for one in item.differences),
        )
        for item in found
    ]
    numbers = ["expected", "found", "open differences"]
    shown = table(["count", "party", "at", *numbers], rows, right=numbers)
    app.out.result({"counts": [_plain(item) for item in found]}, shown)


@command("show", examples=["wanneng stock show 7340112233445566"])
@click.argument("count_id", type=ID)
@pass_app
def show(app: App, count_id: int) -> None:
    """Show a stock count with its differences."""
    require(app.actor, Permission.VIEW_STOCK)
    with app.db.read() as session:
        _show(app, read_count(session, app.actor, count_id))


@command(
    "answer",
    examples=["wanneng stock answer 7340112233445567 --note 'held as lost' --movement 7340112233"],
)
@click.argument("difference_id", type=ID)
@click.option("--note", required=True, help="What became of it.")
@click.option("--movement", "movements", type=ID, multiple=True, help="A move since the count.")
@click.option("--recount", type=ID, help="A later count that has no such difference.")
@pass_app
def answer(
    app: App, difference_id: int, note: str, movements: tuple[int, ...], recount: int | None
) -> None:
    """End a difference by the moves that cleared it up."""
    done = answer_difference(app.db, app.actor, difference_id, note, movements, recount)
    app.out.result(_plain_difference(done), _differences([done]))


def _show(app: App, item: Count) -> None:
    head = {
        "count": item.id,
        "party": item.party_code,
        "at": when(item.at, app.settings.zone),
        "note": item.note,
        "expected cards": item.expected_cards,
        "found cards": item.found_cards,
    }
    app.out.result(_plain(item), facts(head), _differences(item.differences))


def _differences(found: Any) -> "Table":
    rows = [
        (
            one.id,
            one.kind,
            serial_text(one.first_serial),
            serial_text(one.last_serial),
            one.cards,
            one.booked_stage or "not ours",
            one.booked_holder,
            one.owner,
            one.note,
        )
        for one in found
    ]
    names = ["difference", "kind", "first serial", "last serial", "cards", "booked", "holder"]
    return table([*names, "owner", "answer"], rows, right=["cards"])


def _plain(item: Count) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "party": item.party_code,
        "at": item.at,
        "note": item.note,
        "expected_cards": item.expected_cards,
        "found_cards": item.found_cards,
        "differences": [_plain_difference(one) for one in item.differences],
    }


def _plain_difference(one: Difference) -> dict[str, Any]:
    return asdict(one) | {
        "id": str(one.id),
        "count_id": str(one.count_id),
        "first_serial": serial_text(one.first_serial),
        "last_serial": serial_text(one.last_serial),
        "cards": one.cards,
    }
