"""A shop with a till in it: its keys, electronic cards to sell, and short ways to sell."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pyrage
from sqlalchemy import func, select

from core.db import Database
from core.keyfile import Keys
from distribution.sealed_pins import OpenedPin, open_pin
from distribution.till_sales import Counter, Sale, SaleRequest, confirm_sale, sell
from distribution.tills import Till, add_till
from staff import approvals
from tests.distribution.trade import FACE_FEN, Trade, open_trade
from tests.pin_hunt import remember
from vouchers import key_rotation
from vouchers.actions import ACTIONS
from vouchers.electronic import open_batch
from vouchers.orders import order_batches

_keys = count(1)


@dataclass
class Desk:
    """One till as its shop has it: with the secret key that the server never sees."""

    db: Database
    counter: Counter
    till: Till
    api_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def sell(self, key: str | None = None, **request: Any) -> Sale:
        """Sell under a key, by default a new one."""
        asked = SaleRequest(**request)
        return sell(self.db, self.counter, self.till, key or f"key-{next(_keys)}", asked)

    def sell_electronic(self, key: str | None = None, **more: Any) -> Sale:
        """Sell an electronic card."""
        return self.sell(key, face_fen=FACE_FEN, **more)

    def read(self, sale: Sale) -> OpenedPin:
        """Decrypt what a sale brought."""
        assert sale.reveal is not None
        assert sale.reveal.ciphertext is not None
        opened = open_pin(sale.reveal.ciphertext, self.secret_key)
        remember([opened.pin])
        return opened

    def confirm(self, sale: Sale) -> Sale:
        """Tell that the buyer has the PIN."""
        return self.db.transact(
            lambda session: confirm_sale(session, self.db.settings, self.till, sale.id)
        )

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        with self.db.read() as session:
            return int(session.execute(select(func.count()).select_from(table)).scalar_one())


@dataclass
class Shop:
    """The trade, and the tills of its outlets."""

    trade: Trade
    keys: Keys

    def desk(self, code: str = "T-1", at: str = "outlet", who: str = "seller") -> Desk:
        """Register a till of an outlet."""
        identity = pyrage.x25519.Identity.generate()
        public_key = str(identity.to_public())
        party = self.trade.code(at)
        with self.trade.db.write() as session:
            till, key = add_till(session, self.trade.people[who], party, code, public_key)
        return Desk(self.trade.db, Counter(keys=self.keys), till, key, str(identity))

    def electronic(self, size: int = 100, face_fen: int = FACE_FEN) -> int:
        """Order an electronic batch, agree to it and open it; return its id."""
        db, people = self.trade.db, self.trade.people
        with db.write() as session:
            key_rotation.register(session, self.keys.get())
            placed = order_batches(
                session, db.settings, people["issuer"], face_fen, size, printer_name=None
            )
        approvals.agree(db, people["issuer2"], placed.approval_id, ACTIONS)
        open_batch(db, self.keys, people["issuer"], placed.batch_ids[0])
        return placed.batch_ids[0]

    def pay(self, at: str, fen: int) -> None:
        """Let a party pay ahead."""
        self.trade.pay(at, fen)


def open_shop(db: Database, keys: Keys) -> Shop:
    """Open a trade whose outlet sells on a large credit, with no till yet."""
    trade = open_trade(db)
    trade.contract("outlet", "credit", 10**9, commission_fen=150)
    return Shop(trade, keys)
