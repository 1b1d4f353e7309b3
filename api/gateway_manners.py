"""How the adapters of gateways answer what is not a message: refusals, faults, other methods."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from api.handlers import HANDLERS
from core.settings import Settings

AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[bytes]]

_log = structlog.get_logger("wanneng.gateways")


def empty(status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return a response without a body."""
    return Response(b"", status_code=status, headers=headers or {}, media_type="text/plain")


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
