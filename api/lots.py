"""POST /api/v1/lots/{move}: moving ranges of cards.

A move is a compare-and-set on where the cards are: sent a second time it finds them moved and is
refused with `wrong_stage` or the like. So it needs no Idempotency-Key, and moves nothing twice.
"""

from typing import Annotated, Any

from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import Document, PartyCode, Reason, SerialText
from api.guards import WithActor, WithRuntime, staff
from api.parameters import MovePath
from distribution.moves import Moved, PendingApproval, request_move
from distribution.requests import MoveRequest

MAX_SPOILT = 10_000

_DISPATCH = Example(
    summary="Dispatch 100 cards to an outlet",
    value={
        "first_serial": "42251010007001008",
        "last_serial": "42251010007002006",
        "to": "WH-OUTLET-1",
        "document": "DN-2025-0611",
    },
)


class MoveBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The cards from one serial number to another, both included, within one batch.

    `to`: the receiving party (dispatch); `holder`: who must hold them now; `spoilt`: serial numbers
    the printer spoilt (take_into_stock); `hold`: suspended, stolen, lost or damaged (hold);
    `reason`: needed for hold, release and void.
    """

    first_serial: SerialText
    last_serial: SerialText
    to: PartyCode | None = None
    holder: PartyCode | None = None
    spoilt: Annotated[list[SerialText], Meta(max_length=MAX_SPOILT)] = []
    document: Document | None = None
    reason: Reason | None = None
    hold: Annotated[str, Meta(max_length=20, examples=["stolen"])] | None = None


class CardsMoved(Struct, frozen=True):
    """How many cards moved, and the movements that tell of it."""

    cards: int
    movement_ids: list[str]


class MovePending(Struct, frozen=True):
    """Nothing has moved yet: a second person must agree."""

    approval_id: str


@post(
    "/{move:str}",
    status_code=200,
    guards=[staff()],
    sync_to_thread=True,
    summary="Move cards",
    operation_id="moveCards",
    responses={
        200: ResponseSpec(CardsMoved, description="Moved"),
        202: ResponseSpec(MovePending, description="Asked; a second person must agree"),
    },
)
def move_cards(
    move: MovePath,
    data: Annotated[MoveBody, Body(examples=[_DISPATCH])],
    runtime: WithRuntime,
    actor: WithActor,
) -> Response[Any]:
    """Move cards, all of the range or none.

    The moves: take_into_stock, dispatch, receive, activate, deactivate, return, hold, release,
    void. Which role may make which, and what must be true, is told by the code of a refusal. It
    needs no Idempotency-Key: sent again it finds the cards moved, is refused, and moves nothing.
    """
    asked = MoveRequest(
        move=move,
        first_serial=data.first_serial,
        last_serial=data.last_serial,
        to=data.to,
        holder=data.holder,
        spoilt=tuple(data.spoilt),
        document=data.document,
        reason=data.reason,
        hold=data.hold,
    )
    done = request_move(runtime.db, actor, asked)
    if isinstance(done, PendingApproval):
        return Response(MovePending(str(done.approval_id)), status_code=202)
    return Response(_moved(done), status_code=200)


def _moved(done: Moved) -> CardsMoved:
    return CardsMoved(done.cards, [str(movement_id) for movement_id in done.movement_ids])


router = Router("/lots", route_handlers=[move_cards], tags=["lots"])
