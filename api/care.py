"""/api/v1/vouchers/{serial_number}/…: customer service proves, replaces, extends cards.

What a second person must agree to is answered with 202 and the approval's id; nothing has happened
yet. An extension sent again is refused, since the card is no longer expired.
"""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import AccountNumber, Reason, SerialText
from api.guards import WithActor, WithRuntime, staff
from api.parameters import ReceiptPath, SerialPath
from audit.timeline import look_at_timeline
from redemption.counter import request_proven_redemption
from redemption.reissue import request_reissue
from redemption.reversal import request_reversal
from staff.permissions import Permission
from vouchers.card_proof import prove_card
from vouchers.readable import Readable
from vouchers.replacement import extend, request_replacement
from vouchers.serials import parse_serial

_SERIAL = "42251010007001016"
ReadablePin = Annotated[
    str,
    Meta(
        max_length=64,
        description="The 18 places of the PIN as printed, ? where a digit cannot be read; at most "
        "6 may be missing.",
        examples=["680419 1296?? 21????"],
    ),
]
Ground = Annotated[str, Meta(pattern=r"^(expired|damaged|lost)$(?!\n)", examples=["lost"])]


class ProofBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What can still be read of the PIN."""

    readable_pin: ReadablePin

    def __repr__(self) -> str:
        return "ProofBody(hidden)"


class ProofShown(Struct, frozen=True):
    """Whether the digits are the card's, and how many of its five tries are left."""

    proven: bool
    tries_left: int


class ProvenRedemptionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """To which account the value of a proven card shall go."""

    account_number: AccountNumber
    reason: Reason


class ReplacementBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The card in stock that shall stand for this one. `ground`: expired, damaged or lost."""

    new_serial_number: SerialText
    ground: Ground
    reason: Reason


class ReissueBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The card in stock that shall be handed out for the reversed redemption of this one."""

    new_serial_number: SerialText
    reason: Reason


class ExtensionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The last day on which the expired card shall be good, at most three years on."""

    expires_on: date
    reason: Reason


class Extended(Struct, frozen=True):
    """A card and its new last day."""

    serial_number: str
    expires_on: date


class TakeBackBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a redemption shall be taken back."""

    reason: Reason


class CarePending(Struct, frozen=True):
    """Nothing has happened yet: a second person must agree."""

    approval_id: str


class HappeningShown(Struct, frozen=True):
    """One thing that happened to the card; `by` is the member who did it, if one did."""

    at: datetime
    event: str
    by: str | None
    detail: dict[str, Any]


class TimelineShown(Struct, frozen=True):
    """A card's whole life, oldest first."""

    serial_number: str
    happenings: list[HappeningShown]


@get(
    "/{serial_number:str}/timeline",
    guards=[staff(Permission.VIEW_VOUCHERS)],
    sync_to_thread=True,
    summary="Read a card's timeline",
    operation_id="readTimeline",
)
def read_timeline(
    serial_number: SerialPath, runtime: WithRuntime, actor: WithActor
) -> TimelineShown:
    """Return everything that happened to a card, and by whom; that you looked is on record."""
    serial = parse_serial(serial_number)
    found = runtime.db.transact(lambda session: look_at_timeline(session, actor, serial))
    shown = [
        HappeningShown(
            each.at,
            each.event,
            each.by,
            {name: value for name, value in each.detail.items() if value is not None},
        )
        for each in found
    ]
    return TimelineShown(serial_number, shown)


