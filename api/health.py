"""/health and /metrics: for those who watch the server, not for its users."""

import structlog
from litestar import Response, get
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.guards import WithRuntime
from api.metrics import CONTENT_TYPE
from api.runtime import Runtime
from core.db import Database
from core.redis import is_alive
from migrations.schema import is_current

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


@get("/health/live", summary="Is the process alive?", operation_id="live", tags=["operation"])
async def live() -> Live:
    """Answer."""
    return Live("live")


@get(
    "/health/ready",
    sync_to_thread=True,
    summary="Can it serve?",
    operation_id="ready",
    tags=["operation"],
)
def ready(runtime: WithRuntime) -> Response[Ready]:
    """200 when the database answers with the schema this program needs, else 503."""
    database = _database_state(runtime.db)
    status = "ready" if database == "ok" else "not_ready"
    shown = Ready(status, database, _redis_state(runtime))
    return Response(shown, status_code=200 if database == "ok" else 503)


@get(
    "/metrics",
    sync_to_thread=True,
    summary="Measures for Prometheus",
    operation_id="metrics",
    tags=["operation"],
    include_in_schema=False,
)
def measures(runtime: WithRuntime) -> Response[bytes]:
    """Return the measures, of all workers where there are several."""
    return Response(runtime.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


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
