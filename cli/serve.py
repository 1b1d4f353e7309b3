"""`wanneng serve`: the HTTP server, after a look whether it may run like this."""

import os
import tempfile
from contextlib import ExitStack
from functools import partial

import rich_click as click
import structlog
from uvicorn.config import Config
from uvicorn.server import Server

from cli.app import App
from cli.command import command, pass_app
from cli.workers import Workers, bound
from core import log
from core.errors import ConfigurationError
from core.settings import Settings, variable
from migrations import schema
from vouchers.key_rotation import check_key_file

_BACKLOG = 8192
"""So many connections may wait to be taken up by a worker."""
ANSWERED_IN_S = 25
"""A worker that was told to stop answers what is under way for so long."""
END_AFTER_S = 30
"""A worker that has not ended so long after it was told to stop is killed."""

_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_log = structlog.get_logger("wanneng.serve")


@command(
    "serve",
    examples=[
        "wanneng serve",
        "wanneng serve --host 0.0.0.0 --port 8080 --workers 4",
    ],
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes; more than one needs PostgreSQL and Redis.",
)
@pass_app
def serve(app: App, host: str, port: int, workers: int) -> None:
    """Serve the API and the channels over HTTP.

    Refuses to start where a commit could be lost, with a foreign key file, or on a schema that is
    out of date. A worker that dies is replaced. SIGTERM or Ctrl-C ends it once the requests under
    way are answered.
    """
    check_workers(app.settings, workers)
    check_start(app)
    app.close()  # each worker opens its own
    if app.out.as_json:
        app.out.result({"url": f"http://{host}:{port}", "workers": workers})
    log.configure(app.settings.log_format)
    start(host, port, workers)


def check_workers(settings: Settings, workers: int) -> None:
    """Raise ConfigurationError unless so many workers can share database and call states."""
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


def check_start(app: App) -> None:
    """Raise ConfigurationError where the server must not run like this."""
    schema.check_current(app.db)
    app.db.check_durability()
    with app.db.read() as session:
        check_key_file(session, app.keys.get())


def start(host: str, port: int, workers: int) -> None:
    """Serve until a signal says stop; each worker reads the environment for itself.

    Raises ConfigurationError where the address cannot be listened on, SystemExit where workers
    cannot serve, OSError where none can be forked.
    """
    _check_free(host, port)
    with ExitStack() as stack:
        if workers > 1 and _METRICS_DIRECTORY not in os.environ:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="wanneng-metrics-"))
            os.environ[_METRICS_DIRECTORY] = directory
        os.environ.setdefault(variable("engine_processes"), str(processes_each(workers)))
        _log.info("listening", url=f"http://{host}:{port}", workers=workers)
        can_start = Workers(workers, partial(_work, host, port), END_AFTER_S).keep()
    if not can_start:
        raise SystemExit(1)  # its log says why


def _work(host: str, port: int) -> None:
    """Serve in this process until a signal says stop."""
    config = Config(
        "api.start:create",
        factory=True,
        interface="asgi3",
        http="api.start:Connection",
        ws="none",
        loop="uvloop",
        lifespan="on",
        backlog=_BACKLOG,
        proxy_headers=False,
        server_header=False,
        access_log=False,  # it would write addresses as they came
        log_config=None,
        timeout_graceful_shutdown=ANSWERED_IN_S,
    )
    with bound(host, port, is_shared=True) as own:
        Server(config).run([own])


def processes_each(workers: int) -> int:
    """Return how many engine processes a worker has where none are set: the default, divided.

    So there are not far more processes than cores; one is the least that a worker needs.
    """
    return max(1, Settings.engine_processes // workers)


def _check_free(host: str, port: int) -> None:
    # The server's own error would not say what to do.
    try:
        bound(host, port, is_shared=False).close()
    except OSError as error:
        why = error.strerror or "unknown address"
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({why}); choose another with --host, --port"
        ) from error
