"""/api/v1/orders: what a party wants from its parent, and the parent's decision."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta, Struct

from api.consignment_shapes import ConsignmentShown, consignment_shown
from api.fields import FaceFen, Key, PartyCode, Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit
from api.refusals import Fen
from api.strict import no_body
from core.errors import InvalidInput
from distribution import orders
from distribution.consignments import allocate_order
from distribution.orders import MAX_CARDS, Order
from staff.permissions import Permission

OrderPath = Annotated[
    str, PathParameter(pattern=r"^[A-Z0-9-]+$", max_length=40, description="An order's number.")
]
OrderState = Annotated[
    Literal["requested", "approved", "refused", "cancelled", "sent"] | None,
    QueryParameter(name="state", description="Only those in this state."),
]
_ORDER = Example(
    summary="2,000 cards of 50 yuan",
    value={"reference": "po-2025-17", "lines": [{"face_fen": 5000, "count": 2000}]},
)


class OrderLineBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cards of one face value."""

    face_fen: FaceFen
    count: Annotated[int, Meta(ge=0, le=MAX_CARDS)]


class OrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is ordered; `reference` is your own, and makes it once only.

    Without `buyer` it is your own party.
    """

    reference: Key
    lines: Annotated[list[OrderLineBody], Meta(min_length=1, max_length=50)]
    buyer: PartyCode | None = None


class ApproveBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many cards of each face value are agreed to; a face that is left out gets none.

    Null agrees to all of it.
    """

    lines: Annotated[list[OrderLineBody], Meta(max_length=50)] | None


class OrderReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason


class OrderLineShown(Struct, frozen=True, kw_only=True):
    """Cards of one face value; `approved_count` is null until the supplier decided."""

    face_fen: Fen
    requested_count: int
    approved_count: int | None


class OrderShown(Struct, frozen=True, kw_only=True):
    """An order; `state` is requested, approved, refused, cancelled or sent."""

    id: str
    number: str
    buyer: str
    supplier: str
    state: str
    reference: str
    requested_at: datetime
    decided_at: datetime | None
    sent_at: datetime | None
    reason: str | None
    consignment: str | None
    lines: list[OrderLineShown]


class Orders(Struct, frozen=True):
    """A page of orders, oldest first. `next_after` begins the next page, or is null."""

    orders: list[OrderShown]
    next_after: str | None


@post(
    "/",
    status_code=200,
    guards=[staff(Permission.ORDER_STOCK)],
    sync_to_thread=True,
    summary="Order cards",
    operation_id="placeOrder",
)
def place_order(
    data: Annotated[OrderBody, Body(examples=[_ORDER])], runtime: WithRuntime, actor: WithActor
) -> OrderShown:
    """Order cards from the buyer's parent; the same reference gives the same order again."""
    counts = _counts(data.lines)
    return _shown(orders.place_order(runtime.db, actor, counts, data.reference, data.buyer))


@get(
    "/",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="List orders",
    operation_id="listOrders",
)
def list_orders(
    runtime: WithRuntime,
    actor: WithActor,
    in_state: OrderState = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> Orders:
    """Return the orders that your party, or one below, has placed or shall fill."""
    with runtime.db.read() as session:
        found = orders.list_orders(session, actor, in_state, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Orders([_shown(item) for item in page], more)


@get(
    "/{order_number:str}",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Read an order",
    operation_id="readOrder",
)
def read_order(order_number: OrderPath, runtime: WithRuntime, actor: WithActor) -> OrderShown:
    """Return an order that your party, or one below, is a side of."""
    with runtime.db.read() as session:
        return _shown(orders.read_order(session, actor, order_number))


@post(
    "/{order_number:str}/approve",
    status_code=200,
    guards=[staff(Permission.APPROVE_ORDERS)],
    sync_to_thread=True,
    summary="Agree to an order",
    operation_id="approveOrder",
)
def approve(
    order_number: OrderPath,
    data: Annotated[
        ApproveBody, Body(examples=[Example(value={"lines": [{"face_fen": 5000, "count": 1000}]})])
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> OrderShown:
    """Agree as the supplier, to all of it or to fewer cards; whoever placed it cannot."""
    counts = None if data.lines is None else _counts(data.lines)
    return _shown(orders.approve_order(runtime.db, actor, order_number, counts))


@post(
    "/{order_number:str}/refuse",
    status_code=200,
    guards=[staff(Permission.APPROVE_ORDERS)],
    sync_to_thread=True,
    summary="Refuse an order",
    operation_id="refuseOrder",
)
def refuse(
    order_number: OrderPath,
    data: Annotated[OrderReasonBody, Body(examples=[Example(value={"reason": "unpaid bills"})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> OrderShown:
    """Refuse as the supplier, with a reason."""
    return _shown(orders.refuse_order(runtime.db, actor, order_number, data.reason))


@post(
    "/{order_number:str}/cancel",
    status_code=200,
    guards=[staff(Permission.ORDER_STOCK)],
    sync_to_thread=True,
    summary="Withdraw an order",
    operation_id="cancelOrder",
)
def cancel(
    order_number: OrderPath,
    data: Annotated[OrderReasonBody, Body(examples=[Example(value={"reason": "typed wrongly"})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> OrderShown:
    """Withdraw an order that nobody has decided on."""
    return _shown(orders.cancel_order(runtime.db, actor, order_number, data.reason))


@post(
    "/{order_number:str}/allocate",
    status_code=200,
    guards=[staff(Permission.DISPATCH), no_body],
    sync_to_thread=True,
    summary="Set cards apart for an order",
    operation_id="allocateOrder",
)
def allocate(order_number: OrderPath, runtime: WithRuntime, actor: WithActor) -> ConsignmentShown:
    """Choose ranges of the supplier's stock: cartons, then packs, then cards; the oldest first."""
    return consignment_shown(allocate_order(runtime.db, actor, order_number))


def _counts(lines: list[OrderLineBody]) -> dict[int, int]:
    counts = {line.face_fen: line.count for line in lines}
    if len(counts) != len(lines):
        raise InvalidInput("name each face value once")
    return counts


def _shown(item: Order) -> OrderShown:
    return OrderShown(
        id=str(item.id),
        number=item.number,
        buyer=item.buyer,
        supplier=item.supplier,
        state=item.state,
        reference=item.reference,
        requested_at=item.requested_at,
        decided_at=item.decided_at,
        sent_at=item.sent_at,
        reason=item.reason,
        consignment=item.consignment,
        lines=[
            OrderLineShown(
                face_fen=line.face_fen,
                requested_count=line.requested_count,
                approved_count=line.approved_count,
            )
            for line in item.lines
        ],
    )


router = Router(
    "/orders",
    route_handlers=[place_order, list_orders, read_order, approve, refuse, cancel, allocate],
    tags=["orders"],
)
