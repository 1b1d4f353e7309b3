"""What a running process works with: opened together at the start, closed together at the end."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from time import perf_counter
from typing import TYPE_CHECKING

from api.background import background
from api.known_partners import KnownPartners
from api.metrics import Metrics
from core.clock import Clock, system_clock
from core.db import Database
from core.gateways.routes import AT_ONCE, kinds_of, routes
from core.keyfile import Keys
from core.outbox import run_relay
from core.redis import Connector
from core.settings import Settings
from distribution.pin_texts import PinTexter, load_texter
from migrations.schema import check_current
from redemption.batcher import Batcher, delay_of, lists_at_once
from redemption.children import Children
from redemption.dialogue.deps import DialogueDeps
from redemption.engine import Redeemer
from redemption.requests import Answer, Code, Outcome, RedeemRequest
from vouchers.key_rotation import check_key_file
from vouchers.lookup import ArgonPool
from vouchers.shares import BATCHES_AT_ONCE, WRITERS

if TYPE_CHECKING:
    from redis import Redis

    from staff.limits import SignInLimits

CALLER_WAITS_S = 8
"""So long a caller on the line waits for an answer; then the result is texted."""

_CONNECTIONS_OF_OTHERS = 2 + BATCHES_AT_ONCE * WRITERS
"""The relay, the round, and the batches being made; the engine's lists come to them."""


@dataclass(frozen=True)
class Runtime:
    """The parts of one process; there is one Runtime for each running application."""

    settings: Settings
    db: Database
    keys: Keys
    batcher: Batcher
    metrics: Metrics
    partners: KnownPartners
    argon: ArgonPool
    connector: Connector
    texter: PinTexter | None
    loop: asyncio.AbstractEventLoop

    async def redeem(self, request: RedeemRequest) -> Outcome:
        """Return the committed answer to a request."""
        return (await self.redeem_all([request]))[0]

    async def redeem_all(self, requests: Sequence[RedeemRequest]) -> Sequence[Outcome]:
        """Return the answers to requests that came together, in order; a slowed sender waits."""
        outcomes = await self.hand_in(requests)
        if delay_s := delay_of(outcomes):
            await asyncio.sleep(delay_s)
        return outcomes

    def hand_in(self, requests: Sequence[RedeemRequest]) -> "asyncio.Future[Sequence[Outcome]]":
        """Return what becomes the answers, measured; the sender's `delay_of` is the caller's."""
        self.metrics.taken_up(len(requests))
        answered = self.batcher.submit_all(requests)
        answered.add_done_callback(partial(self._measure, requests, perf_counter()))
        return answered

    def _measure(
        self,
        requests: Sequence[RedeemRequest],
        started: float,
        answered: "asyncio.Future[Sequence[Outcome]]",
    ) -> None:
        if answered.cancelled() or answered.exception() is not None:
            self.metrics.given_up(len(requests))
            return
        seconds = perf_counter() - started
        for request, outcome in zip(requests, answered.result(), strict=True):
            code = outcome.answer.code.value
            self.metrics.answered(request.channel, code, outcome.replayed, seconds)

    @property
    def redis(self) -> "Redis":
        """The client of the Redis-protocol server, or of the one kept in this process."""
        return self.connector.client()

    @cached_property
    def limits(self) -> "SignInLimits":
        """How often somebody may try to sign in."""
        from staff.limits import SignInLimits  # loads every store its library knows

        return SignInLimits.of(self.settings.redis_url)

    @property
    def dialogue(self) -> DialogueDeps:
        """What texts and calls are answered with; its use cases run in threads."""
        return DialogueDeps(self.db, self.redis, self.keys, self._redeem_from_thread)

    def _redeem_from_thread(self, request: RedeemRequest) -> Outcome:
        """Do as `redeem` from another thread than the loop's, so that channels share its lists.

        TimeoutError where a caller on the line waits too long; the redemption goes on, and its
        answer is texted to him.
        """
        waiting = asyncio.run_coroutine_threadsafe(self.redeem(request), self.loop)
        try:
            return waiting.result(CALLER_WAITS_S if request.notify is not None else None)
        except TimeoutError:
            waiting.add_done_callback(
                lambda done: self.loop.run_in_executor(None, self._text_late, request, done)
            )
            raise

    def _text_late(self, request: RedeemRequest, done: Future[Outcome]) -> None:
        from redemption.late_answers import text_late_answer  # loads all that is known of numbers

        failed = done.cancelled() or done.exception() is not None
        lost = Outcome(Answer(code=Code.TRY_LATER), is_unknown=True)
        text_late_answer(self.db, request, lost if failed else done.result())


@asynccontextmanager
async def running(settings: Settings, clock: Clock, metrics: Metrics) -> AsyncIterator[Runtime]:
    """Open everything, refusing to start on what is not durable or not ours; close it at the end.

    Raises ConfigurationError.
    """
    async with AsyncExitStack() as stack:
        db = Database(settings, clock)
        stack.callback(db.dispose)
        keys = Keys(settings.key_file)
        await asyncio.to_thread(check_start, db, keys)
        texter = load_texter(settings)
        sink, kinds = routes(settings), kinds_of(settings)
        connector = Connector(settings)
        stack.callback(connector.close)
        argon = ArgonPool(settings)
        stack.callback(argon.close)
        stack.enter_context(_use_case_threads(settings))
        children = _children(settings, clock)
        if children is not None:
            stack.push_async_callback(children.close)
        batcher = Batcher(Redeemer(db, keys, argon), children, metrics.list_decided)
        stack.push_async_callback(batcher.close)
        stack.enter_context(
            background("relay", lambda stop: run_relay(db, sink, stop, kinds, AT_ONCE))
        )
        yield Runtime(
            settings=settings,
            db=db,
            keys=keys,
            batcher=batcher,
            metrics=metrics,
            partners=KnownPartners(),
            argon=argon,
            connector=connector,
            texter=texter,
            loop=asyncio.get_running_loop(),
        )


def check_start(db: Database, keys: Keys) -> None:
    """Raise ConfigurationError where no card may be redeemed like this."""
    db.check_durability()
    check_current(db)
    with db.read() as session:
        check_key_file(session, keys.get())


def _children(settings: Settings, clock: Clock) -> Children | None:
    """Return the child processes; none for SQLite, which has one writer, nor in another time."""
    if settings.is_sqlite or not settings.engine_processes or clock is not system_clock:
        return None
    return Children(settings)


@contextmanager
def _use_case_threads(settings: Settings) -> Iterator[None]:
    """Run use cases in so many threads that none waits long for a connection."""
    others = _CONNECTIONS_OF_OTHERS + lists_at_once(settings)
    count = max(2, settings.pool_size - others)
    executor = ThreadPoolExecutor(count, thread_name_prefix="use-case")
    asyncio.get_running_loop().set_default_executor(executor)
    try:
        yield
    finally:
        executor.shutdown(wait=False)  # a channel's thread may wait for the loop we are on
