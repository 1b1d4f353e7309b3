"""/health and /metrics: for those who watch the server, not for its users."""

from litestar import Response, get

from api.guards import WithRuntime
from api.health import LIVE, LIVE_PATH, READY_PATH, Live, Ready, readiness
from api.metrics import CONTENT_TYPE


@get(LIVE_PATH, summary="Is the process alive?", operation_id="live", tags=["operation"])
async def live() -> Live:
    """Answer."""
    return LIVE


@get(
    READY_PATH,
    sync_to_thread=True,
    summary="Can it serve?",
    operation_id="ready",
    tags=["operation"],
)
def ready(runtime: WithRuntime) -> Response[Ready]:
    """200 when the database answers with the schema this program needs, else 503."""
    status, shown = readiness(runtime)
    return Response(shown, status_code=status)


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
