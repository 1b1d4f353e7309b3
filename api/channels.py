"""POST /channels/...: the gateways of texts and calls, in their plainest form."""

from typing import Annotated

from litestar import Router, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import Digits, MessageText, Phone, Reference
from api.guards import WithChannel, WithRuntime, gateway
from redemption.dialogue.call_records import CallReply
from redemption.dialogue.calls import MAX_TURN, answer_call
from redemption.dialogue.texts import answer_text

_TEXT = Example(
    summary="A card by text message",
    value={
        "from": "+8613800138000",
        "text": "CZ 4200001234 680419129695212192",
        "message_id": "msg-77120934",
    },
)
_CALL = Example(
    summary="A call begins",
    value={"from": "+8613800138000", "digits": None, "call_id": "call-5512", "turn": 1},
)
_PRESSED = Example(
    summary="2 for English",
    value={"from": "+8613800138000", "digits": "2", "call_id": "call-5512", "turn": 2},
)


class SmsBody(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"sender": "from"}
):
    """One text message, as often as the gateway delivers it under its id."""

    sender: Phone
    text: MessageText
    message_id: Reference

    def __repr__(self) -> str:
        return "SmsBody(hidden)"


class IvrBody(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"caller": "from"}
):
    """One turn of a call: the keys pressed since the turn before, none on the first."""

    caller: Phone
    digits: Digits | None = None
    call_id: Reference
    turn: Annotated[int, Meta(ge=1, le=MAX_TURN)]

    def __repr__(self) -> str:
        return "IvrBody(hidden)"


class SmsReply(Struct, frozen=True):
    """What to text back; empty: nothing."""

    reply: str


@post(
    "/sms/plain",
    status_code=200,
    guards=[gateway],
    sync_to_thread=True,
    summary="A text message",
    operation_id="plainSms",
)
def plain_sms(
    data: Annotated[SmsBody, Body(examples=[_TEXT])], runtime: WithRuntime, channel: WithChannel
) -> SmsReply:
    """Carry out a text command and return the reply, which fits one message.

    Delivered again under the same message_id it has no second effect.
    """
    reply = answer_text(runtime.dialogue, channel.name, data.sender, data.text, data.message_id)
    return SmsReply(reply.text)


@post(
    "/ivr/plain",
    status_code=200,
    guards=[gateway],
    sync_to_thread=True,
    summary="A turn of a phone call",
    operation_id="plainIvr",
)
def plain_ivr(
    data: Annotated[IvrBody, Body(examples=[_CALL, _PRESSED])],
    runtime: WithRuntime,
    channel: WithChannel,
) -> CallReply:
    """Carry out one turn of a call and return what to say and to collect next.

    Turn 1 begins the call; the same turn again has the same reply and no second effect.
    """
    return answer_call(
        runtime.dialogue, channel.name, data.caller, data.digits or "", data.call_id, data.turn
    )


router = Router("/channels", route_handlers=[plain_sms, plain_ivr], tags=["channels"])
