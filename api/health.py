"""Whether a process lives and can serve, told before all else: no framework is needed for it."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.edge import AsgiApp, Receive, Scope, Send, send_json
from api.runtime import Runtime
from core.db import Database
from core.redis import is_alive
from migrations.schema import is_current

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"

_log = structlog.get_logger("wanneng.api")


class Live(Struct, frozen=True):
    """The process answers."""

    status: str


class Ready(Struct, frozen=True):
    """Whether this process can serve, and the state of what it needs.

    `redis` is ok, embedded or degraded; degraded leaves the server ready, since cards are redeemed
    without it.
    """

    status: str
    database: str
    redis: str


LIVE = Live("live")


def readiness(runtime: Runtime) -> tuple[int, Ready]:
    """200 when the database answers with the schema this program needs, else 503."""
    database = _database_state(runtime.db)
    status = "ready" if database == "ok" else "not_ready"
    shown = Ready(status, database, _redis_state(runtime))
    return (200 if database == "ok" else 503), shown


def with_health(app: AsgiApp, runtime_of: Callable[[], Runtime | None]) -> AsgiApp:
    """Return the application with its health told without it; all else reaches it untouched."""

    async def way(scope: Scope, receive: Receive, send: Send) -> None:
        path, runtime = scope["path"], runtime_of()
        if path not in (LIVE_PATH, READY_PATH) or scope["method"] != "GET" or runtime is None:
            await app(scope, receive, send)
            return
        scope["path_template"] = path  # as the framework does, for the log and the measures
        told: tuple[int, Struct] = (200, LIVE)
        if path == READY_PATH:
            told = await asyncio.to_thread(readiness, runtime)
        await send_json(send, told[0], msgspec.json.encode(told[1]))

    return way


def _database_state(db: Database) -> str:
    try:
        with db.read() as session:
            session.execute(text("SELECT 1"))
        if not is_current(db):
            return "schema_out_of_date"
    except SQLAlchemyError as error:
        _log.warning("not_ready", error=type(error).__name__)
        return "unreachable"
    return "ok"


def _redis_state(runtime: Runtime) -> str:
    if not runtime.settings.redis_url:
        return "embedded"
    return "ok" if is_alive(runtime.redis) else "degraded"
