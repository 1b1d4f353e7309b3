"""The way to a generated batch, by the product's own use cases."""

from dataclasses import dataclass, field
from typing import Any

import pyrage

from core.db import Database
from core.keyfile import Keys
from staff import approvals
from staff.permissions import Actor
from tests.factories import make_member, make_warehouse
from tests.pin_hunt import remember
from vouchers import denominations, key_rotation
from vouchers.actions import ACTIONS
from vouchers.export import Export, export_batch, request_export
from vouchers.generation import generate
from vouchers.lookup import ArgonPool, Busy, Found, look_up
from vouchers.orders import Ordered, order_batches
from vouchers.pins import Pin
from vouchers.print_file import PrintedCard, read_print_file
from vouchers.printers import request_printer

PRINTER = "Yangtze Card Works"


@dataclass(frozen=True)
class House:
    """A database with its people, faces, one printer and a warehouse."""

    db: Database
    keys: Keys
    asks: Actor
    agrees: Actor
    admin: Actor
    warehouse_id: int
    secret_key: str = field(repr=False)

    def agree(self, approval_id: int) -> Any:
        """Let the second person agree."""
        return approvals.agree(self.db, self.agrees, approval_id, ACTIONS)

    def order(self, count: int = 100, face_fen: int = 5_000) -> Ordered:
        """Order cards; nobody has agreed yet."""
        with self.db.write() as session:
            return order_batches(session, self.db.settings, self.asks, face_fen, count, PRINTER)

    def approved(self, count: int = 100, face_fen: int = 5_000) -> int:
        """Return a batch that may be generated."""
        ordered = self.order(count, face_fen)
        self.agree(ordered.approval_id)
        return ordered.batch_ids[0]

    def generated(self, count: int = 100, face_fen: int = 5_000) -> int:
        """Return a batch with cards."""
        batch_id = self.approved(count, face_fen)
        generate(self.db, self.keys, self.asks, batch_id, self.warehouse_id)
        return batch_id

    def allow_export(self, batch_id: int) -> None:
        """Ask for an export and let the second person agree."""
        with self.db.write() as session:
            approval_id = request_export(session, self.asks, batch_id)
        self.agree(approval_id)

    def exported(self, batch_id: int) -> Export:
        """Return the export of a generated batch."""
        self.allow_export(batch_id)
        return export_batch(self.db, self.keys, self.asks, batch_id)

    def cards(self, count: int = 100, face_fen: int = 5_000) -> list[PrintedCard]:
        """Return new cards as the printer reads them."""
        export = self.exported(self.generated(count, face_fen))
        cards = list(read_print_file(export.ciphertext, self.secret_key))
        remember(card.pin for card in cards)
        return cards

    def find(self, *pins: Pin | None) -> list[Found | Busy | None]:
        """Look PINs up."""
        argon = ArgonPool(self.db.settings)
        try:
            with self.db.read() as session:
                return look_up(session, self.keys.get(), pins).find(argon, pins)
        finally:
            argon.close()


def open_house(db: Database, keys: Keys) -> House:
    """Write the people and the warehouse; register the faces, the keys and one printer."""
    identity = pyrage.x25519.Identity.generate()
    with db.write() as session:
        asks, agrees = make_member(session, "issuer"), make_member(session, "issuer")
        admin, warehouse_id = make_member(session, "admin"), make_warehouse(session)
        denominations.seed(session, db.settings)
        key_rotation.register(session, keys.get())
        approval_id = request_printer(session, asks, PRINTER, "1", str(identity.to_public()))
    house = House(db, keys, asks, agrees, admin, warehouse_id, str(identity))
    house.agree(approval_id)
    return house
