"""POST and GET /api/v1/redemptions: partners and staff redeem cards and read receipts."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET, UnsetType

from api.errors import PROBLEM_JSON
from api.guards import WithRuntime, WithSender, partner_or_staff, runtime_of, sender_of
from api.parameters import IdempotencyKey, ReceiptPath
from api.redeeming import PARTNER_CHANNEL, BulkBody, RedeemBody, request_of
from api.refusals import (
    BulkAnswers,
    Receipt,
    Refusal,
    Rendered,
    bulk_answers,
    receipt,
    render,
)
from core.errors import NotFound
from redemption.queries import stored_receipt
from redemption.senders import Partner
from staff.permissions import Permission

_ONE = Example(
    summary="A card for a customer's account",
    value={
        "pin": "680419 129695 212192",
        "account_number": "4200001234",
        "caller": "customer-81723",
    },
)
_MANY = Example(
    summary="Two cards",
    value={
        "items": [
            {"key": "a-1", "pin": "680419129695212192", "account_number": "4200001234"},
            {"key": "a-2", "pin": "680419 129695 212192", "account_number": "4200001234"},
        ]
    },
)


class ReceiptView(Receipt, frozen=True, kw_only=True):
    """A receipt read again; staff also see through whom and for which account it came."""

    account_number: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    caller: str | UnsetType = UNSET


def _refused(description: str) -> ResponseSpec:
    return ResponseSpec(Refusal, media_type=PROBLEM_JSON, description=description)


@post(
    "/",
    guards=[partner_or_staff(Permission.REDEEM)],
    summary="Redeem a card",
    operation_id="redeem",
    response_description="Redeemed now",
    responses={
        200: ResponseSpec(Receipt, description="Redeemed before, by this very request"),
        409: _refused("What becomes of the card or the key: used, on hold, void, other content"),
        422: _refused("What is named wrongly: PIN, account"),
        429: _refused("Too many wrong PINs"),
        503: _refused("Nothing happened, send the same again"),
    },
)
async def redeem(
    data: Annotated[RedeemBody, Body(examples=[_ONE])],
    idempotency_key: IdempotencyKey,
    request: Request[Any, Any, Any],
) -> Response[Receipt]:
    """Turn a card's whole value into credit of an electricity account, exactly once.

    201 with the receipt; 200 with the same body when the same request comes again under its key.
    A refusal is an answer too and comes again as it was. After `try_later` (503) or no answer at
    all send the same request with the same key: it has one effect, whatever happened.
    """
    # Not as dependencies: for two of them the framework starts a group of tasks.
    runtime, sender = runtime_of(request), sender_of(request)
    outcome = await runtime.redeem(request_of(sender, idempotency_key, data))
    return _response(render(outcome, runtime.db.clock()))


@post(
    "/bulk",
    status_code=200,
    guards=[partner_or_staff(Permission.REDEEM)],
    summary="Redeem up to 100 cards",
    operation_id="redeemBulk",
    responses={503: _refused("Nothing happened, send the same again")},
)
async def redeem_bulk(
    data: Annotated[BulkBody, Body(examples=[_MANY])], request: Request[Any, Any, Any]
) -> BulkAnswers:
    """Redeem several cards, each under its own key and independent of the others.

    The answers come in the order of the items. Items are not replayed as a whole: send all of
    them again, each key has one effect. After `try_later` (503) for the whole, too.
    """
    runtime, sender = runtime_of(request), sender_of(request)
    requests = [request_of(sender, item.key, item) for item in data.items]
    return bulk_answers(requests, await runtime.redeem_all(requests))


@get(
    "/{receipt_number:str}",
    guards=[partner_or_staff(Permission.VIEW_REDEMPTIONS)],
    sync_to_thread=True,
    summary="Read a receipt",
    operation_id="readReceipt",
)
def read_receipt(
    receipt_number: ReceiptPath, runtime: WithRuntime, sender: WithSender
) -> ReceiptView:
    """Return a receipt again. A partner sees only its own; to it the others do not exist."""
    with runtime.db.read() as session:
        found = stored_receipt(session, receipt_number)
    shown = receipt(found.answer)
    facts = {name: getattr(shown, name) for name in Receipt.__struct_fields__}
    if isinstance(sender, Partner):
        if (found.channel, found.sender) != (PARTNER_CHANNEL, sender.name):
            raise NotFound("there is no receipt of this number")
        return ReceiptView(**facts)
    return ReceiptView(
        **facts,
        account_number=found.account_number,
        channel=found.channel,
        sender=found.sender,
        caller=found.caller,
    )


def _response(rendered: Rendered) -> Response[Receipt]:
    return Response(
        rendered.body,  # type: ignore[arg-type]  # bytes go out as they are
        status_code=rendered.status,
        media_type=rendered.media_type,
        headers=rendered.headers,
    )


router = Router(
    "/redemptions", route_handlers=[redeem, redeem_bulk, read_receipt], tags=["redemptions"]
)
