"""POST /channels/sms/plain: the gateways of texts in their plainest form."""

from typing import Annotated

from litestar import Router, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct

from api.fields import MessageText, Phone, Reference
from api.guards import WithChannel, WithRuntime, gateway
from redemption.dialogue.texts import answer_text

_TEXT = Example(
    summary="A card by text message",
    value={
        "from": "+8613800138000",
        "text": "CZ 4200001234 680419129695212192",
        "message_id": "msg-77120934",
    },
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


router = Router("/channels", route_handlers=[plain_sms], tags=["channels"])
