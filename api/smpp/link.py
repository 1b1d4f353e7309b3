"""The connection to the centre: what comes in is carried out before it is acknowledged."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog
from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractHook,
    AbstractThrottleHandler,
    DeliverSm,
    GenericNack,
    OptionalParam,
    PduHeader,
    PhoneNumber,
    SmppCommandStatus,
    SmppMessage,
    SmppSessionState,
    SubmitSm,
    SubmitSmResp,
)
from aiosmpplib.broker import SimpleBroker
from aiosmpplib.retrytimer import SimpleExponentialBackoff

from api.gateway_manners import log_fault
from api.smpp.parts import Correlator, read_reference
from api.smpp.repeats import Arrived
from core.errors import ConfigurationError
from core.gateways.address import Address
from core.outbox import GatewayTrouble, Message, MessageRefused

ANSWER_S = 20
"""So long the centre may take to answer to a message of ours."""

_ENQUIRE_S = "30"
_LONGEST_PAUSE_S = 30.0
_USER_MESSAGE_REFERENCE = 0x0204
_STATUS = SmppCommandStatus
_PASSING = {
    _STATUS.ESME_RSYSERR,
    _STATUS.ESME_RMSGQFUL,
    _STATUS.ESME_RSUBMITFAIL,
    _STATUS.ESME_RTHROTTLED,
    _STATUS.ESME_RX_T_APPN,
}
_DELIVERIES = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "ENROUTE": "buffered",
    "ACCEPTD": "accepted",
}

_log = structlog.get_logger("wanneng.smpp")

TakeText = Callable[[Arrived], Awaitable[None]]
TakeReport = Callable[[int, str], Awaitable[None]]


class Throttle(AbstractThrottleHandler):  # type: ignore[misc]
    """Pauses 1, 2, 4 … seconds each time the centre says that it is too much."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._until = 0.0

    async def allow_request(self) -> bool:
        """Tell whether one more may be sent now."""
        return time.monotonic() >= self._until

    async def throttled(self) -> None:
        """Pause, longer than the last time."""
        self._pause_s = min(max(1.0, self._pause_s * 2), _LONGEST_PAUSE_S)
        self._until = time.monotonic() + self._pause_s

    async def not_throttled(self) -> None:
        """Go on as before."""
        self._pause_s = 0.0

    async def throttle_delay(self) -> float:
        """Return how long to wait before asking again, in seconds."""
        return 0.2


class _Esme(ESME):  # type: ignore[misc]
    """The library's, which a message that cannot be read must not end."""

    async def connect(self) -> None:
        """Bind, and tell of it; the line before, if there was one, is closed at last."""
        self.close()
        try:
            await super().connect()
        except Exception as error:
            _log.warning("smpp_not_bound", error=type(error).__name__)
            raise
        _log.info("smpp_bound", host=self.smsc_host)

    def close(self) -> None:
        """Close the line; the library only lets go of it."""
        line: Any = self._writer
        self._writer: Any = None
        if line is not None:
            line.close()

    async def _disconnect(self) -> None:
        line: Any = self._writer
        await super()._disconnect()
        if line is not None:
            line.close()

    async def _handle_request(self, pdu: bytes, header: PduHeader) -> SmppMessage | None:
        try:
            return await super()._handle_request(pdu, header)
        except Exception as error:
            # Delivered again it would be no better; its text must not get into a log.
            _log.error("smpp_unreadable", error=type(error).__name__)
            await self._send_data(GenericNack(header.sequence_num))
            return None


class _Queue(SimpleBroker):  # type: ignore[misc]
    """What waits to be sent; a message nobody waits for any more is passed over."""

    def __init__(self, waiting: dict[str, "asyncio.Future[SmppCommandStatus]"]) -> None:
        super().__init__()
        self._waiting = waiting

    async def dequeue(self) -> SmppMessage:
        """Return the next message."""
        while True:
            message = await super().dequeue()
            if message.log_id in self._waiting:
                return message


