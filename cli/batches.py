"""`wanneng batch`: orders of cards, from asking to handing the print file out."""

import json
from pathlib import Path
from typing import Any

import rich_click as click

from cli.actions import ACTIONS
from cli.app import App
from cli.command import command, pass_app
from cli.deciding import decider
from cli.options import ID, YUAN, limit_option
from cli.output import facts, table, when
from cli.pending import show_pending
from core.money import format_yuan
from distribution.parties import warehouse_id
from staff import second_person
from staff.permissions import Permission, require
from vouchers.batches import Batch, get_batch, list_batches
from vouchers.electronic import close_batch, open_batch
from vouchers.export import export_to_file, request_export, stored_manifest
from vouchers.generation import generate as make_cards
from vouchers.orders import order_batches
from vouchers.serials import serial_text

_STATES = [
    "requested",
    "approved",
    "generating",
    "generated",
    "failed",
    "refused",
    "open",
    "closed",
]


@command(
    "create",
    examples=[
        "wanneng batch create --face 50 --count 250000 --printer demo",
        "wanneng batch create --face 50 --count 10000 --electronic",
    ],
)
@click.option("--face", required=True, type=YUAN, help="Face value in yuan.")
@click.option("--count", required=True, type=int, help="How many cards, up to 10,000,000.")
@click.option("--printer", help="The printer that will read their PINs.")
@click.option("--electronic", is_flag=True, help="Never printed: made one by one as tills sell.")
@pass_app
def create(app: App, face: int, count: int, printer: str | None, electronic: bool) -> None:
    """Order cards.

    The order is cut into batches of at most 100,000 cards. Nothing is made before a second person
    has agreed.
    """
    actor = app.actor
    if electronic == (printer is not None):
        raise click.UsageError("say either --printer or --electronic")
    placed = app.db.transact(
        lambda session: order_batches(session, app.settings, actor, face, count, printer)
    )
    ids = [str(batch_id) for batch_id in placed.batch_ids]
    show_pending(app, placed.approval_id, f"batches {' '.join(ids)}", batch_ids=ids)


@command("list", examples=["wanneng batch list", "wanneng batch list --state approved"])
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@limit_option
@pass_app
def list_all(app: App, state: str | None, limit: int) -> None:
    """List batches, the newest first."""
    require(app.actor, Permission.VIEW_BATCHES)
    with app.db.read() as session:
        found = list_batches(session, state=state, limit=limit)
    shown = [
        (
            item.id,
            item.state,
            format_yuan(item.face_fen),
            item.size,
            item.printer.name if item.printer else "(electronic)",
            "yes" if item.exported_at else "no",
        )
        for item in found
    ]
    columns = ["batch", "state", "face yuan", "cards", "printer", "exported"]
    app.out.result(
        {"batches": [_plain(item) for item in found]},
        table(columns, shown, right=["face yuan", "cards"]),
    )


@command("show", examples=["wanneng batch show 42251010001"])
@click.argument("batch_id", type=ID)
@pass_app
def show(app: App, batch_id: int) -> None:
    """Show a batch."""
    require(app.actor, Permission.VIEW_BATCHES)
    with app.db.read() as session:
        item = get_batch(session, batch_id)
    plain = _plain(item)
    people = plain | {
        "face_fen": None,
        "face yuan": format_yuan(item.face_fen),
        "exported_at": when(item.exported_at, app.settings.zone),
        "created_at": when(item.created_at, app.settings.zone),
    }
    app.out.result(plain, facts({name.replace("_", " "): v for name, v in people.items()}))


@command("approve", examples=["wanneng batch approve 42251010001"])
@click.argument("batch_id", type=ID)
@pass_app
def approve(app: App, batch_id: int) -> None:
    """Agree to a batch's order.

    As the second person, with the authenticator's code of now, and to the whole order that the
    batch belongs to.
    """
    with app.db.read() as session:
        approval_id = get_batch(session, batch_id).order_approval_id
    done = second_person.agree(app.db, decider(app), approval_id, ACTIONS)
    ids = [str(each) for each in done]
    app.out.result(
        {"approval_id": str(approval_id), "state": "agreed", "batch_ids": ids},
        f"agreed to the order of batches {' '.join(ids)}",
    )


