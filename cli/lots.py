"""`wanneng lot show`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import table
from distribution.parties import party_by_id
from vouchers.lot_list import list_lots
from vouchers.serials import CARDS_PER_BATCH, SerialRange, parse_range, serial_text

_BATCH_DIGITS = 11


@command(
    "show",
    examples=[
        "wanneng lot show 42251010007",
        "wanneng lot show 42251010007001008 42251010007002006",
    ],
)
@click.argument("first", metavar="BATCH|FIRST")
@click.argument("last", required=False)
@pass_app
def show(app: App, first: str, last: str | None) -> None:
    """Show where the cards of a batch or range are.

    Give the 11 digits of a batch, or the first and last serial number.
    """
    actor = app.actor
    with app.db.read() as session:
        found = list_lots(session, actor, _range(first, last))
        ids = {item.holder_id for item in found} | {item.in_transit_to for item in found} - {None}
        codes = {each: party_by_id(session, each).code for each in ids if each is not None}
    rows = [
        {
            "first_serial": serial_text(item.first_serial),
            "last_serial": serial_text(item.last_serial),
            "cards": item.count,
            "stage": item.stage,
            "holder": codes[item.holder_id],
            "in_transit_to": codes.get(item.in_transit_to or 0),
            "hold": item.hold,
            "expires_on": item.expires_on,
            "activated_on": item.activated_on,
        }
        for item in found
    ]
    names = list(rows[0]) if rows else ["first_serial", "last_serial"]
    shown = table([name.replace("_", " ") for name in names], [list(row.values()) for row in rows])
    app.out.result({"lots": rows}, shown)


def _range(first: str, last: str | None) -> SerialRange:
    if last is None and len(first) == _BATCH_DIGITS and first.isascii() and first.isdigit():
        start = int(first) * CARDS_PER_BATCH
        return SerialRange(start, start + CARDS_PER_BATCH - 1)
    return parse_range(first, last or first)
