"""/api/v1/stock-counts: what was found on a shelf, what differs from the books, how that ended."""

from datetime import datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import IdText, PartyCode, Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, IdempotencyKey, IdPath, Limit
from distribution.differences import Difference, answer_difference
from distribution.stock_counts import MAX_SCANS, Count, list_counts, read_count, record_count
from staff.permissions import Permission
from vouchers.serials import serial_text

ScanText = Annotated[
    str,
    Meta(
        min_length=13,
        max_length=40,
        description="A card (17 digits), a pack (14), a carton (13), or a range (first-last).",
        examples=["42251010007001"],
    ),
]
_ANSWERED = Example(value={"note": "put on hold as lost", "movement_ids": ["7340112233445566"]})
_COUNTED = Example(
    summary="An outlet counted two packs and a card",
    value={
        "party": "WH-OUTLET-1",
        "found": ["42251010007001", "42251010007002", "42251010007003004"],
        "note": "monthly count",
    },
)


class CountBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose shelf was counted, and what was found there; `found` may be empty."""

    party: PartyCode
    found: Annotated[list[ScanText], Meta(max_length=MAX_SCANS)]
    note: Reason | None = None


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ended a difference: the moves made since the count, or a later count that agrees."""

    note: Reason
    movement_ids: Annotated[list[IdText], Meta(max_length=500)] = []
    recount_id: IdText | None = None


class DifferenceShown(Struct, frozen=True, kw_only=True):
    """Cards missing or unexpected. `booked_*`: where the books have them; null: not our cards."""

    id: str
    kind: str
    first_serial: str
    last_serial: str
    cards: int
    booked_stage: str | None
    booked_holder: str | None
    owner: str | None
    answered_at: datetime | None
    note: str | None


class CountShown(Struct, frozen=True, kw_only=True):
    """A count sheet; what differs is cleared up by moves, the count itself changes nothing."""

    id: str
    party: str
    at: datetime
    note: str | None
    expected_cards: int
    found_cards: int
    differences: list[DifferenceShown]


class Counts(Struct, frozen=True):
    """A page of counts, oldest first. `next_after` begins the next page; null on the last."""

    counts: list[CountShown]
    next_after: str | None


@post(
    "/",
    status_code=201,
    guards=[staff(Permission.COUNT_STOCK)],
    sync_to_thread=True,
    summary="Record a stock count",
    operation_id="recordStockCount",
)
def record(
    idempotency_key: IdempotencyKey,
    data: Annotated[CountBody, Body(examples=[_COUNTED])],
    runtime: WithRuntime,
    actor: WithActor,
) -> CountShown:
    """Record what was found, and list what differs from the books. No card moves by it."""
    done = record_count(runtime.db, actor, data.party, data.found, idempotency_key, data.note)
    return _shown(done)


@get(
    "/",
    guards=[staff(Permission.VIEW_STOCK)],
    sync_to_thread=True,
    summary="List stock counts",
    operation_id="listStockCounts",
)
def list_all(
    runtime: WithRuntime, actor: WithActor, after: AfterId = None, limit: Limit = 50
) -> Counts:
    """Return the counts of the parties that the member acts for, oldest first."""
    with runtime.db.read() as session:
        found = list_counts(session, actor, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Counts([_shown(item) for item in page], more)


@get(
    "/{count_id:int}",
    guards=[staff(Permission.VIEW_STOCK)],
    sync_to_thread=True,
    summary="Read a stock count",
    operation_id="readStockCount",
)
def read_one(count_id: IdPath, runtime: WithRuntime, actor: WithActor) -> CountShown:
    """Return a count with its differences."""
    with runtime.db.read() as session:
        return _shown(read_count(session, actor, count_id))


@post(
    "/differences/{difference_id:int}/answer",
    status_code=200,
    guards=[staff(Permission.COUNT_STOCK)],
    sync_to_thread=True,
    summary="End a difference",
    operation_id="answerStockDifference",
)
def answer(
    difference_id: IdPath,
    data: Annotated[AnswerBody, Body(examples=[_ANSWERED])],
    runtime: WithRuntime,
    actor: WithActor,
) -> DifferenceShown:
    """End a difference, once for ever. Sent again it is refused as ended."""
    recount_id = None if data.recount_id is None else int(data.recount_id)
    moves = [int(movement_id) for movement_id in data.movement_ids]
    return _difference(
        answer_difference(runtime.db, actor, difference_id, data.note, moves, recount_id)
    )


def _shown(item: Count) -> CountShown:
    return CountShown(
        id=str(item.id),
        party=item.party_code,
        at=item.at,
        note=item.note,
        expected_cards=item.expected_cards,
        found_cards=item.found_cards,
        differences=[_difference(difference) for difference in item.differences],
    )


def _difference(item: Difference) -> DifferenceShown:
    return DifferenceShown(
        id=str(item.id),
        kind=item.kind,
        first_serial=serial_text(item.first_serial),
        last_serial=serial_text(item.last_serial),
        cards=item.cards,
        booked_stage=item.booked_stage,
        booked_holder=item.booked_holder,
        owner=item.owner,
        answered_at=item.answered_at,
        note=item.note,
    )


router = Router(
    "/stock-counts", route_handlers=[record, list_all, read_one, answer], tags=["stock"]
)
