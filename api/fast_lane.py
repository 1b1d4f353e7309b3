"""The quick way for the calls that matter most: a partner redeems one card, or several.

It takes a request only where nothing about it is unusual, and answers it with the same functions
as the calls in `api/redemptions.py`. Everything else (staff, a key that is not valid, a wrong
header, a body that is not as asked for) goes on to the application untouched, which knows all
refusals. It spares the framework's work on each request (docs/performance.md), and redeems before
the framework is loaded. Where the queue is full it refuses before it looks at anything: in an
overload most of the work would be for those. Such a refusal leaves at the end of a half second that
all share: whoever has it at once asks again at once, and to refuse him takes what redemptions need.

No coroutine runs for a request here: what comes later is a call back (decision 0028).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any, Final, Protocol

import msgspec
import structlog

from api.access import Access
from api.edge import TOO_SLOW
from api.errors import STATUS, BodyTooSlow, problem
from api.fields import Key
from api.known_partners import KEY_PREFIX
from api.pause import Pause
from api.redeeming import PARTNER_CHANNEL, BulkBody, RedeemBody, request_of
from api.refusals import Rendered, bulk_answers, render
from api.runtime import Runtime
from core.errors import DomainError
from redemption.batcher import delay_of
from redemption.requests import Answer, Code, Outcome, RedeemRequest
from redemption.senders import Partner

PATH = "/api/v1/redemptions"
BULK_PATH = f"{PATH}/bulk"

_REFUSED_AFTER_S = 0.5
"""At most; in an overload those who are let in wait about as long."""
_JSON = b"application/json"
_LONGEST_NUMBER = 9
"""Digits of a length, so that no text of thousands is made into a number."""
_UNUSUAL = {b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"}
_NOT_PLAIN = (msgspec.MsgspecError, UnicodeError, RecursionError, DomainError)

_one = msgspec.json.Decoder(RedeemBody)
_many = msgspec.json.Decoder(BulkBody)
_log = structlog.get_logger("wanneng.api")
Headers = dict[bytes, bytes]


class Asker(Protocol):
    """Who waits for the answer to a request; exactly one of these is called, once."""

    def answer(self, rendered: Rendered) -> None:
        """Take the answer."""

    def pass_on(self) -> None:
        """Have the application answer: it must look at the request more closely."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One call. `read` raises one of _NOT_PLAIN for what is not as asked for.

    A short body has come with its head; a long one is read even for a refusal, so that its sender
    has sent it before he is told.
    """

    path: str
    longest_body: int
    refuses_unread: bool
    read: Callable[[Partner, Headers, bytes], list[RedeemRequest]]
    render: Callable[[Sequence[RedeemRequest], Sequence[Outcome], datetime], Rendered]


class Arrival:
    """A request that has a lane: first its head, then all of it. It has no printable form."""

    __slots__ = ("asked", "body", "headers", "lane", "runtime", "started")

    def __init__(self, lane: Lane, runtime: Runtime, headers: Headers) -> None:
        self.lane = lane
        self.runtime = runtime
        self.headers = headers
        self.body = b""
        self.asked: Sequence[RedeemRequest] = ()
        self.started = perf_counter()

    @property
    def is_refused_unread(self) -> bool:
        """Whether it is refused without its body: no more can wait for the engine."""
        return self.lane.refuses_unread and self.runtime.batcher.is_full


class FastLane:
    """The quick way of one process; from its event loop only."""

    def __init__(self, access: Access, runtime_of: Callable[[], Runtime | None]) -> None:
        self._access = access
        self._runtime_of = runtime_of
        self._pause = Pause(_REFUSED_AFTER_S)

    def arrival(self, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Arrival | None:
        """Return what a POST with this head is; None where the application must look at it."""
        lane = _LANES.get(target)
        runtime = None if lane is None else self._runtime_of()
        if lane is None or runtime is None:
            return None
        sent = dict(headers)
        length = sent.get(b"content-length", b"")
        if (
            len(sent) != len(headers)  # one came twice
            or not length.isdigit()  # nobody knows where it ends
            or len(length) > _LONGEST_NUMBER
            or int(length) > lane.longest_body
            or sent.get(b"content-type") != _JSON
            or not _UNUSUAL.isdisjoint(sent)
        ):
            return None
        return Arrival(lane, runtime, sent)

    def refuse(self, arrival: Arrival, asker: Asker) -> None:
        """Tell the asker to come later, at the end of the pause that is on."""
        lane = arrival.lane
        self._access.note_shed(PARTNER_CHANNEL, Code.TRY_LATER, lane.path, LATER.status)
        self._pause.at_its_end(partial(asker.answer, LATER))

    def too_slow(self, arrival: Arrival) -> Rendered:
        """Return what tells that the body did not come in time."""
        refused = Rendered(STATUS[BodyTooSlow.code], problem(BodyTooSlow.code, TOO_SLOW))
        seconds = perf_counter() - arrival.started
        self._access.note("POST", arrival.lane.path, refused.status, seconds)
        return refused

    def note_surplus(self) -> None:
        """Count a request of a connection too many, which is told to come later."""
        self._access.metrics.request("other", "none", LATER.status, 0.0)

    def take(self, arrival: Arrival, body: bytes, asker: Asker) -> None:
        """Answer a request that has come whole, later, or pass it on."""
        arrival.body = body
        try:
            self._take(arrival, asker)
        except Exception:
            _log.exception("quick_way_failed")
            asker.pass_on()

    def _take(self, arrival: Arrival, asker: Asker) -> None:
        runtime = arrival.runtime
        if runtime.batcher.is_full:  # many come in while there is room, and wait for their body
            self.refuse(arrival, asker)
            return
        token = _token(arrival.headers)
        if token is None:
            asker.pass_on()
            return
        partners, db = runtime.partners, runtime.db
        partner = partners.remembered(token)
        if partner is None:
            known = runtime.loop.run_in_executor(None, partners.find, db, token)
            known.add_done_callback(partial(self._once_known, arrival, asker))
            return
        if partners.is_due(token):
            runtime.loop.run_in_executor(None, partners.look_up_again, db, token)
        self._redeem(arrival, asker, partner)

    def _once_known(
        self, arrival: Arrival, asker: Asker, known: "asyncio.Future[Partner | None]"
    ) -> None:
        try:
            partner = None if _failed(known) else known.result()
            if partner is None:
                asker.pass_on()
            elif arrival.runtime.batcher.is_full:  # since it waited for the key to be known
                self.refuse(arrival, asker)
            else:
                self._redeem(arrival, asker, partner)
        except Exception:
            _log.exception("quick_way_failed")
            asker.pass_on()

    def _redeem(self, arrival: Arrival, asker: Asker, partner: Partner) -> None:
        try:
            arrival.asked = arrival.lane.read(partner, arrival.headers, arrival.body)
        except _NOT_PLAIN:
            asker.pass_on()
            return
        answered = arrival.runtime.hand_in(arrival.asked)
        answered.add_done_callback(partial(self._once_answered, arrival, asker))

    def _once_answered(
        self, arrival: Arrival, asker: Asker, answered: "asyncio.Future[Sequence[Outcome]]"
    ) -> None:
        runtime = arrival.runtime
        try:
            outcomes = () if _failed(answered) else answered.result()
            if outcomes:
                rendered = arrival.lane.render(arrival.asked, outcomes, runtime.db.clock())
        except Exception:
            _log.exception("quick_way_failed")
            outcomes = ()
        if not outcomes:
            asker.pass_on()  # under its key it has one effect, whatever happened
        elif delay_s := delay_of(outcomes):
            runtime.loop.call_later(delay_s, self._answer, arrival, asker, rendered)
        else:
            self._answer(arrival, asker, rendered)

    def _answer(self, arrival: Arrival, asker: Asker, rendered: Rendered) -> None:
        asker.answer(rendered)
        seconds = perf_counter() - arrival.started
        self._access.note("POST", arrival.lane.path, rendered.status, seconds)


def _failed(done: "asyncio.Future[Any]") -> bool:
    if done.cancelled():
        return True
    error = done.exception()
    if error is not None:
        _log.error("quick_way_failed", exc_info=error)
    return error is not None


def _token(headers: Headers) -> str | None:
    """Return what looks like a partner's key."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token if scheme == "Bearer" and token.startswith(KEY_PREFIX) else None


def _read_one(partner: Partner, headers: Headers, body: bytes) -> list[RedeemRequest]:
    key = msgspec.convert(headers.get(b"idempotency-key", b"").decode("ascii"), Key)
    return [request_of(partner, key, _one.decode(body))]


def _render_one(
    _asked: Sequence[RedeemRequest], outcomes: Sequence[Outcome], now: datetime
) -> Rendered:
    return render(outcomes[0], now)


def _read_many(partner: Partner, _headers: Headers, body: bytes) -> list[RedeemRequest]:
    return [request_of(partner, item.key, item) for item in _many.decode(body).items]


def _render_many(
    asked: Sequence[RedeemRequest], outcomes: Sequence[Outcome], _now: datetime
) -> Rendered:
    return Rendered(200, bulk_answers(asked, outcomes))


_LANES: Final = {
    lane.path.encode(): lane
    for lane in (
        Lane(PATH, 2_000, True, _read_one, _render_one),
        Lane(BULK_PATH, 60_000, False, _read_many, _render_many),
    )
}
LATER: Final = render(Outcome(Answer(code=Code.TRY_LATER)), datetime.min.replace(tzinfo=UTC))
