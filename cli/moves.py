"""`wanneng lot take-into-stock`, `dispatch` and so on: moves of ranges of cards."""

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.pending import show_pending
from distribution.moves import PendingApproval, request_move
from distribution.requests import MoveRequest
from vouchers.moves import OPERATOR_HOLDS

F = TypeVar("F", bound=Callable[..., Any])

_RANGE = "42251010007001008 42251010007002006"


def _range(function: F) -> F:
    """Add what every move has: the range, and the paper behind it."""
    document = click.option("--document", help="Number of the paper behind this.")
    last = click.argument("last_serial", required=False)
    first = click.argument("first_serial")
    return first(last(document(function)))


def _reason(required: bool) -> Callable[[F], F]:
    return click.option("--reason", required=required, help="Why, for the record.")


@command("take-into-stock", examples=[f"wanneng lot take-into-stock {_RANGE} --document DN-17"])
@_range
@click.option(
    "--spoilt", multiple=True, metavar="SERIAL", help="A card the printer spoilt; repeat."
)
@pass_app
def take_into_stock(app: App, spoilt: tuple[str, ...], **where: str | None) -> None:
    """Take printed cards into stock.

    Delivered and spoilt cards together must be what was generated; spoilt ones become void.
    """
    _move(app, "take_into_stock", where, spoilt=spoilt)


@command("dispatch", examples=[f"wanneng lot dispatch {_RANGE} --to WH-SHOP1 --document DN-18"])
@_range
@click.option("--to", required=True, help="Code of the party they go to.")
@pass_app
def dispatch(app: App, to: str, **where: str | None) -> None:
    """Send cards to a party below their holder.

    To a party beside the holder a second person must agree. The sender holds the cards until they
    are received.
    """
    _move(app, "dispatch", where, to=to)


@command("receive", examples=[f"wanneng lot receive {_RANGE}"])
@_range
@click.option("--to", help="The receiving party, to be sure.")
@pass_app
def receive(app: App, to: str | None, **where: str | None) -> None:
    """Confirm that cards have arrived.

    Name only what you counted; the rest stays in transit for a claim.
    """
    _move(app, "receive", where, to=to)


@command("activate", examples=[f"wanneng lot activate {_RANGE}"])
@_range
@click.option("--holder", help="The outlet that must hold them, to be sure.")
@pass_app
def activate(app: App, holder: str | None, **where: str | None) -> None:
    """Activate cards at their outlet.

    From then on they can be redeemed, and the party with the contract owes for them.
    """
    _move(app, "activate", where, holder=holder)


@command("deactivate", examples=[f"wanneng lot deactivate {_RANGE} --reason 'sold in error'"])
@_range
@_reason(required=False)
@pass_app
def deactivate(app: App, **where: str | None) -> None:
    """Take an activation back (two persons).

    Refused where a card of the range is redeemed.
    """
    _move(app, "deactivate", where)


@command("return", examples=[f"wanneng lot return {_RANGE} --reason 'shop closes'"])
@_range
@click.option("--to", help="The party above the holder, to be sure.")
@_reason(required=False)
@pass_app
def return_cards(app: App, to: str | None, **where: str | None) -> None:
    """Return cards to the party above.

    Active ones need a second person; used ones stay where they are.
    """
    _move(app, "return", where, to=to)


@command("hold", examples=[f"wanneng lot hold {_RANGE} --as stolen --reason 'burglary, case 17'"])
@_range
@click.option(
    "--as", "kind", required=True, type=click.Choice(OPERATOR_HOLDS), help="The kind of hold."
)
@_reason(required=True)
@pass_app
def hold(app: App, kind: str, **where: str | None) -> None:
    """Put cards on hold.

    They cannot be redeemed or moved until they are released.
    """
    _move(app, "hold", where, hold=kind)


@command("release", examples=[f"wanneng lot release {_RANGE} --reason 'found again'"])
@_range
@_reason(required=True)
@pass_app
def release(app: App, **where: str | None) -> None:
    """Release cards from a hold."""
    _move(app, "release", where)


@command("void", examples=[f"wanneng lot void {_RANGE} --reason 'water damage'"])
@_range
@_reason(required=True)
@pass_app
def void(app: App, **where: str | None) -> None:
    """Make cards void for ever (two persons).

    Cards already used stay used.
    """
    _move(app, "void", where)


def _move(app: App, name: str, where: dict[str, str | None], **more: Any) -> None:
    """Ask for the move; LAST may be left out for a single card."""
    first = where["first_serial"] or ""
    request = MoveRequest(
        move=name,
        first_serial=first,
        last_serial=where["last_serial"] or first,
        document=where["document"],
        reason=where.get("reason"),
        **more,
    )
    done = request_move(app.db, app.actor, request)
    if isinstance(done, PendingApproval):
        show_pending(app, done.approval_id)
        return
    ids = [str(each) for each in done.movement_ids]
    app.out.result(
        {"cards": done.cards, "movement_ids": ids}, f"{name.replace('_', ' ')}: {done.cards} cards"
    )
