"""/channels/sms/kannel: text messages of a Kannel, and its reports on those we sent.

What a Kannel gets as 200 it texts back; anything else it may send again, and in the end it tells
the sender that it could not ask us. So whatever goes wrong once it was let in is told as a text.
"""

import re
from asyncio import to_thread

from litestar import HttpMethod, Response, route

from api.forms import TooManyFields, read_fields, value_of
from api.gateway_door import let_in
from api.gateway_manners import (
    AnyRequest,
    empty,
    log_fault,
    manners,
    method_refused,
    query_of,
)
from api.guards import runtime_of
from api.runtime import Runtime
from core.errors import InvalidInput
from core.gateways.gsm import is_gsm
from core.outbox import record_report
from redemption.dialogue.texts import answer_text, fault_text
from redemption.senders import Channel

PATH = "/channels/sms/kannel"
REPORT_PATH = PATH + "/dlr"

_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD]
_CHARSET = re.compile(r'charset\s*=\s*"?([A-Za-z0-9_\-]{1,30})', re.ASCII)
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-16be": "utf-16-be",
    "utf-16": "utf-16",
    "iso-10646-ucs-2": "utf-16-be",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
}
_UCS_2 = "2"
# Of several bits the furthest counts.
_DELIVERIES = ((1, "delivered"), (2 | 16, "failed"), (4, "buffered"), (8, "accepted"))
_MESSAGE_ID = re.compile(r"[0-9]{1,18}")
_BITS = re.compile(r"[0-9]{1,3}")


def on_fault(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Tell of a fault as a text; a card that was sent is not said to be unused."""
    log_fault(error, PATH)
    return _text_back(fault_text(runtime_of(request).settings))


def on_report_fault(_request: AnyRequest, error: Exception) -> Response[bytes]:
    """Ask for the report again later."""
    log_fault(error, REPORT_PATH)
    return empty(503)


@route(
    [PATH, PATH + "/{key:str}"],
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def kannel_sms(request: AnyRequest) -> Response[bytes]:
    """Carry out one text message; the same message id again has no second effect."""
    runtime = runtime_of(request)
    refused = method_refused(request, runtime.settings)
    if refused is not None:
        return refused
    channel = await let_in(request, PATH)
    if isinstance(channel, Response):
        return channel
    try:
        query = read_fields(query_of(request), "latin-1")
    except TooManyFields:
        return empty(400)
    if request.method == "POST":
        sender, to = (request.headers.get(f"x-kannel-{name}", "") for name in ("from", "to"))
        text = _decoded(
            await request.body(),
            request.headers.get("content-type", ""),
            request.headers.get("x-kannel-coding", ""),
        )
    else:
        sender, to = value_of(query, "from"), value_of(query, "to")
        raw = value_of(query, "text").encode("latin-1", "replace")
        charset = f"charset={value_of(query, 'charset')}"
        text = _decoded(raw, charset, value_of(query, "coding"))
    return await _carried_out(runtime, channel, sender, to, text, value_of(query, "id"))


@route(
    [REPORT_PATH, PATH + "/{key:str}/dlr"],
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_report_fault),
)
async def kannel_report(request: AnyRequest) -> Response[bytes]:
    """Take a delivery report on a message that we sent; they come twice and in any order."""
    channel = await let_in(request, REPORT_PATH)
    if isinstance(channel, Response):
        return channel
    try:
        fields = read_fields(query_of(request))
    except TooManyFields:
        return empty(400)
    message_id, bits = value_of(fields, "id"), value_of(fields, "d")
    if _MESSAGE_ID.fullmatch(message_id) is None or _BITS.fullmatch(bits) is None:
        return empty(400)
    delivery = delivery_of(int(bits))
    if delivery is not None:
        await to_thread(report, runtime_of(request), int(message_id), delivery)
    return empty(200)


def report(runtime: Runtime, message_id: int, delivery: str) -> None:
    """Store a delivery report; one on a message that is not ours changes nothing."""
    runtime.db.transact(lambda session: record_report(session, message_id, delivery))


def delivery_of(bits: int) -> str | None:
    """Return what a report's bits say of a message; None where nothing that we know. Pure."""
    return next((delivery for mask, delivery in _DELIVERIES if bits & mask), None)


async def _carried_out(
    runtime: Runtime, channel: Channel, sender: str, to: str, text: str, message_id: str
) -> Response[bytes]:
    try:
        reply = await to_thread(
            answer_text, runtime.dialogue, channel.name, sender, text, message_id, (to,)
        )
    except InvalidInput:
        return empty(400)
    return _text_back(reply.text)


def _decoded(raw: bytes, content_type: str, coding: str) -> str:
    """Return the text; what cannot be read stands as U+FFFD and is no command."""
    named = _CHARSET.search(content_type)
    usual = "utf-16-be" if coding == _UCS_2 and named is None else "utf-8"
    charset = usual if named is None else _CHARSETS.get(named[1].lower(), usual)
    return raw.decode(charset, "replace")


def _text_back(text: str) -> Response[bytes]:
    # Without this header all but the GSM alphabet goes out as question marks.
    headers = {} if is_gsm(text) else {"X-Kannel-Coding": _UCS_2}
    return Response(text.encode(), status_code=200, headers=headers, media_type="text/plain")
