"""/channels/ussd: menus on telephones, as Africa's Talking and those who imitate it bring them."""

from asyncio import to_thread

from litestar import HttpMethod, Response, route

from api.forms import Fields, TooManyFields, read_fields, value_of
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
from core.errors import InvalidInput
from redemption.dialogue.call_records import USSD
from redemption.dialogue.calls import hang_up
from redemption.dialogue.ussd import answer_ussd
from redemption.dialogue.words import Prompt, prompt_text

PATH = "/channels/ussd"

_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD]
_SESSION = ("sessionId", "session_id", "sessionid")
_CALLER = ("phoneNumber", "msisdn", "mobile_number")
_TEXT = ("text", "ussd_string", "message")


def on_fault(_request: AnyRequest, error: Exception) -> Response[bytes]:
    """End the session with an apology; a card that was sent is not said to be unused."""
    log_fault(error, PATH)
    return _shown(prompt_text(Prompt("fault"), "zh"), end=True)


@route(
    [PATH, PATH + "/{key:str}"],
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def ussd(request: AnyRequest) -> Response[bytes]:
    """Show what comes next in a session; the same text again shows the same and has no effect."""
    refused = method_refused(request, runtime_of(request).settings)
    if refused is not None:
        return refused
    channel = await let_in(request, PATH)
    if isinstance(channel, Response):
        return channel
    try:
        fields = await _fields(request)
        reply = await to_thread(
            answer_ussd,
            runtime_of(request).dialogue,
            channel.name,
            _first(fields, _CALLER),
            _first(fields, _SESSION),
            _first(fields, _TEXT),
        )
    except (InvalidInput, TooManyFields):
        return empty(400)
    return _shown(reply.text, reply.end)


@route(
    [PATH + "/events", PATH + "/{key:str}/events"],
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def ussd_event(request: AnyRequest) -> Response[bytes]:
    """Take note that a session is over."""
    channel = await let_in(request, PATH + "/events")
    if isinstance(channel, Response):
        return channel
    try:
        session_id = _first(await _fields(request), _SESSION)
        await to_thread(hang_up, runtime_of(request).dialogue, channel.name, session_id, USSD)
    except (InvalidInput, TooManyFields):
        return empty(400)
    return empty(200)


async def _fields(request: AnyRequest) -> Fields:
    raw = await request.body() if request.method == "POST" else query_of(request)
    return read_fields(raw)


def _first(fields: Fields, names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := value_of(fields, name))), "")


def _shown(text: str, end: bool) -> Response[bytes]:
    content = ("END " if end else "CON ") + text
    return Response(content.encode(), status_code=200, media_type="text/plain")
