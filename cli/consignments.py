"""`wanneng consignment`: cards that travel together, their papers and their receipt."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import rich_click as click

from audit.as_of import final, parse_instant
from cli.app import App
from cli.command import command, pass_app
from cli.options import limit_option
from cli.output import facts, table, when
from cli.pending import show_pending
from core.errors import InvalidInput
from core.money import format_yuan
from core.pdf import Document, render
from distribution import consignments
from distribution.consignments import Consignment
from distribution.dispatching import send_consignment
from distribution.moves import PendingApproval
from distribution.overdue import in_transit_too_long
from distribution.prints import consignment_note
from distribution.ranges import Ranges
from distribution.receipts import Arrival, receive_consignment
from vouchers.serials import serial_text

_NUMBER = "CN-20250611-000001"
_RANGE = "42251010007001008-42251010007001990"
TO = click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)


@command(
    "create",
    examples=[f"wanneng consignment create return {_RANGE} --reason 'shop closes'"],
)
@click.argument("kind", type=click.Choice(list(consignments.PERMISSIONS)))
@click.argument("ranges", nargs=-1, required=True, metavar="FIRST-LAST...")
@click.option("--from", "sender", help="Code of the party they leave; yours if left out.")
@click.option("--to", "receiver", help="Code of the party they go to; not for a return.")
@click.option("--reference", help="Your own number of it: it makes it once only.")
@click.option("--reason", help="Why, for the record.")
@pass_app
def create(app: App, kind: str, ranges: tuple[str, ...], **more: str | None) -> None:
    """Draw up a consignment of named ranges.

    A dispatch goes to a child, a transfer to a sibling, a return to the parent. Nothing moves until
    it is sent.
    """
    made = consignments.draw_up(
        app.db,
        app.actor,
        kind,
        [_ends(text) for text in ranges],
        more["reference"] or str(uuid4()),
        more["sender"],
        more["receiver"],
        more["reason"],
    )
    show_consignment(app, made)


@command("list", examples=["wanneng consignment list --state sent"])
@click.option("--state", help="draft, sent, closed or cancelled.")
@limit_option
@pass_app
def list_all(app: App, state: str | None, limit: int) -> None:
    """List consignments, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        found = consignments.list_consignments(session, actor, state, limit=limit)
    rows = [
        (
            item.number,
            item.kind,
            item.state,
            item.sender,
            item.receiver,
            item.cards,
            item.outstanding,
        )
        for item in found
    ]
    columns = ["consignment", "kind", "state", "from", "to", "cards", "on the way"]
    shown = table(columns, rows, right=columns[-2:])
    app.out.result({"consignments": [plain(item) for item in found]}, shown)


@command("show", examples=[f"wanneng consignment show {_NUMBER}"])
@click.argument("number")
@pass_app
def show(app: App, number: str) -> None:
    """Show a consignment and its ranges."""
    actor = app.actor
    with app.db.read() as session:
        item = consignments.read_consignment(session, actor, number)
    show_consignment(app, item)


@command("note", examples=[f"wanneng consignment note {_NUMBER} --to note.pdf"])
@click.argument("number")
@TO
@pass_app
def note(app: App, number: str, target: Path) -> None:
    """Write the consignment note as PDF, with barcodes to scan."""
    actor = app.actor
    with app.db.read() as session:
        item = consignments.read_consignment(session, actor, number)
        document = consignment_note(session, item)
    write_document(app, document, target)


@command("send", examples=[f"wanneng consignment send {_NUMBER}"])
@click.argument("number")
@pass_app
def send(app: App, number: str) -> None:
    """Send all ranges of a draft, or none.

    A transfer, and a return of active cards, needs a second person.
    """
    done = send_consignment(app.db, app.actor, number)
    if isinstance(done, PendingApproval):
        show_pending(app, done.approval_id)
        return
    show_consignment(app, done)


@command("cancel", examples=[f"wanneng consignment cancel {_NUMBER} --reason 'wrong shop'"])
@click.argument("number")
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def cancel(app: App, number: str, reason: str) -> None:
    """Give the cards of a draft free again."""
    show_consignment(app, consignments.cancel_consignment(app.db, app.actor, number, reason))


