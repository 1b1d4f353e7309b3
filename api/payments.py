"""/api/v1/payments: what parties paid into the bank, each bank reference once for ever.

The bank's reference is the key of the request: sent again with the same content it is answered
with what is stored, with other content it is refused. So it needs no Idempotency-Key.
"""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct

from api.fields import AmountFen, BankReference, PayingParty, Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit, PartyQuery
from api.refusals import Fen
from distribution.payments import (
    NewPayment,
    Payment,
    list_payments,
    record_payment,
    reverse_payment,
)
from staff.permissions import Permission

_PAID = Example(
    summary="A distributor paid 5,000 yuan",
    value={
        "reference": "ICBC-20250611-000417",
        "party": "WH-OUTLET-1",
        "amount_fen": 500_000,
        "paid_on": "2025-06-11",
    },
)
_BOUNCED = Example(value={"reference": "ICBC-20250611-000417", "reason": "returned by the bank"})


class PaymentBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the bank told. `party` is the party with the contract, which owes."""

    reference: BankReference
    party: PayingParty
    amount_fen: AmountFen
    paid_on: date


class ReversalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment bounced, and why."""

    reference: BankReference
    reason: Reason


class PaymentShown(Struct, frozen=True, kw_only=True):
    """A payment; `reversed_at` and `reason` are set where it bounced."""

    id: str
    reference: str
    party: str
    amount_fen: Fen
    paid_on: date
    entry_id: str
    recorded_at: datetime
    reversed_at: datetime | None
    reason: str | None


class Payments(Struct, frozen=True):
    """A page of payments, oldest first. `next_after` begins the next page; null on the last."""

    payments: list[PaymentShown]
    next_after: str | None


@post(
    "/",
    status_code=201,
    guards=[staff(Permission.RECORD_PAYMENTS)],
    sync_to_thread=True,
    summary="Record a payment",
    operation_id="recordPayment",
    responses={
        201: ResponseSpec(PaymentShown, description="Recorded now"),
        200: ResponseSpec(PaymentShown, description="Recorded before, by the same reference"),
    },
)
def record(
    data: Annotated[PaymentBody, Body(examples=[_PAID])], runtime: WithRuntime, actor: WithActor
) -> Response[Any]:
    """Record what a party paid into the bank; it owes so much less, or may sell on it (prepaid)."""
    new = NewPayment(
        reference=data.reference,
        party_code=data.party,
        amount_fen=data.amount_fen,
        paid_on=data.paid_on,
    )
    done = record_payment(runtime.db, actor, new)
    return Response(_shown(done.payment), status_code=200 if done.replayed else 201)


@post(
    "/reversals",
    status_code=200,
    guards=[staff(Permission.RECORD_PAYMENTS)],
    sync_to_thread=True,
    summary="Take a bounced payment back",
    operation_id="reversePayment",
)
def reverse(
    data: Annotated[ReversalBody, Body(examples=[_BOUNCED])],
    runtime: WithRuntime,
    actor: WithActor,
) -> PaymentShown:
    """Take a payment back by a mirror entry, once; its reference stays used for ever."""
    return _shown(reverse_payment(runtime.db, actor, data.reference, data.reason))


@get(
    "/",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="List payments",
    operation_id="listPayments",
)
def list_all(
    runtime: WithRuntime,
    actor: WithActor,
    party: PartyQuery = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> Payments:
    """Return payments; a member of a party is shown those of his party and below."""
    with runtime.db.read() as session:
        found = list_payments(session, actor, party, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Payments([_shown(item) for item in page], more)


def _shown(item: Payment) -> PaymentShown:
    return PaymentShown(
        id=str(item.id),
        reference=item.reference,
        party=item.party_code,
        amount_fen=item.amount_fen,
        paid_on=item.paid_on,
        entry_id=str(item.entry_id),
        recorded_at=item.at,
        reversed_at=item.reversed_at,
        reason=item.reason,
    )


router = Router("/payments", route_handlers=[record, reverse, list_all], tags=["payments"])
