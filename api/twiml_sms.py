"""/channels/sms/twiml: text messages of providers that speak TwiML."""

import asyncio
import re
from functools import partial

from litestar import HttpMethod, Response, route

from api.forms import Fields, read_fields, value_of
from api.gateway_manners import AnyRequest, empty, log_fault, manners, query_of
from api.guards import runtime_of
from api.kannel import on_report_fault, report
from api.runtime import Runtime
from api.twiml import message_document
from api.twiml_gate import DEADLINE_S, markup, signed
from core.errors import InvalidInput
from redemption.dialogue.texter import TextReply
from redemption.dialogue.texts import answer_text, fault_text, pending_text
from redemption.late_answers import text_late_reply

PATH = "/channels/sms/twiml"
REPORT_PATH = PATH + "/status"
GATEWAY = "twiml"

_MESSAGE_ID = re.compile(r"[0-9]{1,18}")
_DELIVERIES = {
    "accepted": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "buffered",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
}


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


@route(
    REPORT_PATH,
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD],
    include_in_schema=False,
    exception_handlers=manners(on_report_fault),
)
async def twiml_report(request: AnyRequest) -> Response[bytes]:
    """Take a delivery report on a message that we sent."""
    return await signed(request, REPORT_PATH, _note_report)


async def _note_report(runtime: Runtime, request: AnyRequest, fields: Fields) -> Response[bytes]:
    message_id = value_of(read_fields(query_of(request)), "id")
    delivery = _DELIVERIES.get(value_of(fields, "MessageStatus"))
    if delivery is not None and _MESSAGE_ID.fullmatch(message_id) is not None:
        await asyncio.to_thread(report, runtime, int(message_id), delivery)
    return empty(204)


async def _answer(runtime: Runtime, _request: AnyRequest, fields: Fields) -> Response[bytes]:
    name, sender, text = (value_of(fields, name) for name in ("MessageSid", "From", "Body"))
    message_id = name or value_of(fields, "SmsSid")
    ours = (value_of(fields, "To"),)
    answering = asyncio.ensure_future(
        asyncio.to_thread(answer_text, runtime.dialogue, GATEWAY, sender, text, message_id, ours)
    )
    done, _ = await asyncio.wait({answering}, timeout=DEADLINE_S)
    if not done:
        text_late = partial(_text_late, runtime, sender, message_id)
        answering.add_done_callback(
            lambda late: runtime.loop.run_in_executor(None, text_late, late)
        )
        return markup(message_document(pending_text(runtime.settings, sender, text, ours)))
    try:
        reply = answering.result()
    except InvalidInput:
        return empty(400)
    return markup(message_document(reply.text))


def _text_late(
    runtime: Runtime, sender: str, message_id: str, answered: "asyncio.Future[TextReply]"
) -> None:
    """Text what became of a message whose provider was not kept waiting for it."""
    try:
        text = answered.result().text
    except Exception as error:
        log_fault(error, PATH)
        text = fault_text(runtime.settings)
    text_late_reply(runtime.db, GATEWAY, sender, message_id, text)
