"""Waiting for what a client sends, with an end to it."""

import asyncio
from typing import Protocol


class Slow(Protocol):
    """Somebody who is waited for."""

    def give_up(self) -> None:
        """Be waited for no more: it took too long."""


class Patience:
    """Ends waits that take longer than `seconds`, at the latest after another quarter of that.

    One timer looks at all of them, since one for each would cost as much as reading a request.
    For one event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: dict[Slow, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def wait_for(self, slow: Slow) -> None:
        """Begin to wait for somebody, or go on with it."""
        loop = asyncio.get_running_loop()
        self._began.setdefault(slow, loop.time())
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 4, self._look, loop)

    def came(self, slow: Slow) -> None:
        """Wait for somebody no more; no matter whether he was waited for."""
        self._began.pop(slow, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        latest = loop.time() - self._seconds
        for slow in [slow for slow, began in self._began.items() if began <= latest]:
            del self._began[slow]
            loop.call_soon(slow.give_up)  # each by itself: one that fails is not the others' fault
        waits = bool(self._began)
        self._timer = loop.call_later(self._seconds / 4, self._look, loop) if waits else None
