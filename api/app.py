"""The application: all of the above put together."""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide

from api import (
    accounts,
    adjustments,
    approvals,
    batches,
    callers,
    care,
    channels,
    claims,
    consignments,
    contracts,
    dialogues,
    health,
    jobs,
    kannel,
    lots,
    messages,
    openapi,
    orders,
    pages,
    payments,
    prompts,
    redemptions,
    reports,
    sessions,
    settlements,
    stock_counts,
    till_sales,
    tills,
    twiml_sms,
    twiml_voice,
    ussd,
    vouchers,
)
from api.access import Access
from api.edge import AsgiApp, with_edge
from api.fast_lane import with_fast_lane
from api.guards import actor_of, channel_of, runtime_of, sender_of, till_of
from api.handlers import HANDLERS
from api.metrics import Metrics
from api.runtime import Runtime, running
from api.strict import StrictRequest
from core import log
from core.clock import Clock, system_clock
from core.settings import Settings, load

_API = Router(
    "/api/v1",
    route_handlers=[
        redemptions.router,
        accounts.router,
        batches.router,
        jobs.router,
        lots.router,
        orders.router,
        consignments.router,
        claims.router,
        claims.credit_note_router,
        messages.router,
        vouchers.router,
        care.router,
        care.reversals,
        callers.router,
        payments.router,
        contracts.router,
        settlements.router,
        adjustments.router,
        reports.router,
        stock_counts.router,
        approvals.router,
        sessions.router,
        tills.router,
        till_sales.router,
        dialogues.router,
    ],
)
_SWITCH_S = 0.0005
"""The engine's thread comes back from the database a dozen times for each list, and would wait up
to 5 ms each time for the event loop to let go of the interpreter."""
_SWEEPS = (5_000, 50, 10)
"""So many objects more than went, and sweeps of the youngest, are between two of the garbage
collector's. Requests leave no cycles, and it would look at all that wait for their answer."""
_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def create_app(
    settings: Settings, clock: Clock = system_clock, metrics: Metrics | None = None
) -> Litestar:
    """Return the application; it opens what it works with when it starts, see `running`."""
    measured = metrics or Metrics()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with running(settings, clock, measured) as runtime:
            app.state.runtime = runtime
            yield

    return Litestar(
        route_handlers=[
            _API,
            channels.router,
            twiml_voice.twiml_voice,
            twiml_voice.twiml_voice_status,
            twiml_sms.twiml_sms,
            twiml_sms.twiml_report,
            ussd.ussd,
            ussd.ussd_event,
            kannel.kannel_sms,
            kannel.kannel_report,
            health.live,
            health.ready,
            health.measures,
            pages.landing,
            pages.card_page,
            prompts.prompt_audio,
        ],
        lifespan=[lifespan],
        dependencies={
            "runtime": Provide(_runtime, sync_to_thread=False),
            "actor": Provide(actor_of, sync_to_thread=False),
            "sender": Provide(sender_of, sync_to_thread=False),
            "till": Provide(till_of, sync_to_thread=False),
            "channel": Provide(channel_of, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=settings.max_body_bytes,
        openapi_config=openapi.config(settings.public_url),
        logging_config=None,  # the framework would log bodies and headers
        debug=False,
        pdb_on_exception=False,
    )


def assemble(
    settings: Settings, clock: Clock = system_clock, metrics_directory: str | None = None
) -> AsgiApp:
    """Return what a server calls: the quick way, and beside it the application within its edge."""
    access = Access(Metrics(metrics_directory), log_all=settings.access_log == "all")
    app = create_app(settings, clock, access.metrics)
    edge = with_edge(app, access, settings.arrival_seconds)  # type: ignore[arg-type]
    return with_fast_lane(edge, access, lambda: app.state.get("runtime"), settings.arrival_seconds)


def create() -> AsgiApp:
    """Return the application for the environment of this process."""
    settings = load(os.environ)
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(*_SWEEPS)
    log.configure(settings.log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would tell of every look
    return assemble(settings, metrics_directory=os.environ.get(_METRICS_DIRECTORY))


def _runtime(request: Request[Any, Any, Any]) -> Runtime:
    return runtime_of(request)