@command(
    "receive",
    examples=[f"wanneng consignment receive {_NUMBER} 4225101000700 42251010007010 --complete"],
)
@click.argument("number")
@click.argument("scans", nargs=-1)
@click.option("--damaged", multiple=True, metavar="SCAN", help="What is not fit to sell; repeat.")
@click.option("--complete", is_flag=True, help="Nothing more will come: claim what is missing.")
@click.option("--reference", help="Your own number of this scanning: it counts once.")
@pass_app
def receive(
    app: App,
    number: str,
    scans: tuple[str, ...],
    damaged: tuple[str, ...],
    complete: bool,
    reference: str | None,
) -> None:
    """Receive what was scanned.

    A scan is a card (17 digits), a pack (14), a carton (13) or a range FIRST-LAST. Differences
    become claims.
    """
    arrival = Arrival(
        reference=reference or str(uuid4()), scans=scans, damaged=damaged, complete=complete
    )
    done = receive_consignment(app.db, app.actor, number, arrival)
    data = {
        "number": done.number,
        "consignment": done.consignment,
        "at": done.at,
        "claims": list(done.claims),
        **{outcome: plain_ranges(ranges) for outcome, ranges in done.outcomes.items()},
    }
    rows = [(outcome, done.count(outcome)) for outcome in done.outcomes if done.count(outcome)]
    head = {"receipt": done.number, "claims": ", ".join(done.claims) or None}
    app.out.result(data, facts(head), table(["outcome", "cards"], rows, right=["cards"]))


@command("overdue", examples=["wanneng consignment overdue --days 14"])
@click.option("--days", type=click.IntRange(0, 3_650), help="More days than this.")
@click.option("--as-of", help="A day (its end) or an instant; a minute ago if left out.")
@pass_app
def overdue(app: App, days: int | None, as_of: str | None) -> None:
    """List the cards that are on the way for too long.

    Cards that were moved without a consignment are among them.
    """
    actor, zone = app.actor, app.settings.zone
    wanted = None if as_of is None else parse_instant(as_of, zone)
    limit = app.settings.in_transit_days if days is None else days
    with app.db.read() as session:
        found = in_transit_too_long(session, actor, limit, final(session.now, wanted))
    rows = [
        (
            item.document,
            item.sender,
            item.receiver,
            when(item.sent_at, zone),
            item.days,
            item.cards,
            format_yuan(item.face_value_fen),
        )
        for item in found
    ]
    data = [
        {
            "document": item.document,
            "sender": item.sender,
            "receiver": item.receiver,
            "sent_at": item.sent_at,
            "days": item.days,
            "cards": item.cards,
            "face_value_fen": item.face_value_fen,
            "ranges": plain_ranges(item.ranges),
        }
        for item in found
    ]
    columns = ["document", "from", "to", "sent", "days", "cards", "value"]
    app.out.result({"overdue": data}, table(columns, rows, right=columns[-3:]))


def write_document(app: App, document: Document, target: Path) -> None:
    """Write a document as PDF and say where it is."""
    content = render(document, app.settings.pdf_font)
    target.write_bytes(content)
    app.out.result(
        {"number": document.number, "file": str(target), "bytes": len(content)},
        f"{document.number}: {target}",
    )


def show_consignment(app: App, item: Consignment) -> None:
    """Print a consignment."""
    zone = app.settings.zone
    head = {
        "consignment": item.number,
        "kind": item.kind,
        "state": item.state,
        "from": item.sender,
        "to": item.receiver,
        "order": item.order,
        "reason": item.reason,
        "drawn up": when(item.created_at, zone),
        "sent": when(item.sent_at, zone),
        "closed": when(item.closed_at, zone),
        "cards": item.cards,
        "value": format_yuan(item.face_value_fen),
        "on the way": item.outstanding,
    }
    rows = [
        (
            serial_text(line.cards.first),
            serial_text(line.cards.last),
            line.cards.count,
            format_yuan(line.face_fen),
        )
        for line in item.lines
    ]
    columns = ["first", "last", "cards", "face"]
    app.out.result(plain(item), facts(head), table(columns, rows, right=columns[2:]))


def plain(item: Consignment) -> dict[str, Any]:
    """Return a consignment as values for JSON."""
    return {
        "id": str(item.id),
        "number": item.number,
        "kind": item.kind,
        "state": item.state,
        "sender": item.sender,
        "receiver": item.receiver,
        "order": item.order,
        "reason": item.reason,
        "created_at": item.created_at,
        "sent_at": item.sent_at,
        "closed_at": item.closed_at,
        "cards": item.cards,
        "face_value_fen": item.face_value_fen,
        "outstanding_cards": item.outstanding,
        "lines": [
            plain_ranges([line.cards])[0] | {"face_fen": line.face_fen} for line in item.lines
        ],
    }


def plain_ranges(ranges: Ranges) -> list[dict[str, Any]]:
    """Return ranges as values for JSON."""
    return [
        {
            "first_serial": serial_text(cards.first),
            "last_serial": serial_text(cards.last),
            "cards": cards.count,
        }
        for cards in ranges
    ]


def _ends(text: str) -> tuple[str, str]:
    first, _, last = text.partition("-")
    if not first:
        raise InvalidInput("write a range as FIRST-LAST")
    return first, last or first
