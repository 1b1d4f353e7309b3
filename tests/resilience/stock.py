"""Cards that came the whole way: ordered, printed, shipped down the tree and activated."""

from distribution.moves import Moved, request_move
from distribution.parties import warehouse_id
from distribution.requests import MoveRequest
from staff import approvals
from tests.api.world import PRINTER, World
from tests.pin_hunt import remember
from tests.redemption.cards import Card
from vouchers.actions import ACTIONS
from vouchers.export import export_batch, request_export
from vouchers.generation import generate
from vouchers.orders import order_batches
from vouchers.print_file import read_print_file
from vouchers.serials import serial_text


def sold_cards(world: World, count: int) -> list[Card]:
    """Make a batch by the product's own use cases and bring it to a shop, active."""
    batch_id = _printed_batch(world, count)
    export = export_batch(world.db, world.keys, world.people["issuer"], batch_id)
    printed = read_print_file(export.ciphertext, world.printer_key)
    cards = [Card(item.serial, item.pin) for item in printed]
    remember(card.pin for card in cards)
    _move(world, cards, "take_into_stock")
    for party in ("HUBEI", "WUHAN", "SHOP-1"):
        _move(world, cards, "dispatch", to=party)
        _move(world, cards, "receive")
    _move(world, cards, "activate", who="distributor")
    return cards


def _printed_batch(world: World, count: int) -> int:
    issuer, second = world.people["issuer"], world.people["second_issuer"]
    with world.db.write() as session:
        ordered = order_batches(session, world.db.settings, issuer, 5_000, count, PRINTER)
    approvals.agree(world.db, second, ordered.approval_id, ACTIONS)
    (batch_id,) = ordered.batch_ids
    generate(world.db, world.keys, issuer, batch_id, _warehouse(world))
    with world.db.write() as session:
        approval_id = request_export(session, issuer, batch_id)
    approvals.agree(world.db, second, approval_id, ACTIONS)
    return batch_id


def _warehouse(world: World) -> int:
    with world.db.read() as session:
        return warehouse_id(session)


def _move(
    world: World, cards: list[Card], move: str, who: str = "warehouse", to: str | None = None
) -> None:
    request = MoveRequest(
        move=move,
        first_serial=serial_text(cards[0].serial),
        last_serial=serial_text(cards[-1].serial),
        to=to,
    )
    assert isinstance(request_move(world.db, world.people[who], request), Moved)
