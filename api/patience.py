"""Waiting for what a client sends, with an end to it."""

import asyncio
from typing import Any

from api.edge import Message, Receive


class Patience:
    """Ends waits that take longer than `seconds`, at the latest after another quarter of that.

    One timer looks at all of them, since one for each would cost as much as reading a request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def first(self, receive: Receive) -> Message | None:
        """Return a client's first message, or None where that takes too long."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise AssertionError("a request is answered in a task")
        self._began[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 4, self._look, loop)
        try:
            return await receive()
        except asyncio.CancelledError:
            if task in self._began:
                raise
            task.uncancel()
            return None
        finally:
            self._began.pop(task, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        latest = loop.time() - self._seconds
        for task in [task for task, began in self._began.items() if began <= latest]:
            del self._began[task]
            task.cancel()
        waits = bool(self._began)
        self._timer = loop.call_later(self._seconds / 4, self._look, loop) if waits else None
