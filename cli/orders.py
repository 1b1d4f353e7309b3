"""`wanneng order`: what a party wants from its parent, and the parent's decision."""

from collections.abc import Sequence
from uuid import uuid4

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.consignments import show_consignment
from cli.options import limit_option
from cli.output import facts, table, when
from core.errors import InvalidInput
from core.money import format_yuan, parse_yuan
from distribution import orders
from distribution.consignments import allocate_order
from distribution.orders import Order

_NUMBER = "SO-20250611-000001"
_LINES = click.option(
    "--cards", multiple=True, metavar="FACE=COUNT", help="Face in yuan and count; repeat."
)


@command("create", examples=["wanneng order create --cards 50=2000 --cards 100=500"])
@_LINES
@click.option("--for", "buyer", help="Code of the party they are for; yours if left out.")
@click.option("--reference", help="Your own number of the order: it makes it once only.")
@pass_app
def create(app: App, cards: tuple[str, ...], buyer: str | None, reference: str | None) -> None:
    """Order cards from the party above."""
    counts = _counts(cards)
    placed = orders.place_order(app.db, app.actor, counts, reference or str(uuid4()), buyer)
    _show(app, placed)


@command("list", examples=["wanneng order list --state requested"])
@click.option("--state", help="requested, approved, refused, cancelled or sent.")
@limit_option
@pass_app
def list_all(app: App, state: str | None, limit: int) -> None:
    """List orders, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        found = orders.list_orders(session, actor, state, limit=limit)
    rows = [
        (item.number, item.state, item.buyer, item.supplier, _brief(item), item.consignment)
        for item in found
    ]
    columns = ["order", "state", "for", "from", "cards", "consignment"]
    app.out.result({"orders": [_plain(item) for item in found]}, table(columns, rows))


@command("show", examples=[f"wanneng order show {_NUMBER}"])
@click.argument("number")
@pass_app
def show(app: App, number: str) -> None:
    """Show an order."""
    actor = app.actor
    with app.db.read() as session:
        item = orders.read_order(session, actor, number)
    _show(app, item)


@command("approve", examples=[f"wanneng order approve {_NUMBER} --cards 50=1000"])
@click.argument("number")
@_LINES
@pass_app
def approve(app: App, number: str, cards: tuple[str, ...]) -> None:
    """Agree to an order as its supplier.

    To all of it, or with --cards to fewer; a face that is left out gets none. Whoever placed the
    order cannot agree to it.
    """
    _show(app, orders.approve_order(app.db, app.actor, number, _counts(cards) if cards else None))


@command("refuse", examples=[f"wanneng order refuse {_NUMBER} --reason 'unpaid bills'"])
@click.argument("number")
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def refuse(app: App, number: str, reason: str) -> None:
    """Refuse an order as its supplier."""
    _show(app, orders.refuse_order(app.db, app.actor, number, reason))


@command("cancel", examples=[f"wanneng order cancel {_NUMBER} --reason 'typed wrongly'"])
@click.argument("number")
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def cancel(app: App, number: str, reason: str) -> None:
    """Withdraw an order that nobody has decided on."""
    _show(app, orders.cancel_order(app.db, app.actor, number, reason))


@command("allocate", examples=[f"wanneng order allocate {_NUMBER}"])
@click.argument("number")
@pass_app
def allocate(app: App, number: str) -> None:
    """Set cards of the supplier's stock apart for an order.

    Whole cartons first, then packs, then cards; the oldest first. Prints the draft consignment.
    """
    show_consignment(app, allocate_order(app.db, app.actor, number))


def _counts(cards: Sequence[str]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for text in cards:
        face, _, count = text.partition("=")
        fen = parse_yuan(face if "." in face else f"{face}.00")
        if not (count.isascii() and count.isdigit()) or fen in counts:
            raise InvalidInput("write --cards FACE=COUNT, like 50=2000, each face once")
        counts[fen] = int(count[:12])
    return counts


def _brief(item: Order) -> str:
    return ", ".join(
        f"{_count(line.approved_count, line.requested_count)} x {format_yuan(line.face_fen)}"
        for line in item.lines
    )


def _count(approved: int | None, requested: int) -> str:
    return str(requested) if approved is None else f"{approved} of {requested}"


def _plain(item: Order) -> dict[str, object]:
    return {
        "id": str(item.id),
        "number": item.number,
        "state": item.state,
        "buyer": item.buyer,
        "supplier": item.supplier,
        "reference": item.reference,
        "requested_at": item.requested_at,
        "decided_at": item.decided_at,
        "sent_at": item.sent_at,
        "reason": item.reason,
        "consignment": item.consignment,
        "lines": [
            {
                "face_fen": line.face_fen,
                "requested_count": line.requested_count,
                "approved_count": line.approved_count,
            }
            for line in item.lines
        ],
    }


def _show(app: App, item: Order) -> None:
    zone = app.settings.zone
    head = {
        "order": item.number,
        "state": item.state,
        "for": item.buyer,
        "from": item.supplier,
        "reference": item.reference,
        "requested": when(item.requested_at, zone),
        "decided": when(item.decided_at, zone),
        "sent": when(item.sent_at, zone),
        "reason": item.reason,
        "consignment": item.consignment,
    }
    rows = [
        (format_yuan(line.face_fen), line.requested_count, line.approved_count)
        for line in item.lines
    ]
    columns = ["face", "ordered", "agreed to"]
    app.out.result(_plain(item), facts(head), table(columns, rows, right=columns))
