"""/channels/sms/twiml: text messages of providers that speak TwiML."""

import asyncio

from litestar import HttpMethod, Response, route

from api.forms import Fields, value_of
from api.guards import runtime_of
from api.runtime import Runtime
from api.twiml import message_document
from api.twiml_gate import AnyRequest, empty, log_fault, manners, markup, signed
from core.errors import InvalidInput
from redemption.dialogue.texts import answer_text, fault_text

PATH = "/channels/sms/twiml"
GATEWAY = "twiml"


def on_fault(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Tell that there is a fault; a card that was sent is not said to be unused."""
    log_fault(error, PATH)
    return markup(message_document(fault_text(runtime_of(request).settings)))


@route(
    PATH,
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD],
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def twiml_sms(request: AnyRequest) -> Response[bytes]:
    """Carry out one text message; the same MessageSid again has no second effect."""
    return await signed(request, PATH, _answer)


async def _answer(runtime: Runtime, _request: AnyRequest, fields: Fields) -> Response[bytes]:
    name, sender, text = (value_of(fields, name) for name in ("MessageSid", "From", "Body"))
    message_id = name or value_of(fields, "SmsSid")
    ours = (value_of(fields, "To"),)
    try:
        reply = await asyncio.to_thread(
            answer_text, runtime.dialogue, GATEWAY, sender, text, message_id, ours
        )
    except InvalidInput:
        return empty(400)
    return markup(message_document(reply.text))
