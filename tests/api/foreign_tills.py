"""The counter of a party that must be left alone, and every call that could name it."""

from dataclasses import dataclass, field
from typing import Any

import pyrage

from core.db import Database
from distribution.stock_counts import record_count
from distribution.till_sales import Counter, SaleRequest, sell
from distribution.tills import add_till
from staff import approvals
from staff.permissions import Actor
from tests.api.world import World
from vouchers.actions import ACTIONS
from vouchers.electronic import close_batch, open_batch
from vouchers.orders import order_batches
from vouchers.serials import serial_text

SALE_KEY = "sale-of-another"
FACE_FEN = 10_000
SALE = {"face_fen": FACE_FEN, "language": "zh"}


@dataclass(frozen=True)
class CounterNames:
    """What the victim's counter is known by, and the key of its till."""

    till: str = ""
    sale: str = ""
    count: str = ""
    difference: str = ""
    api_key: str = field(default="", repr=False)


def furnish_counter(
    db: Database, world: World, seller: Actor, party_code: str, stocked: int
) -> CounterNames:
    """Give a party a till that sold an electronic card, its PIN sealed still, and a stock count.

    No other electronic card is left to sell.
    """
    batch_id = _put_on_sale(db, world)
    code, public_key = f"{party_code}-T1", new_public_key()
    till, api_key = db.transact(
        lambda session: add_till(session, seller, party_code, code, public_key)
    )
    sale = sell(db, Counter(keys=world.keys), till, SALE_KEY, SaleRequest(face_fen=FACE_FEN))
    close_batch(db, world.people["issuer"], batch_id)
    counted = record_count(db, seller, party_code, [serial_text(stocked)], "count-of-another")
    return CounterNames(
        till=code,
        sale=str(sale.id),
        count=str(counted.id),
        difference=str(counted.differences[0].id),
        api_key=api_key,
    )


def new_public_key() -> str:
    """Return the public half of a new key; nobody keeps the other."""
    return str(pyrage.x25519.Identity.generate().to_public())


def _put_on_sale(db: Database, world: World) -> int:
    issuer = world.people["issuer"]
    with db.write() as session:
        placed = order_batches(session, db.settings, issuer, FACE_FEN, 10, printer_name=None)
    approvals.agree(db, world.people["second_issuer"], placed.approval_id, ACTIONS)
    open_batch(db, world.keys, issuer, placed.batch_ids[0])
    return placed.batch_ids[0]


_WHY = "wanted by a stranger"
_PUBLIC_KEY = new_public_key()
TILL_CALLS: tuple[tuple[str, str, str, dict[str, Any] | None], ...] = (
    ("GET", "/tills", "/tills?limit=200", None),
    (
        "POST",
        "/tills",
        "/tills",
        {"party": "{code}", "code": "STRANGER-T9", "public_key": _PUBLIC_KEY},
    ),
    (
        "POST",
        "/tills/{code}/rotate-key",
        "/tills/{till}/rotate-key",
        {"public_key": _PUBLIC_KEY},
    ),
    ("POST", "/tills/{code}/disable", "/tills/{till}/disable", None),
    ("POST", "/tills/sales/{sale_id}/cancel", "/tills/sales/{sale}/cancel", {"reason": _WHY}),
    # With a member's token; what a stranger's till gets is a test of its own.
    ("POST", "/till/sales", "/till/sales", {"serial_number": "{active}", "language": "zh"}),
    ("GET", "/till/sales/{sale_id}", "/till/sales/{sale}", None),
    ("POST", "/till/sales/{sale_id}/confirm", "/till/sales/{sale}/confirm", None),
    ("GET", "/stock-counts", "/stock-counts?limit=200", None),
    ("POST", "/stock-counts", "/stock-counts", {"party": "{code}", "found": []}),
    ("GET", "/stock-counts/{count_id}", "/stock-counts/{count}", None),
    (
        "POST",
        "/stock-counts/differences/{difference_id}/answer",
        "/stock-counts/differences/{difference}/answer",
        {"note": _WHY, "recount_id": "{count}"},
    ),
    ("POST", "/batches/{batch_id}/open", "/batches/{batch}/open", None),
    ("POST", "/batches/{batch_id}/close", "/batches/{batch}/close", None),
)
"""Method, path as described, path with the victim's names to fill in, body."""
