"""The door of the TwiML adapters: who may come in, and how trouble is told to a provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from api.forms import Fields, TooManyFields, read_fields
from api.guards import runtime_of
from api.handlers import HANDLERS
from api.runtime import Runtime
from api.twiml import MEDIA_TYPE, is_signed
from core.settings import Settings

AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[bytes]]
Answerer = Callable[[Runtime, AnyRequest, Fields], Awaitable[Response[bytes]]]

_log = structlog.get_logger("wanneng.gateways")


def empty(status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return a response without a body."""
    return Response(b"", status_code=status, headers=headers or {}, media_type="text/plain")


def markup(content: bytes) -> Response[bytes]:
    """Return a TwiML document."""
    return Response(content, status_code=200, media_type=MEDIA_TYPE)


def method_refused(request: AnyRequest, settings: Settings) -> Response[bytes] | None:
    """Return the answer to HEAD, and to GET where keys and texts may not stand in addresses."""
    if request.method == "HEAD":
        return empty(200)
    if request.method == "GET" and settings.gateway_get != "on":
        return empty(405, {"Allow": "POST, HEAD"})
    return None


def query_of(request: AnyRequest) -> bytes:
    """Return the query of the address as it came."""
    return bytes(request.scope["query_string"])


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


def manners(on_fault: Handler) -> dict[int | type[Exception], Handler]:
    """Return the exception handlers of a gateway's calls: the application's own say other things.

    `on_fault` tells whatever goes wrong once the gateway was let in.
    """
    return dict.fromkeys(HANDLERS, on_fault) | {
        HTTPException: on_http_error,
        ValidationException: on_http_error,
    }


def on_http_error(_request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Tell an error that the framework found, by its status alone."""
    return empty(error.status_code if error.status_code < 500 else 503)


def log_fault(error: BaseException, where: str) -> None:
    """Write down where something went wrong, never what was sent."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = "" if last is None else f"{last.tb_frame.f_code.co_name}:{last.tb_lineno}"
    _log.error("gateway_fault", route=where, error=type(error).__name__, place=place)


def swallow(task: "asyncio.Future[Any]") -> None:
    """Take note of how a task ended that nobody waits for any more."""
    if not task.cancelled() and task.exception() is not None:
        log_fault(task.exception() or Exception(), "left behind")
