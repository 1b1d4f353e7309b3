"""Gathers the requests that arrive while a transaction is under way into the next list."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from msgspec.structs import replace

from core.settings import Settings
from redemption.children import ChildLost, Children
from redemption.engine import Redeemer
from redemption.requests import Answer, Code, Outcome, RedeemRequest

LISTS_IN_THREADS = 3
"""Where one interpreter prepares and answers all lists, one has it while the database works on the
others. With a process for each two do as much, since they are longer."""


def lists_at_once(settings: Settings) -> int:
    """Return how many lists one worker carries out at a time."""
    return 1 if settings.is_sqlite else settings.engine_processes or LISTS_IN_THREADS


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one call brought, which stays together."""

    requests: Sequence[RedeemRequest]
    answered: "asyncio.Future[Sequence[Outcome]]"


class Batcher:
    """Feeds the engine from one event loop; no timer.

    The first list begins at once; others beside it when their share waits: as many as the lists
    under way would have each, were there as many as there may be. So lists stay long under load,
    and the database is seldom without one. SQLite takes one at a time. At most `queue_limit`
    requests wait; more are answered `try_later` at once, untouched.

    Child processes carry the lists out; threads of this one where none is free, or there at all.
    They are started when requests first wait for a list, or two lists are under way. `decided` is
    told how long each list was and how many seconds it took.
    """

    def __init__(
        self,
        redeemer: Redeemer,
        children: Children | None = None,
        decided: Callable[[int, float], None] = lambda _size, _seconds: None,
    ) -> None:
        self._redeemer = redeemer
        self._children = children
        self._decided = decided
        self._batch_limit = max(1, redeemer.db.settings.batch_limit)
        self._queue_limit = redeemer.db.settings.queue_limit
        self._lists_at_once = lists_at_once(redeemer.db.settings)
        self._units: deque[_Unit] = deque()
        self._waiting = 0
        self._threads = ThreadPoolExecutor(self._lists_at_once, thread_name_prefix="redeem")
        self._under_way: dict[asyncio.Task[None], int] = {}

    @property
    def is_full(self) -> bool:
        """Whether one more request would be answered `try_later`."""
        return self._waiting >= self._queue_limit

    def submit_all(self, requests: Sequence[RedeemRequest]) -> "asyncio.Future[Sequence[Outcome]]":
        """Return what becomes the answers of requests that came together, in their order.

        They are committed then. How long their sender must wait for them is left to the caller
        (`delay_of`).
        """
        answered: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        if self.is_full:
            answered.set_result([Outcome(Answer(code=Code.TRY_LATER)) for _ in requests])
            return answered
        self._units.append(_Unit(requests, answered))
        self._waiting += len(requests)
        self._begin()
        return answered

    async def close(self) -> None:
        """Finish what waits, then stop."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        self._threads.shutdown()

    def _begin(self) -> None:
        """Have one more list made, where that may be; it takes what waits at the loop's next turn.

        So all that arrives in this turn goes together, and no other list begins meanwhile.
        """
        sizes = self._under_way.values()
        if not self._units or len(sizes) >= self._lists_at_once or 0 in sizes:
            return
        if self._waiting * self._lists_at_once >= sum(sizes):
            self._under_way[asyncio.create_task(self._carry_out())] = 0

    async def _carry_out(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a task
        units = self._take()
        requests = [request for unit in units for request in unit.requests]
        self._under_way[task] = len(requests)
        self._begin()
        started = perf_counter()
        try:
            outcomes = await self._redeem(requests)
        except Exception as error:
            for unit in units:
                if not unit.answered.done():
                    unit.answered.set_exception(error)
        else:
            _hand_out(units, outcomes)
        finally:
            del self._under_way[task]
            if self._children is not None and (self._units or self._under_way):
                self._children.begin()
            self._begin()
            self._decided(len(requests), perf_counter() - started)

    async def _redeem(self, requests: Sequence[RedeemRequest]) -> Sequence[Outcome]:
        if self._children is None:
            return await self._in_thread(requests)
        try:
            return await self._children.redeem(requests) or await self._in_thread(requests)
        except ChildLost:
            # It may have committed, or still be about to.
            return [_perhaps(outcome) for outcome in await self._in_thread(requests)]

    async def _in_thread(self, requests: Sequence[RedeemRequest]) -> Sequence[Outcome]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._redeemer.redeem, requests)

    def _take(self) -> list[_Unit]:
        """Take the units that wait, up to the limit; one alone may be longer."""
        taken: list[_Unit] = []
        count = 0
        while self._units and (
            not taken or count + len(self._units[0].requests) <= self._batch_limit
        ):
            unit = self._units.popleft()
            count += len(unit.requests)
            taken.append(unit)
        self._waiting -= count
        return taken


def delay_of(outcomes: Sequence[Outcome]) -> int:
    """Return how many seconds the sender of these waits for the answers, since it was slowed."""
    return max((outcome.delay_s for outcome in outcomes), default=0)


def _perhaps(outcome: Outcome) -> Outcome:
    is_later = outcome.answer.code is Code.TRY_LATER
    return replace(outcome, is_unknown=True) if is_later else outcome


def _hand_out(units: Sequence[_Unit], outcomes: Sequence[Outcome]) -> None:
    rest = iter(outcomes)
    for unit in units:
        answers = [next(rest) for _ in unit.requests]
        if not unit.answered.done():  # its client may have gone; the answers are stored
            unit.answered.set_result(answers)
