"""`wanneng voucher show` and `history`."""

from collections.abc import Mapping

import rich_click as click

from audit.timeline import look_at_timeline, record_look
from cli.app import App
from cli.command import command, pass_app
from cli.output import facts, table, when
from core.money import format_yuan
from distribution.parties import party_by_id
from redemption.queries import use_of
from staff.permissions import Permission, require
from vouchers.queries import voucher_view
from vouchers.serials import parse_serial, serial_text


@command("show", examples=["wanneng voucher show 42251010007001008"])
@click.argument("serial_number")
@pass_app
def show(app: App, serial_number: str) -> None:
    """Show a card's life, never its PIN.

    Status, stage, holder, hold, dates, and how it was used.
    """
    actor = app.actor
    require(actor, Permission.VIEW_VOUCHERS)
    serial = parse_serial(serial_number)
    with app.db.write() as session:
        record_look(session, actor, serial, "card")
        view = voucher_view(session, serial, session.today)
        use = use_of(session, serial)
        holder = party_by_id(session, view.holder_id).code
        to = None if view.in_transit_to is None else party_by_id(session, view.in_transit_to).code
    data = {
        "serial_number": serial_text(serial),
        "status": view.status,
        "stage": view.stage,
        "face_fen": view.face_fen,
        "batch_id": str(view.batch_id),
        "holder": holder,
        "in_transit_to": to,
        "lot_hold": view.lot_hold,
        "voucher_hold": view.voucher_hold,
        "replaced_by": None if view.replaced_by is None else serial_text(view.replaced_by),
        "expires_on": view.expires_on,
        "activated_on": view.activated_on,
        "used_at": None if use is None else use.at,
        "receipt_number": None if use is None else use.receipt_number,
        "account_tail": None if use is None else use.account_tail,
    }
    people = data | {"face_fen": None, "face yuan": format_yuan(view.face_fen)}
    people["used_at"] = None if use is None else when(use.at, app.settings.zone)
    app.out.result(data, facts({name.replace("_", " "): value for name, value in people.items()}))


@command("history", examples=["wanneng voucher history 42251010007001008"])
@click.argument("serial_number")
@pass_app
def history(app: App, serial_number: str) -> None:
    """Tell a card's whole life: made, moved, sold, tried, used.

    Who did what, when, where and why. That you looked is on record.
    """
    actor, serial, zone = app.actor, parse_serial(serial_number), app.settings.zone
    found = app.db.transact(lambda session: look_at_timeline(session, actor, serial))
    data = [
        {
            "at": each.at,
            "event": each.event,
            "by": each.by,
            "detail": {name: value for name, value in each.detail.items() if value is not None},
        }
        for each in found
    ]
    rows = [
        (when(each.at, zone), each.event.replace("_", " "), each.by, _told(each.detail))
        for each in found
    ]
    app.out.result(
        {"serial_number": serial_text(serial), "happenings": data},
        table(["at", "what", "by", "more"], rows),
    )


def _told(detail: Mapping[str, str | int | None]) -> str:
    return " ".join(f"{name}={value}" for name, value in detail.items() if value is not None)
