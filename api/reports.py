"""GET /api/v1/reports: where all cards are, and what the company owes for them."""

from litestar import Router, get
from msgspec import Struct

from api.guards import WithRuntime, staff
from api.refusals import Fen
from audit.inventory import inventory
from audit.liability import liability
from staff.permissions import Permission


class InventoryLine(Struct, frozen=True, kw_only=True):
    """The cards of one face that one party holds in one stage; used and held are among them."""

    stage: str
    holder: str
    holder_name: str
    face_fen: Fen
    cards: int
    face_value_fen: Fen
    used_cards: int
    held_cards: int


class InventoryReport(Struct, frozen=True):
    """All cards that were made."""

    lines: list[InventoryLine]


class LiabilityLine(Struct, frozen=True):
    """The activated cards of one face that can still turn into money."""

    face_fen: Fen
    cards: int
    value_fen: Fen


class LiabilityReport(Struct, frozen=True, kw_only=True):
    """The liability; unless `difference_fen` (ledger less cards) is 0 the books are wrong."""

    lines: list[LiabilityLine]
    cards: int
    value_fen: Fen
    ledger_fen: Fen
    difference_fen: Fen


@get(
    "/inventory",
    guards=[staff(Permission.VIEW_REPORTS)],
    sync_to_thread=True,
    summary="Inventory",
    operation_id="readInventory",
)
def read_inventory(runtime: WithRuntime) -> InventoryReport:
    """Return all cards by stage, holder and face."""
    with runtime.db.read() as session:
        rows = inventory(session)
    lines = [
        InventoryLine(
            stage=row.stage,
            holder=row.party_code,
            holder_name=row.party_name,
            face_fen=row.face_fen,
            cards=row.cards,
            face_value_fen=row.face_value_fen,
            used_cards=row.used_cards,
            held_cards=row.held_cards,
        )
        for row in rows
    ]
    return InventoryReport(lines)


@get(
    "/liability",
    guards=[staff(Permission.VIEW_REPORTS)],
    sync_to_thread=True,
    summary="Liability",
    operation_id="readLiability",
)
def read_liability(runtime: WithRuntime) -> LiabilityReport:
    """Return what activated cards are worth that are neither redeemed, void nor replaced."""
    with runtime.db.read() as session:
        found = liability(session)
    return LiabilityReport(
        lines=[LiabilityLine(row.face_fen, row.cards, row.value_fen) for row in found.rows],
        cards=found.cards,
        value_fen=found.value_fen,
        ledger_fen=found.ledger_fen,
        difference_fen=found.difference_fen,
    )


router = Router("/reports", route_handlers=[read_inventory, read_liability], tags=["reports"])
