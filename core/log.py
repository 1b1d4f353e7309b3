"""Logging: one line per event to stderr, as text or JSON, with a last net for PINs."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.errors import ConfigurationError

PIN_MASK = "[pin]"

# A PIN is 18 digits, printed 6-6-6, and may stand joined to an account number of 10 or 13.
# Serial numbers (17), account and receipt numbers stay readable. A number that is not text is
# never a PIN.
_GAP = r"(?:%20|[\s\-_.,;:#*+/、，。；：·]){0,3}"
_PIN = re.compile(
    rf"\d{{18,}}|(?<!\d)(?:\d{{10}}|\d{{13}})?\d{{6}}{_GAP}\d{{6}}{_GAP}\d{{6}}(?!\d)"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NEVER = frozenset(
    {
        "authorization",
        "body",
        "cookie",
        "cookies",
        "form",
        "headers",
        "hmac_secret",
        "password",
        "path_params",
        "pin",
        "query",
        "query_string",
        "secret",
        "set-cookie",
        "token",
    }
)
_TOO_DEEP = 8
# Loggers of libraries that bring their own handlers.
_LIBRARIES = ("uvicorn", "uvicorn.error", "litestar", "sqlalchemy", "sqlalchemy.engine.Engine")


def configure(log_format: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logging of this process, the libraries' too, to stderr as "text" or "json".

    May be called again. Raises ConfigurationError for another format.
    """
    if log_format not in ("text", "json"):
        raise ConfigurationError("WANNENG_LOG_FORMAT must be text or json")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(log_format, shared))
    _take_over(handler, level)


def mask_text(text: str) -> str:
    """Return the text with every run of 18 or more digits, and every printed PIN, masked."""
    return _PIN.sub(PIN_MASK, text)


def mask_pins(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask PINs anywhere in the event's names and values, however nested."""
    return {mask_text(str(key)): _masked(value, 0) for key, value in event.items()}


def drop_request_parts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out bodies, headers, cookies and secrets, whoever passed them."""
    return {key: value for key, value in event.items() if str(key).lower() not in _NEVER}


def keep_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape line breaks and terminal codes in values, so that nobody can forge a line."""
    return {
        key: _CONTROL.sub(lambda sign: repr(sign[0])[1:-1], value)
        if isinstance(value, str) and key not in ("exception", "stack")
        else value
        for key, value in event.items()
    }


def _masked(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > _TOO_DEEP:
        return "..."
    if isinstance(value, Mapping):
        return {
            mask_text(str(key)): _masked(item, depth + 1)
            for key, item in value.items()
            if str(key).lower() not in _NEVER
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, depth + 1) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return mask_text(str(value))


def _formatter(log_format: str, shared: list[Processor]) -> logging.Formatter:
    renderer: Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            drop_request_parts,
            mask_pins,
            *([keep_one_line] if log_format == "text" else []),
            renderer,
        ],
    )


def _take_over(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(True)
