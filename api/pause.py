"""A pause that ends for many at once."""

import asyncio


class Pause:
    """Lets all who came within `seconds` go on together at their end; one timer for all.

    For one event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: asyncio.Event | None = None

    async def over(self) -> None:
        """Wait for the end of the pause that is on, or of a new one."""
        if self._end is None:
            self._end = asyncio.Event()
            asyncio.get_running_loop().call_later(self._seconds, self._let_go, self._end)
        await self._end.wait()

    def _let_go(self, end: asyncio.Event) -> None:
        self._end = None
        end.set()
