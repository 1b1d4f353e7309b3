"""Starting the server: how many workers are allowed, and what they share."""

import multiprocessing
import os
import tempfile
from contextlib import ExitStack

from granian import Granian
from granian.constants import Interfaces

from api import runtime
from core import log
from core.db import Database
from core.errors import ConfigurationError
from core.keyfile import Keys
from core.settings import Settings

_KILL_AFTER_S = 30
_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def check_workers(settings: Settings, workers: int) -> None:
    """Raise ConfigurationError unless so many workers can share the database and call states."""
    if workers < 1:
        raise ConfigurationError("at least one worker must serve")
    if workers == 1:
        return
    if settings.is_sqlite:
        raise ConfigurationError(
            "several workers need PostgreSQL: set WANNENG_DATABASE_URL, or serve with one worker"
        )
    if not settings.redis_url:
        raise ConfigurationError(
            "several workers need a Redis-protocol server that they share: set WANNENG_REDIS_URL"
        )


def check_start(settings: Settings) -> None:
    """Raise ConfigurationError where a worker would: a database not durable, not ours, not new."""
    db = Database(settings)
    try:
        runtime.check_start(db, Keys(settings.key_file))
        runtime.sink_of(settings)
    finally:
        db.dispose()


def serve(settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Serve until told to stop by a signal; raises ConfigurationError before it begins.

    Each worker reads the environment again, so `settings` must be what stands there. Behind a
    proxy no forwarded address is believed.
    """
    check_workers(settings, workers)
    check_start(settings)
    with ExitStack() as stack:
        if workers > 1 and _METRICS_DIRECTORY not in os.environ:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="wanneng-metrics-"))
            os.environ[_METRICS_DIRECTORY] = directory
        # Fresh processes, not copies of this one: they share no connection and no measure with it.
        multiprocessing.set_start_method("spawn", force=True)
        Granian(
            "api.app:create",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            factory=True,
            workers=workers,
            websockets=False,
            log_access=False,  # it would write addresses as they came
            log_dictconfig=log.granian_config(),
            respawn_failed_workers=True,
            workers_kill_timeout=_KILL_AFTER_S,
        ).serve()
