"""/api/v1/consignments: cards that travel together, their papers and their receipt."""

from typing import Annotated, Any, Literal

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Struct

from api.consignment_shapes import (
    ConsignmentShown,
    DrawUpBody,
    OverdueShown,
    ReceiptBody,
    ReceiptShown,
    consignment_shown,
    overdue_shown,
    receipt_shown,
)
from api.fields import Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit
from api.reports import AsOf
from api.strict import no_body
from audit.as_of import final, parse_instant
from core.pdf import render
from distribution import consignments
from distribution.dispatching import send_consignment
from distribution.moves import PendingApproval
from distribution.overdue import in_transit_too_long
from distribution.prints import consignment_note
from distribution.receipts import Arrival, list_receipts, receive_consignment
from staff.permissions import Permission

PDF = "application/pdf"
ConsignmentPath = Annotated[
    str,
    PathParameter(pattern=r"^[A-Z0-9-]+$", max_length=40, description="A consignment's number."),
]
ConsignmentState = Annotated[
    Literal["draft", "sent", "closed", "cancelled"] | None,
    QueryParameter(name="state", description="Only those in this state."),
]
Days = Annotated[
    int | None,
    QueryParameter(ge=0, le=3_650, description="More days than this; the setting if left out."),
]
_BACK = Example(
    summary="Send 100 cards back to the parent",
    value={
        "kind": "return",
        "ranges": [{"first_serial": "42251010007001008", "last_serial": "42251010007001990"}],
        "reference": "back-17",
        "reason": "shop closes",
    },
)
_SCANNED = Example(
    summary="A carton and a pack arrived, one card of it torn",
    value={
        "reference": "scan-20250611-3",
        "scans": ["4225101000700", "42251010007010"],
        "damaged": ["42251010007001008"],
        "complete": True,
    },
)


class CancelBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the draft is given up."""

    reason: Reason


class SendPending(Struct, frozen=True):
    """Nothing has moved yet: a second person must agree."""

    approval_id: str


class Consignments(Struct, frozen=True):
    """A page of consignments, oldest first. `next_after` begins the next page, or is null."""

    consignments: list[ConsignmentShown]
    next_after: str | None


class Receipts(Struct, frozen=True):
    """All receipts of a consignment."""

    receipts: list[ReceiptShown]


class OverdueList(Struct, frozen=True):
    """What was on the way for too long, the oldest first."""

    overdue: list[OverdueShown]


@post(
    "/",
    status_code=200,
    guards=[staff()],
    sync_to_thread=True,
    summary="Draw up a consignment",
    operation_id="drawUpConsignment",
)
def draw_up(
    data: Annotated[DrawUpBody, Body(examples=[_BACK])], runtime: WithRuntime, actor: WithActor
) -> ConsignmentShown:
    """Set named ranges apart: a dispatch, transfer or return. The same reference gives the same."""
    made = consignments.draw_up(
        runtime.db,
        actor,
        data.kind,
        [(item.first_serial, item.last_serial) for item in data.ranges],
        data.reference,
        data.sender,
        data.receiver,
        data.reason,
    )
    return consignment_shown(made)


@get(
    "/",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="List consignments",
    operation_id="listConsignments",
)
def list_consignments(
    runtime: WithRuntime,
    actor: WithActor,
    in_state: ConsignmentState = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> Consignments:
    """Return the consignments from or to your party or one below."""
    with runtime.db.read() as session:
        found = consignments.list_consignments(session, actor, in_state, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Consignments([consignment_shown(item) for item in page], more)


@get(
    "/overdue",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="What is on the way for too long",
    operation_id="listOverdue",
)
def list_overdue(
    runtime: WithRuntime, actor: WithActor, days: Days = None, as_of: AsOf = None
) -> OverdueList:
    """Return the cards that were in transit for more than so many days, consigned or not."""
    wanted = None if as_of is None else parse_instant(as_of, runtime.settings.zone)
    limit = runtime.settings.in_transit_days if days is None else days
    with runtime.db.read() as session:
        found = in_transit_too_long(session, actor, limit, final(session.now, wanted))
    return OverdueList([overdue_shown(item) for item in found])


@get(
    "/{consignment_number:str}",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Read a consignment",
    operation_id="readConsignment",
)
def read_consignment(
    consignment_number: ConsignmentPath, runtime: WithRuntime, actor: WithActor
) -> ConsignmentShown:
    """Return a consignment that your party, or one below, is a side of."""
    with runtime.db.read() as session:
        return consignment_shown(consignments.read_consignment(session, actor, consignment_number))


@get(
    "/{consignment_number:str}/note",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Print a consignment note",
    operation_id="printConsignmentNote",
    media_type=PDF,
    responses={200: ResponseSpec(bytes, media_type=PDF, description="The note, A4")},
)
def print_note(
    consignment_number: ConsignmentPath, runtime: WithRuntime, actor: WithActor
) -> Response[bytes]:
    """Return the note as PDF, with the number and the ends of each range as barcodes."""
    with runtime.db.read() as session:
        item = consignments.read_consignment(session, actor, consignment_number)
        document = consignment_note(session, item)
    return pdf_response(render(document, runtime.settings.pdf_font), item.number)


@post(
    "/{consignment_number:str}/send",
    status_code=200,
    guards=[staff(), no_body],
    sync_to_thread=True,
    summary="Send a consignment",
    operation_id="sendConsignment",
    responses={
        200: ResponseSpec(ConsignmentShown, description="Sent"),
        202: ResponseSpec(SendPending, description="Asked; a second person must agree"),
    },
)
def send(
    consignment_number: ConsignmentPath, runtime: WithRuntime, actor: WithActor
) -> Response[Any]:
    """Send all ranges, or none; a transfer, and a return of active cards, needs a second person."""
    done = send_consignment(runtime.db, actor, consignment_number)
    if isinstance(done, PendingApproval):
        return Response(SendPending(str(done.approval_id)), status_code=202)
    return Response(consignment_shown(done), status_code=200)


@post(
    "/{consignment_number:str}/cancel",
    status_code=200,
    guards=[staff()],
    sync_to_thread=True,
    summary="Give up a draft",
    operation_id="cancelConsignment",
)
def cancel(
    consignment_number: ConsignmentPath,
    data: Annotated[CancelBody, Body(examples=[Example(value={"reason": "wrong shop"})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> ConsignmentShown:
    """Give the cards of a draft free again."""
    return consignment_shown(
        consignments.cancel_consignment(runtime.db, actor, consignment_number, data.reason)
    )


@post(
    "/{consignment_number:str}/receipts",
    status_code=200,
    guards=[staff(Permission.RECEIVE)],
    sync_to_thread=True,
    summary="Receive what was scanned",
    operation_id="receiveConsignment",
)
def receive(
    consignment_number: ConsignmentPath,
    data: Annotated[ReceiptBody, Body(examples=[_SCANNED])],
    runtime: WithRuntime,
    actor: WithActor,
) -> ReceiptShown:
    """Take scanned cards into stock; differences become claims. A reference counts once."""
    arrival = Arrival(
        reference=data.reference,
        scans=tuple(data.scans),
        damaged=tuple(data.damaged),
        complete=data.complete,
    )
    return receipt_shown(receive_consignment(runtime.db, actor, consignment_number, arrival))


@get(
    "/{consignment_number:str}/receipts",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="List the receipts of a consignment",
    operation_id="listReceipts",
)
def receipts(
    consignment_number: ConsignmentPath, runtime: WithRuntime, actor: WithActor
) -> Receipts:
    """Return what was scanned so far, and what became of it."""
    with runtime.db.read() as session:
        found = list_receipts(session, actor, consignment_number)
    return Receipts([receipt_shown(item) for item in found])


def pdf_response(content: bytes, number: str) -> Response[bytes]:
    """Return a document under its number."""
    headers = {"Content-Disposition": f'inline; filename="{number}.pdf"'}
    return Response(content, media_type=PDF, headers=headers)


router = Router(
    "/consignments",
    route_handlers=[
        draw_up,
        list_consignments,
        list_overdue,
        read_consignment,
        print_note,
        send,
        cancel,
        receive,
        receipts,
    ],
    tags=["consignments"],
)
