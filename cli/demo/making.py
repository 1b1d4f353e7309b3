"""From an order to cards in the warehouse: what the company and its printer do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyrage

from cli.actions import ACTIONS
from cli.demo.people import People
from cli.demo.screen import expect
from cli.demo.stage import Stage
from cli.demo.world import World
from cli.sign_in_file import write_private
from core.db import Database, Session
from core.keyfile import Keys
from core.money import format_yuan
from distribution.parties import warehouse_id
from staff import approvals
from vouchers.batches import get_batch
from vouchers.electronic import open_batch
from vouchers.export import export_to_file, request_export
from vouchers.generation import generate
from vouchers.orders import Ordered, order_batches
from vouchers.print_file import PrintedCard, read_print_file, verify_manifest
from vouchers.printers import fingerprint, request_printer
from vouchers.serials import SerialRange, serial_text

PRINTER = "demo"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """A batch to order."""

    face_fen: int
    count: int


PLANS = (Plan(5_000, 4_000), Plan(10_000, 1_500), Plan(20_000, 100))
SPOILT = 2
"""Cards at the end of the first batch that the printer spoils."""
ELECTRONIC = Plan(5_000, 200)
"""Cards that are made one by one, as tills sell them."""


@dataclass(frozen=True)
class MadeBatch:
    """A batch whose cards the demo's reader holds in memory, as a buyer would one of them."""

    plan: Plan
    batch_id: int
    serials: SerialRange
    printed: Sequence[PrintedCard]


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


def order(db: Database, people: People) -> list[tuple[Plan, int, int]]:
    """Order the batches; return each plan with its approval's and its batch's id."""
    placed = []
    for plan in PLANS:

        def work(session: Session, plan: Plan = plan) -> Ordered:
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
    db: Database, keys: Keys, world: World, people: People, plan: Plan, batch_id: int
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


def open_electronic(db: Database, keys: Keys, people: People) -> None:
    """Order electronic cards, have the second person agree, and let tills sell them."""
    plan = ELECTRONIC
    done = db.transact(
        lambda session: order_batches(
            session, db.settings, people.issuer, plan.face_fen, plan.count, None
        )
    )
    approvals.agree(db, people.second_issuer, done.approval_id, ACTIONS)
    open_batch(db, keys, people.issuer, done.batch_ids[0])


def take_into_stock(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> None:
    """Take what the printer delivered into the warehouse; he spoilt some cards of the first."""
    for number, batch in enumerate(batches):
        spoilt = () if number else [serial_text(batch.serials.last - i) for i in range(SPOILT)]
        stage.move(people.warehouse, "take_into_stock", batch.serials, spoilt=tuple(spoilt))


def describe(plan: Plan) -> str:
    """Say what is ordered."""
    return f"{plan.count} x {format_yuan(plan.face_fen).removesuffix('.00')} yuan"
