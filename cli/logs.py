"""What lower floors log while a command runs: warnings, one line each on stderr."""

import logging

from core import log


def quiet() -> None:
    """Show warnings and errors only, without tracebacks; nothing of it goes to stdout."""
    log.configure("text", logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    if isinstance(record.msg, dict):
        record.msg.pop("exc_info", None)
    return True
