"""What a worker serves, from the outside in: its life, the quick ways, the edge, the framework.

Nothing here loads the framework: a worker redeems cards and tells that it is ready while that is
loaded beside it (`api/framework.py`; a test holds what a start may load).
"""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from api.access import Access
from api.edge import AsgiApp, Receive, Scope, Send, with_edge
from api.fast_lane import FastLane
from api.framework import Framework
from api.health import with_health
from api.metrics import Metrics
from api.patience import Patience
from api.runtime import Runtime, running
from core import log
from core.clock import Clock, system_clock
from core.errors import ConfigurationError
from core.settings import Settings, load
from core.unswept import SWEEPS

_SWITCH_S = 0.001
"""A thread of the engine comes back from the database several times for each list, and would wait
up to 5 ms each time for the event loop to let go of the interpreter."""
_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True)
class Application:
    """What a server calls for each request that has no lane, and what its connections share."""

    answer: AsgiApp
    lane: FastLane
    patience: Patience

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request, or live through the server's life (ASGI)."""
        return self.answer(scope, receive, send)


def create() -> Application:
    """Return the application for the environment of this process."""
    settings = load(os.environ)
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(*SWEEPS)
    log.configure(settings.log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would tell of every look
    return assemble(settings, metrics_directory=os.environ.get(_METRICS_DIRECTORY))


def assemble(
    settings: Settings, clock: Clock = system_clock, metrics_directory: str | None = None
) -> Application:
    """Return what a server works with: the quick way, and beside it the framework in its edge."""
    access = Access(Metrics(metrics_directory), log_all=settings.access_log == "all")
    framework = Framework()
    opened: Runtime | None = None

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        nonlocal opened
        async with running(settings, clock, access.metrics) as opened, framework.loading(opened):
            yield

    def runtime() -> Runtime | None:
        return opened

    edge = with_edge(with_health(framework.answer, runtime), access, settings.arrival_seconds)
    return Application(
        with_life(edge, working), FastLane(access, runtime), Patience(settings.arrival_seconds)
    )


def with_life(app: AsgiApp, working: Callable[[], AbstractAsyncContextManager[None]]) -> AsgiApp:
    """Return the application whose start and end, as the server tells of them, are `working`'s."""

    async def live(receive: Receive, send: Send) -> None:
        await receive()
        came = "startup"
        try:
            async with working():
                await send({"type": "lifespan.startup.complete"})
                came = "shutdown"
                await receive()
        except ConfigurationError as error:
            await send({"type": f"lifespan.{came}.failed", "message": error.message})
        except BaseException:
            await send({"type": f"lifespan.{came}.failed"})
            raise  # the server logs it
        else:
            await send({"type": "lifespan.shutdown.complete"})

    def living(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: each request would pay for it.
        return live(receive, send) if scope["type"] == "lifespan" else app(scope, receive, send)

    return living
