"""The process that holds the SMPP connection: texts in, and all texts out."""

import asyncio
from contextlib import suppress

import structlog

from api.background import background
from api.gateway_manners import log_fault
from api.metrics import Metrics
from api.runtime import Runtime, running
from api.smpp.link import Link
from api.smpp.repeats import Arrived, forget, mark_replied, recall
from api.stopping import stopped_by_signal
from api.upkeep import upkeep
from core import log
from core.clock import Clock, system_clock
from core.errors import ConfigurationError
from core.gateways.routes import ALARM, AT_ONCE, SMPP, text_address, text_gateway
from core.outbox import Kinds, put, record_report, run_relay
from core.settings import Settings
from redemption.dialogue.phones import parse_phone
from redemption.dialogue.texter import REPLY, TextReply
from redemption.dialogue.texts import answer_text, fault_text
from redemption.dialogue.words import FAULT
from redemption.requests import Code

GATEWAY = "smpp"
"""What names this gateway in stored requests."""

_OPEN = frozenset({Code.TRY_LATER.value, FAULT})
"""Behind these the same text is the same message still, and is answered until it is settled."""

_SETTLED = (
    frozenset({*Code, "bound", "code_wrong", "code_wrong_last"}) - _OPEN - {Code.CALLER_LOCKED}
)
"""Behind these the same text is a repeat, whose answer is kept. Behind all others it is new.

The lock may have ended, the code not have come, the balance be another.
"""

_log = structlog.get_logger("wanneng.smpp")


def run(settings: Settings) -> None:
    """Serve until a signal says stop; ConfigurationError where it must not run like this."""
    check_settings(settings)
    log.configure(settings.log_format)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    await serve(settings, stopped_by_signal())


async def serve(settings: Settings, stop: asyncio.Event, clock: Clock = system_clock) -> None:
    """Hold the connection until `stop` is set; a centre that is away is tried again and again."""
    check_settings(settings)
    async with running(settings, clock, Metrics()) as runtime, upkeep(runtime):
        texts = Texts(runtime)
        link = Link(text_address(settings), texts.take, texts.report)
        kinds = Kinds(but=frozenset({ALARM}))
        holding = asyncio.create_task(link.run())
        relay = background("texts", lambda end: run_relay(runtime.db, link, end, kinds, AT_ONCE))
        await asyncio.to_thread(relay.__enter__)
        try:
            await stop.wait()
        finally:
            await asyncio.to_thread(relay.__exit__, None, None, None)
            await link.unbind()
            holding.cancel()
            with suppress(asyncio.CancelledError):
                await holding


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError unless the settings name a centre to hold a connection to."""
    if text_address(settings).scheme != SMPP:
        raise ConfigurationError("WANNENG_SMS_GATEWAY must be smpp://…, see docs/messages.md")
    text_gateway(settings)  # its options are checked


class Texts:
    """Carries out the texts that came over the connection of a process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def take(self, arrived: Arrived) -> None:
        """Carry out one text and put its reply on its way, both committed when this returns."""
        await asyncio.to_thread(self._take, arrived)

    async def report(self, message_id: int, delivery: str) -> None:
        """Store what became of a text of ours."""
        db = self._runtime.db
        await asyncio.to_thread(
            db.transact, lambda session: record_report(session, message_id, delivery)
        )

    def _take(self, arrived: Arrived) -> None:
        deps = self._runtime.dialogue
        known = recall(deps, arrived)
        try:
            reply = answer_text(
                deps, GATEWAY, arrived.source, arrived.text, known.id, (arrived.destination,)
            )
        except Exception as error:
            log_fault(error, GATEWAY)
            reply = TextReply(fault_text(deps.db.settings), code=FAULT)
        phone = parse_phone(arrived.source)
        if not reply.text or phone is None or known.replied:
            return
        deps.db.transact(lambda session: put(session, REPLY, phone.number, reply.text))
        if reply.code in _SETTLED:
            mark_replied(deps, arrived, known)
        elif reply.code not in _OPEN:
            forget(deps, arrived)