@post(
    "/{serial_number:str}/proofs",
    status_code=200,
    guards=[staff(Permission.PROVE_CARD)],
    sync_to_thread=True,
    summary="Prove a damaged card",
    operation_id="proveCard",
)
def prove(
    serial_number: SerialPath,
    data: Annotated[
        ProofBody, Body(examples=[Example(value={"readable_pin": "680419 1296?? 21????"})])
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> ProofShown:
    """Try the readable digits against the card. The PIN is shown to nobody; five tries a card.

    On `try_later` nothing was counted.
    """
    readable = Readable.parse(data.readable_pin)
    done = prove_card(runtime.db, runtime.keys, runtime.argon, actor, serial_number, readable)
    return ProofShown(done.proven, done.tries_left)


@post(
    "/{serial_number:str}/redemption",
    status_code=202,
    guards=[staff(Permission.PROVE_CARD)],
    sync_to_thread=True,
    summary="Redeem a proven card",
    operation_id="redeemProven",
)
def redeem_proven(
    serial_number: SerialPath,
    data: Annotated[
        ProvenRedemptionBody,
        Body(examples=[Example(value={"account_number": "4200001234", "reason": "torn"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> CarePending:
    """Ask a second person to redeem a card that you proved, for its holder's account."""
    asked = request_proven_redemption(
        runtime.db, actor, serial_number, data.account_number, data.reason
    )
    return CarePending(str(asked))


@post(
    "/{serial_number:str}/replacement",
    status_code=202,
    guards=[staff(Permission.REPLACE_CARD)],
    sync_to_thread=True,
    summary="Replace a card",
    operation_id="replaceCard",
)
def replace(
    serial_number: SerialPath,
    data: Annotated[
        ReplacementBody,
        Body(
            examples=[
                Example(
                    value={
                        "new_serial_number": _SERIAL,
                        "ground": "lost",
                        "reason": "told by phone",
                    }
                )
            ]
        ),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> CarePending:
    """Ask a second person to let a card in stock stand for this one, of the same value."""
    asked = request_replacement(
        runtime.db, actor, serial_number, data.new_serial_number, data.ground, data.reason
    )
    return CarePending(str(asked))


@post(
    "/{serial_number:str}/reissue",
    status_code=202,
    guards=[staff(Permission.REPLACE_CARD)],
    sync_to_thread=True,
    summary="Hand out a card for a reversed redemption",
    operation_id="reissueCard",
)
def reissue(
    serial_number: SerialPath,
    data: Annotated[
        ReissueBody,
        Body(examples=[Example(value={"new_serial_number": _SERIAL, "reason": "wrong account"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> CarePending:
    """Ask a second person to hand out a card in stock for the reversed redemption of this one."""
    asked = request_reissue(runtime.db, actor, serial_number, data.new_serial_number, data.reason)
    return CarePending(str(asked))


@post(
    "/{serial_number:str}/extension",
    status_code=200,
    guards=[staff(Permission.REPLACE_CARD)],
    sync_to_thread=True,
    summary="Extend an expired card",
    operation_id="extendCard",
)
def extend_card(
    serial_number: SerialPath,
    data: Annotated[
        ExtensionBody,
        Body(examples=[Example(value={"expires_on": "2029-12-31", "reason": "forgotten"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> Extended:
    """Let an expired card be redeemed until another day."""
    extend(runtime.db, actor, serial_number, data.expires_on, data.reason)
    return Extended(serial_number, data.expires_on)


@post(
    "/{receipt_number:str}/reversal",
    status_code=202,
    guards=[staff(Permission.REVERSE_REDEMPTION)],
    sync_to_thread=True,
    summary="Take a redemption back",
    operation_id="reverseRedemption",
)
def reverse(
    receipt_number: ReceiptPath,
    data: Annotated[TakeBackBody, Body(examples=[Example(value={"reason": "wrong account"})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> CarePending:
    """Ask a second person to take a redemption back; the card stays used.

    The bills that it settled are open again, its value waits in suspense. Refused where the money
    is no longer on the account.
    """
    return CarePending(str(request_reversal(runtime.db, actor, receipt_number, data.reason)))


router = Router(
    "/vouchers",
    route_handlers=[
        read_timeline,
        prove,
        redeem_proven,
        replace,
        reissue,
        extend_card,
    ],
    tags=["customer service"],
)
reversals = Router("/redemptions", route_handlers=[reverse], tags=["customer service"])
