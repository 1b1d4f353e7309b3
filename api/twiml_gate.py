"""The door of the TwiML adapters: only what a provider signed comes in."""

from collections.abc import Awaitable, Callable

import structlog
from litestar import Response

from api.forms import Fields, TooManyFields, read_fields
from api.gateway_manners import AnyRequest, empty, method_refused, query_of
from api.guards import runtime_of
from api.runtime import Runtime
from api.twiml import MEDIA_TYPE, is_signed
from core.settings import Settings

Answerer = Callable[[Runtime, AnyRequest, Fields], Awaitable[Response[bytes]]]

DEADLINE_S = 9
"""A provider gives up after 15 s; a caller before."""

_log = structlog.get_logger("wanneng.gateways")


def markup(content: bytes) -> Response[bytes]:
    """Return a TwiML document."""
    return Response(content, status_code=200, media_type=MEDIA_TYPE)


def signed_url(request: AnyRequest, settings: Settings, path: str) -> str:
    """Return the address as the provider called it: ours in public, whatever a proxy made of it."""
    query = query_of(request).decode("latin-1")
    return settings.public_url.rstrip("/") + path + (f"?{query}" if query else "")


async def signed(request: AnyRequest, path: str, answer: Answerer) -> Response[bytes]:
    """Answer a request that its provider signed; any other gets 403 and nothing happens."""
    runtime = runtime_of(request)
    refused = method_refused(request, runtime.settings)
    if refused is not None:
        return refused
    try:
        form = read_fields(await request.body()) if request.method == "POST" else ()
    except TooManyFields:
        return empty(403)
    fits = is_signed(
        runtime.settings.tokens,
        signed_url(request, runtime.settings, path),
        form,
        request.headers.get("x-twilio-signature", ""),
        request.headers.get("x-twilio-webhooks-signature-settings", ""),
    )
    if not fits:
        _log.warning("signature_refused", route=path)
        return empty(403)
    return await answer(runtime, request, form or read_fields(query_of(request)))
