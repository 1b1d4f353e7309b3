"""From an order to cards in a shop: what the company and its distributor do, by the use cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyrage

from cli.actions import ACTIONS
from cli.demo.people import CITY, SHOP, People
from cli.demo.screen import expect
from cli.demo.world import World
from cli.sign_in_file import write_private
from core.db import Database, Session
from core.keyfile import Keys
from core.money import format_yuan
from distribution.moves import Moved, request_move
from distribution.parties import warehouse_id
from distribution.requests import MoveRequest
from staff import approvals
from staff.permissions import Actor
from vouchers.batches import get_batch
from vouchers.export import export_to_file, request_export
from vouchers.generation import generate
from vouchers.orders import Ordered, order_batches
from vouchers.print_file import PrintedCard, read_print_file, verify_manifest
from vouchers.printers import fingerprint, request_printer
from vouchers.serials import SerialRange, serial_text

PRINTER = "demo"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shipment:
    """What of a batch goes how far: cards shipped, of them received, of those active."""

    face_fen: int
    count: int
    shipped: int
    active: int


PLAN = (
    Shipment(5_000, 1_000, 200, 100),
    Shipment(10_000, 300, 100, 60),
    Shipment(20_000, 100, 50, 20),
)
SPOILT = 2
"""Cards of the first batch that the printer spoils."""
ON_THE_WAY = 100
"""Cards of the first batch that are still on the road at the end."""


@dataclass(frozen=True)
class MadeBatch:
    """A batch whose cards the demo's reader holds in memory, as a buyer would one of them."""

    plan: Shipment
    batch_id: int
    serials: SerialRange
    printed: Sequence[PrintedCard]

    @property
    def active(self) -> Sequence[PrintedCard]:
        """The cards that were activated."""
        return self.printed[: self.plan.active]

    @property
    def on_the_shelf(self) -> Sequence[PrintedCard]:
        """The cards that the shop has and has not activated."""
        return self.printed[self.plan.active : self.plan.shipped]


def register_printer(db: Database, world: World, people: People) -> str:
    """Make the demo printer's key, have two persons register it; return its fingerprint."""
    identity = pyrage.x25519.Identity.generate()
    write_private(world.printer_key, str(identity))
    public_key = str(identity.to_public())
    approval_id = db.transact(
        lambda session: request_printer(session, people.admin, PRINTER, "1", public_key)
    )
    approvals.agree(db, people.second_issuer, approval_id, ACTIONS)
    return fingerprint(public_key)


def order(db: Database, people: People) -> list[tuple[Shipment, int, int]]:
    """Order the batches; return each plan with its approval's and its batch's id."""
    placed = []
    for plan in PLAN:

        def work(session: Session, plan: Shipment = plan) -> Ordered:
            return order_batches(
                session, db.settings, people.issuer, plan.face_fen, plan.count, PRINTER
            )

        done = db.transact(work)
        placed.append((plan, done.approval_id, done.batch_ids[0]))
    return placed


def make(db: Database, keys: Keys, people: People, batch_id: int, progress: Progress) -> None:
    """Generate a batch."""
    with db.read() as session:
        holder_id = warehouse_id(session)
    generate(db, keys, people.issuer, batch_id, holder_id, progress)


def hand_out(
    db: Database, keys: Keys, world: World, people: People, plan: Shipment, batch_id: int
) -> MadeBatch:
    """Export a batch after a second person agreed, check its manifest, open it in memory."""
    approval_id = db.transact(lambda session: request_export(session, people.issuer, batch_id))
    approvals.agree(db, people.second_issuer, approval_id, ACTIONS)
    path = world.print_file(batch_id)
    manifest = export_to_file(db, keys, people.issuer, batch_id, path)
    verify_manifest(manifest, keys.get().public_key_text)
    identity = world.printer_key.read_text(encoding="ascii")
    printed = list(read_print_file(path.read_bytes(), identity))
    with db.read() as session:
        serials = get_batch(session, batch_id).cards
    expect([card.serial for card in printed] == list(serials), "the print file is not complete")
    return MadeBatch(plan, batch_id, serials, printed)


def ship(db: Database, people: People, batch: MadeBatch, *, first: bool) -> None:
    """Bring a batch from the printer to the shop, and activate a part of it."""
    all_cards, shipped = batch.serials, _first(batch, batch.plan.shipped)
    spoilt = tuple(serial_text(all_cards.last - i) for i in range(SPOILT)) if first else ()
    _move(db, people.warehouse, "take_into_stock", all_cards, spoilt=spoilt)
    _move(db, people.warehouse, "dispatch", shipped, to=CITY)
    _move(db, people.clerk, "receive", shipped)
    _move(db, people.clerk, "dispatch", shipped, to=SHOP)
    _move(db, people.clerk, "receive", shipped)
    _move(db, people.clerk, "activate", _first(batch, batch.plan.active))
    if first:
        start = shipped.last + 1
        _move(
            db,
            people.warehouse,
            "dispatch",
            SerialRange(start, start + ON_THE_WAY - 1),
            to=CITY,
        )


def describe(plan: Shipment) -> str:
    """Say what is ordered."""
    return f"{plan.count} x {format_yuan(plan.face_fen).removesuffix('.00')} yuan"


def _first(batch: MadeBatch, count: int) -> SerialRange:
    return SerialRange(batch.serials.first, batch.serials.first + count - 1)


def _move(
    db: Database,
    actor: Actor,
    name: str,
    cards: SerialRange,
    *,
    to: str | None = None,
    spoilt: tuple[str, ...] = (),
) -> None:
    request = MoveRequest(
        move=name,
        first_serial=serial_text(cards.first),
        last_serial=serial_text(cards.last),
        to=to,
        spoilt=spoilt,
        document="DEMO-1",
    )
    done = request_move(db, actor, request)
    expect(isinstance(done, Moved), f"the move {name} was not made")