class Link(AbstractHook):  # type: ignore[misc]
    """One connection to a centre, kept up; a sink for texts, and where texts come from."""

    def __init__(self, address: Address, take_text: TakeText, take_report: TakeReport) -> None:
        self._address = address
        self._take_text = take_text
        self._take_report = take_report
        self._waiting: dict[str, asyncio.Future[SmppCommandStatus]] = {}
        self._correlator = Correlator(address.user)
        self._loop = asyncio.get_running_loop()
        self._is_ending = False
        self._esme = self._made()

    async def run(self) -> None:
        """Keep the connection up until `unbind`, or cancelled."""
        try:
            while not self._is_ending:
                try:
                    await self._esme.start()
                except Exception as error:
                    log_fault(error, "smpp")
                await asyncio.sleep(1)
        finally:
            self._esme.close()

    async def unbind(self) -> None:
        """Say good-bye to the centre; `run` is to be cancelled then."""
        self._is_ending = True  # the library may swallow the cancelling
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(3):
                await self._esme.stop()

    def send(self, message: Message) -> None:
        """Send one text from another thread than the loop's, and wait for the centre's answer."""
        sending: Future[None] = asyncio.run_coroutine_threadsafe(self._submit(message), self._loop)
        sending.result(ANSWER_S + 5)

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        """Nothing of what goes out is written down."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Carry out what came; the library acknowledges it when this returns."""
        del pdu, client_id
        if isinstance(smpp_message, DeliverSm):
            if smpp_message.is_receipt():
                await self._reported(smpp_message)
            else:
                await self._take_text(arrived(smpp_message))
        elif type(smpp_message) is SubmitSmResp:
            self._settle(smpp_message.log_id, smpp_message.command_status)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        """A message of ours did not go out, or nothing came back."""
        del client_id
        waiting = self._waiting.get(smpp_message.log_id)
        if waiting is not None and not waiting.done():
            waiting.set_exception(GatewayTrouble(f"smpp_{type(error).__name__}"))

    async def _submit(self, message: Message) -> None:
        if self._esme.session_state is not SmppSessionState.BOUND_TRX:
            raise GatewayTrouble("smpp_not_bound")
        key = str(message.id)
        answered = self._waiting[key] = self._loop.create_future()
        try:
            await self._esme.broker.enqueue(self._submit_sm(message))
            status = await asyncio.wait_for(answered, ANSWER_S)
        except TimeoutError:
            raise GatewayTrouble("smpp_no_answer") from None
        except ValueError as error:
            raise MessageRefused("smpp_not_sendable") from error
        finally:
            del self._waiting[key]
        if status is not SmppCommandStatus.ESME_ROK:
            kind = GatewayTrouble if status in _PASSING else MessageRefused
            raise kind(f"smpp_{status.name}")

    def _submit_sm(self, message: Message) -> SubmitSm:
        address = self._address
        ours = PhoneNumber(
            address.option("from"),
            TON(int(address.option("from-ton", "3"))),
            NPI(int(address.option("from-npi", "0"))),
        )
        theirs = PhoneNumber(message.recipient.removeprefix("+"), TON.INTERNATIONAL, NPI.ISDN)
        return SubmitSm(
            short_message=message.body,
            source=ours,
            destination=theirs,
            log_id=str(message.id),
            # A centre or a phone may tell repeats apart by it.
            optional_params=[OptionalParam(_USER_MESSAGE_REFERENCE, message.id & 0xFFFF)],
        )

    def _settle(self, key: str, status: SmppCommandStatus) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(status)

    async def _reported(self, receipt: DeliverSm) -> None:
        told = receipt.parse_receipt()
        ours = self._correlator.our_id(str(told.get("id", "")))
        delivery = _DELIVERIES.get(str(told.get("stat", "")).upper())
        if ours is not None and delivery is not None:
            await self._take_report(int(ours), delivery)

    def _made(self) -> ESME:
        address = self._address
        try:
            return _Esme(
                smsc_host=address.host,
                smsc_port=address.port or 2775,
                system_id=address.user,
                password=address.secret,
                system_type=address.option("system-type"),
                enquire_link_interval=float(address.option("enquire", _ENQUIRE_S)),
                log_handler=logging.NullHandler(),  # its own log would hold what it cannot read
                hook=self,
                broker=_Queue(self._waiting),
                throttle_handler=Throttle(),
                correlator=self._correlator,
                retry_timer=SimpleExponentialBackoff(min_delay=500, max_increases=7),
            )
        except ValueError as error:
            raise ConfigurationError(f"WANNENG_SMS_GATEWAY: {error}") from None


def arrived(message: DeliverSm) -> Arrived:
    """Return a whole text as it came; parts by what its sender numbered them with."""
    reference, _, total = read_reference(*message.get_segmentation_data())
    return Arrived(
        source=message.source.number,
        destination=message.destination.number,
        text=message.short_message or message.message_payload,
        parts=(reference, total),
    )
