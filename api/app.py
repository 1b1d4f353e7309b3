"""The application: all of the above put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
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
    jobs,
    kannel,
    lots,
    messages,
    openapi,
    operation,
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
from api.guards import actor_of, channel_of, runtime_of, sender_of, till_of
from api.handlers import HANDLERS
from api.metrics import Metrics
from api.runtime import Runtime, running
from api.strict import StrictRequest
from api.upkeep import upkeep
from core.clock import Clock, system_clock
from core.settings import Settings

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


def create_app(
    settings: Settings, clock: Clock = system_clock, metrics: Metrics | None = None
) -> Litestar:
    """Return the application by itself; it opens what it works with when it starts."""
    return _app(settings, lambda: running(settings, clock, metrics or Metrics()))


def app_on(runtime: Runtime) -> Litestar:
    """Return the application that works with what is open already."""
    return _app(runtime.settings, lambda: nullcontext(runtime))


def _app(
    settings: Settings, opened: Callable[[], AbstractAsyncContextManager[Runtime]]
) -> Litestar:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with opened() as runtime, upkeep(runtime):
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
            operation.live,
            operation.ready,
            operation.measures,
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


def _runtime(request: Request[Any, Any, Any]) -> Runtime:
    return runtime_of(request)
