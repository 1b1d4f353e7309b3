"""/api/v1/adjustments: what is charged or credited to a party beside its sales, by two persons."""

from datetime import date, datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import AmountFen, BankReference, PayingParty, Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit, PartyQuery
from distribution.adjustments import (
    Adjustment,
    NewAdjustment,
    list_adjustments,
    request_adjustment,
)
from staff.permissions import Permission

_ASKED = Example(
    summary="Give back the value of cards that became void",
    value={
        "reference": "MEMO-2025-0611",
        "party": "WH-OUTLET-1",
        "direction": "credit",
        "amount_fen": 10_000,
        "against": "suspense",
        "reason": "two void cards of 50 yuan",
        "concerns_on": "2025-05-01",
    },
)


class AdjustmentBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked for: `direction` charge (more is owed) or credit (less).

    `against` is the other side in the books: suspense or commission. `reference` names the paper
    behind it and is used once; `concerns_on` is a day of the month that it concerns.
    """

    reference: BankReference
    party: PayingParty
    direction: Annotated[str, Meta(max_length=20, examples=["credit"])]
    amount_fen: AmountFen
    against: Annotated[str, Meta(max_length=20, examples=["suspense"])]
    reason: Reason
    concerns_on: date | None = None


class AdjustmentPending(Struct, frozen=True):
    """Nothing is posted yet: a second person must agree."""

    approval_id: str


class AdjustmentShown(Struct, frozen=True, kw_only=True):
    """A posted adjustment."""

    id: str
    reference: str
    party: str
    direction: str
    amount_fen: int
    against: str
    reason: str
    concerns_on: date | None
    approval_id: str
    entry_id: str
    posted_at: datetime


class Adjustments(Struct, frozen=True):
    """A page of adjustments, oldest first. `next_after` begins the next page, or is null."""

    adjustments: list[AdjustmentShown]
    next_after: str | None


@post(
    "/",
    status_code=202,
    guards=[staff(Permission.ADJUST)],
    sync_to_thread=True,
    summary="Ask for an adjustment",
    operation_id="requestAdjustment",
)
def ask(
    data: Annotated[AdjustmentBody, Body(examples=[_ASKED])],
    runtime: WithRuntime,
    actor: WithActor,
) -> AdjustmentPending:
    """Ask for an adjustment; it is posted when another person agrees, once for its reference."""
    new = NewAdjustment(
        reference=data.reference,
        party_code=data.party,
        direction=data.direction,
        amount_fen=data.amount_fen,
        against=data.against,
        reason=data.reason,
        concerns_on=data.concerns_on,
    )
    return AdjustmentPending(str(request_adjustment(runtime.db, actor, new)))


@get(
    "/",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="List adjustments",
    operation_id="listAdjustments",
)
def list_all(
    runtime: WithRuntime,
    actor: WithActor,
    party: PartyQuery = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> Adjustments:
    """Return posted adjustments; a member of a party is shown those of his party and below."""
    with runtime.db.read() as session:
        found = list_adjustments(session, actor, party, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Adjustments([_shown(item) for item in page], more)


def _shown(item: Adjustment) -> AdjustmentShown:
    return AdjustmentShown(
        id=str(item.id),
        reference=item.reference,
        party=item.party_code,
        direction=item.direction,
        amount_fen=item.amount_fen,
        against=item.against,
        reason=item.reason,
        concerns_on=item.concerns_on,
        approval_id=str(item.approval_id),
        entry_id=str(item.entry_id),
        posted_at=item.at,
    )


router = Router("/adjustments", route_handlers=[ask, list_all], tags=["settlements"])
