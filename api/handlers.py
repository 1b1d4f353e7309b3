"""Every exception ends here, and goes out as a problem: never a trace, never what was sent."""

import traceback
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, LitestarException, ValidationException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.errors import PROBLEM_JSON, Flaw, InputRefused, Problem, expected, problem, status_of
from core.errors import ConfigurationError, DomainError
from core.log import mask_text

RETRY_AFTER_S = 1

_CODE_OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type_unsupported",
    422: "invalid_input",
}
_log = structlog.get_logger("wanneng.api")
_OUR_FAULT = "The server has a fault of its own; its log says more. Please tell the operator."
_DETAILS = {
    "internal": _OUR_FAULT,
    "body_malformed": "The call needs a body: JSON in UTF-8.",
    "idempotency_key_invalid": (
        "Send the header Idempotency-Key: your own reference, 1 to 128 printable ASCII characters."
    ),
    "body_too_large": "The body is larger than this server accepts.",
    "database_unavailable": (
        "The database did not answer. Look whether it happened before you send it again; "
        "a redemption may always be sent again under its key."
    ),
    "invalid_input": "A part of the request is not of the form that is asked for.",
    "media_type_unsupported": "Send the body as application/json.",
    "method_not_allowed": "The address does not know this method; the header Allow says which.",
    "not_found": "There is nothing at this address.",
    "request_refused": "The request cannot be understood.",
}


def problem_response(body: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return the response that carries a problem."""
    return Response(
        msgspec.json.encode(body),
        status_code=body.status,
        media_type=PROBLEM_JSON,
        headers=headers or {},
    )


def on_domain_error(_request: Request[Any, Any, Any], error: DomainError) -> Response[bytes]:
    """Tell a domain error; one of the configuration is logged, its text may name files of ours."""
    status = status_of(error.code)
    if isinstance(error, ConfigurationError):
        _log.error("configuration_wrong", reason=error.message)
        return problem_response(problem(error.code, _OUR_FAULT))
    more: dict[str, Any] = {}
    if isinstance(error, InputRefused):
        more["errors"] = error.flaws
    if error.details:
        more["details"] = {name: _plain(value) for name, value in error.details.items()}
    return problem_response(problem(error.code, error.message, **more), _headers(error, status))


def on_wrong_parameter(
    _request: Request[Any, Any, Any], error: ValidationException
) -> Response[bytes]:
    """Tell which part of the address or header is wrong, and how; never what was sent."""
    found = error.extra if isinstance(error.extra, list) else []
    places = [(str(item.get("source", "")), str(item.get("key", ""))) for item in found]
    if any(key == "data" for _, key in places):
        return _told("body_malformed")
    missing_header = not found and "header parameter" in error.detail
    if missing_header or any(key == "idempotency_key" for _, key in places):
        return problem_response(
            problem("idempotency_key_invalid", _DETAILS["idempotency_key_invalid"])
        )
    flaws = [
        Flaw(f"{source} {key}".strip(), expected(str(item.get("message", ""))))
        for (source, key), item in zip(places, found, strict=True)
    ]
    return problem_response(problem("invalid_input", _DETAILS["invalid_input"], errors=flaws))


def on_http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Tell an error that the framework found, in our words: its own may repeat the input."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(_request, error)
    code = _CODE_OF_STATUS.get(error.status_code, "request_refused")
    headers = {name: value for name, value in (error.headers or {}).items() if name == "allow"}
    return _told(code, headers)


def on_database_trouble(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Tell that the database did not answer; what was sent may or may not have happened."""
    _log.error("database_unavailable", error=type(error).__name__)
    return _told("database_unavailable", {"Retry-After": str(RETRY_AFTER_S)})


def on_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Log where it happened, never the error's text nor any value; tell nothing of it."""
    places = [
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]
    _log.error("unexpected_error", error=type(error).__name__, places=places)
    return _told("internal")


def _told(code: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    return problem_response(problem(code, _DETAILS[code]), headers)


def _headers(error: DomainError, status: int) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="wanneng"'}
    if "retry_after_s" in error.details:
        return {"Retry-After": str(int(error.details["retry_after_s"]))}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < 10**17:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return mask_text(str(value))


DATABASE_AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeout)
"""What is raised where the database does not answer."""

HANDLERS: dict[int | type[Exception], Any] = {
    DomainError: on_domain_error,
    ValidationException: on_wrong_parameter,
    HTTPException: on_http_error,
    LitestarException: on_unexpected,
    **dict.fromkeys(DATABASE_AWAY, on_database_trouble),
    Exception: on_unexpected,
}
"""For the application: every exception ends in a problem."""
