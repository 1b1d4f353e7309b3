"""A pause that ends for many at once."""

import asyncio
from collections.abc import Callable


class Pause:
    """Does what is asked of it within `seconds` together at their end; one timer for all.

    For one event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: list[Callable[[], None]] = []

    def at_its_end(self, act: Callable[[], None]) -> None:
        """Do this at the end of the pause that is on, or of a new one."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._seconds, self._let_go)
        self._waiting.append(act)

    def _let_go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for act in waiting:  # each by itself: one that fails is not the others' fault
            asyncio.get_running_loop().call_soon(act)
