"""Gathers the requests that arrive while a transaction is under way into the next list."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from redemption.engine import Redeemer
from redemption.requests import Answer, Code, Outcome, RedeemRequest


class Batcher:
    """Feeds the engine of one process from one event loop; no timer, one transaction at a time.

    At most `queue_limit` requests wait; one more is answered `try_later` at once, untouched.
    """

    def __init__(self, redeemer: Redeemer) -> None:
        self._redeemer = redeemer
        self._batch_limit = max(1, redeemer.db.settings.batch_limit)
        self._queue_limit = redeemer.db.settings.queue_limit
        self._waiting: deque[tuple[RedeemRequest, asyncio.Future[Outcome]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="redeem")
        self._runner: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether one more request would be answered `try_later`."""
        return len(self._waiting) >= self._queue_limit

    async def submit(self, request: RedeemRequest) -> Outcome:
        """Return the answer, committed; a slowed sender waits for it."""
        if self.is_full:
            return Outcome(Answer(code=Code.TRY_LATER))
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        outcome = await future
        if outcome.delay_s:
            await asyncio.sleep(outcome.delay_s)
        return outcome

    async def close(self) -> None:
        """Finish what waits, then stop."""
        if self._runner is not None:
            await self._runner
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            count = min(len(self._waiting), self._batch_limit)
            taken = [self._waiting.popleft() for _ in range(count)]
            requests = [request for request, _ in taken]
            try:
                outcomes = await loop.run_in_executor(self._thread, self._redeemer.redeem, requests)
            except Exception as error:
                for _, future in taken:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), outcome in zip(taken, outcomes, strict=True):
                if not future.done():  # its client may have gone; the answer is stored
                    future.set_result(outcome)
