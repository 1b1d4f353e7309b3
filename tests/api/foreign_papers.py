"""The papers of a party that must be left alone, and every call that could name them."""

from dataclasses import dataclass
from typing import Any

from core.db import Database
from distribution.actions import ACTIONS
from distribution.consignments import draw_up
from distribution.credit_notes import list_credit_notes
from distribution.dispatching import send_consignment
from distribution.moves import PendingApproval
from distribution.orders import place_order
from distribution.receipts import Arrival, receive_consignment
from staff import approvals
from staff.permissions import Actor
from tests.api.world import World
from vouchers.serials import serial_text


@dataclass(frozen=True)
class PaperNumbers:
    """The numbers of the victim's papers."""

    order: str = ""
    consignment: str = ""
    claim: str = ""
    credit_note: str = ""


def furnish_papers(
    db: Database, world: World, seller: Actor, stocked: int, active: int
) -> PaperNumbers:
    """Write an order, a consignment with a claim, and a credit note for a party's own cards."""
    order = place_order(db, seller, {5_000: 10}, "order-of-another")
    keeper = world.people["warehouse"]
    numbers = [_sent_back(db, world, seller, first) for first in (active + 90, stocked + 90)]
    receipts = [
        receive_consignment(db, keeper, number, _one_of_two(first))
        for number, first in zip(numbers, (active + 90, stocked + 90), strict=True)
    ]
    with db.read() as session:
        (note,) = [
            item.number
            for item in list_credit_notes(session, keeper, limit=500)
            if item.consignment == numbers[0]
        ]
    return PaperNumbers(order.number, numbers[1], receipts[1].claims[0], note)


def _sent_back(db: Database, world: World, seller: Actor, first: int) -> str:
    ends = (serial_text(first), serial_text(first + 1))
    number = draw_up(db, seller, "return", [ends], f"back-{first}").number
    asked = send_consignment(db, seller, number)
    if isinstance(asked, PendingApproval):
        approvals.agree(db, world.people["finance"], asked.approval_id, ACTIONS)
    return number


def _one_of_two(first: int) -> Arrival:
    return Arrival(reference=f"scan-{first}", scans=(serial_text(first),), complete=True)


_WHY = "wanted by a stranger"
_RANGE = {"first_serial": "{active}", "last_serial": "{active}"}
PAPER_CALLS: tuple[tuple[str, str, str, dict[str, Any] | None], ...] = (
    ("GET", "/orders", "/orders?limit=200", None),
    (
        "POST",
        "/orders",
        "/orders",
        {"reference": "s-1", "lines": [{"face_fen": 5_000, "count": 1}], "buyer": "{code}"},
    ),
    ("GET", "/orders/{order_number}", "/orders/{order}", None),
    ("POST", "/orders/{order_number}/approve", "/orders/{order}/approve", {"lines": None}),
    ("POST", "/orders/{order_number}/refuse", "/orders/{order}/refuse", {"reason": _WHY}),
    ("POST", "/orders/{order_number}/cancel", "/orders/{order}/cancel", {"reason": _WHY}),
    ("POST", "/orders/{order_number}/allocate", "/orders/{order}/allocate", None),
    ("GET", "/consignments", "/consignments?limit=200", None),
    (
        "POST",
        "/consignments",
        "/consignments",
        {"kind": "return", "ranges": [_RANGE], "reference": "s-2", "sender": "{code}"},
    ),
    ("GET", "/consignments/overdue", "/consignments/overdue?days=0", None),
    ("GET", "/consignments/{consignment_number}", "/consignments/{consignment}", None),
    ("GET", "/consignments/{consignment_number}/note", "/consignments/{consignment}/note", None),
    ("POST", "/consignments/{consignment_number}/send", "/consignments/{consignment}/send", None),
    (
        "POST",
        "/consignments/{consignment_number}/cancel",
        "/consignments/{consignment}/cancel",
        {"reason": _WHY},
    ),
    (
        "GET",
        "/consignments/{consignment_number}/receipts",
        "/consignments/{consignment}/receipts",
        None,
    ),
    (
        "POST",
        "/consignments/{consignment_number}/receipts",
        "/consignments/{consignment}/receipts",
        {"reference": "s-3", "complete": True},
    ),
    ("GET", "/claims", "/claims?limit=200", None),
    ("GET", "/claims/{claim_number}", "/claims/{claim}", None),
    (
        "POST",
        "/claims/{claim_number}/assign",
        "/claims/{claim}/assign",
        {"username": "victim.seller", "reason": _WHY},
    ),
    (
        "POST",
        "/claims/{claim_number}/answer",
        "/claims/{claim}/answer",
        {"answer": "received", "reason": _WHY},
    ),
    ("GET", "/credit-notes", "/credit-notes?limit=200", None),
    ("GET", "/credit-notes/{note_number}", "/credit-notes/{credit_note}", None),
    ("GET", "/credit-notes/{note_number}/print", "/credit-notes/{credit_note}/print", None),
)
"""Method, path as described, path with the victim's names to fill in, body."""