@command("generate", examples=["wanneng batch generate 42251010001"])
@click.argument("batch_id", type=ID)
@pass_app
def generate(app: App, batch_id: int) -> None:
    """Make the cards of an approved batch.

    Their PINs are written into the encrypted print file and nowhere else. A batch is made once:
    one that is cut off on the way becomes void, and its serial numbers are never used again.
    """
    with app.db.read() as session:
        holder_id = warehouse_id(session)
    with app.out.progress(f"batch {batch_id}") as progress:
        make_cards(app.db, app.keys, app.actor, batch_id, holder_id, progress)
    with app.db.read() as session:
        item = get_batch(session, batch_id)
    app.out.result(_plain(item), f"{item.generated_count} cards made: batch {batch_id}")


@command(
    "export",
    examples=[
        "wanneng batch export 42251010001                      # ask",
        "wanneng batch export 42251010001 --to batch.age       # after a second person agreed",
    ],
)
@click.argument("batch_id", type=ID)
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@pass_app
def export(app: App, batch_id: int, to: Path | None) -> None:
    """Hand out the encrypted print file, once.

    The first time this asks for a second person. After he agreed it writes the file, encrypted to
    the printer's key, and its signed manifest beside it; the cards are then with the printer. A
    second export is refused for ever.
    """
    actor = app.actor
    with app.db.read() as session:
        item = get_batch(session, batch_id)
    if item.export_approval_id is None:
        approval_id = app.db.transact(lambda session: request_export(session, actor, batch_id))
        show_pending(app, approval_id)
        return
    if to is None:
        raise click.UsageError("say with --to which file to write")
    manifest = export_to_file(app.db, app.keys, actor, batch_id, to)
    app.out.result(
        {"file": str(to), "manifest": manifest},
        f"{manifest['count']} cards in {to}, manifest in {to}.manifest.json",
    )


@command("open", examples=["wanneng batch open 42250010001"])
@click.argument("batch_id", type=ID)
@pass_app
def open_for_sale(app: App, batch_id: int) -> None:
    """Let tills sell an electronic batch.

    It must be approved. Each of its cards is made at its sale, under the key version of today.
    """
    version = open_batch(app.db, app.keys, app.actor, batch_id)
    app.out.result(
        {"batch_id": str(batch_id), "key_version": version}, f"batch {batch_id} is open for sale"
    )


@command("close", examples=["wanneng batch close 42250010001"])
@click.argument("batch_id", type=ID)
@pass_app
def close_for_sale(app: App, batch_id: int) -> None:
    """End the sale of an electronic batch.

    For ever; cards that were sold stay as they are.
    """
    close_batch(app.db, app.actor, batch_id)
    app.out.result({"batch_id": str(batch_id)}, f"batch {batch_id} is closed")


@command("manifest", examples=["wanneng batch manifest 42251010001"])
@click.argument("batch_id", type=ID)
@pass_app
def manifest(app: App, batch_id: int) -> None:
    """Show the signed manifest of an export."""
    require(app.actor, Permission.VIEW_BATCHES)
    with app.db.read() as session:
        found = stored_manifest(session, batch_id)
    app.out.result(found, json.dumps(found, indent=2, sort_keys=True))


def _plain(item: Batch) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "order_id": str(item.order_id),
        "approval_id": str(item.order_approval_id),
        "state": item.state,
        "face_fen": item.face_fen,
        "protection": item.protection,
        "size": item.size,
        "first_serial": serial_text(item.cards.first),
        "last_serial": serial_text(item.cards.last),
        "expires_on": item.expires_on,
        "generated_count": item.generated_count,
        "delivered_count": item.delivered_count,
        "spoilt_count": item.spoilt_count,
        "printer": None if item.printer is None else item.printer.name,
        "printer_fingerprint": None if item.printer is None else item.printer.fingerprint,
        "ciphertext_sha256": item.ciphertext_sha256,
        "exported_at": item.exported_at,
        "created_at": item.created_at,
    }
