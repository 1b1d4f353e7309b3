"""A pause that ends for many at once."""

import asyncio
from typing import Any

import pytest

from api.pause import Pause


def test_one_timer_does_all_that_was_asked_in_the_meantime(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []
    done: list[int] = []

    async def three_one_after_the_other() -> None:
        loop, pause, ended = asyncio.get_running_loop(), Pause(0.01), asyncio.Event()
        really = loop.call_later

        def noted(seconds: float, *more: Any) -> asyncio.TimerHandle:
            begun.append(seconds)
            return really(seconds, *more)

        monkeypatch.setattr(loop, "call_later", noted)
        for number in range(3):
            pause.at_its_end(lambda number=number: done.append(number))  # type: ignore[misc]
            await asyncio.sleep(0)
        assert done == []
        pause.at_its_end(ended.set)
        await ended.wait()

    asyncio.run(three_one_after_the_other())
    assert begun == [0.01]
    assert done == [0, 1, 2]


def test_what_comes_after_the_end_waits_for_a_pause_of_its_own() -> None:
    done: list[str] = []

    async def twice() -> None:
        pause, ended = Pause(0.01), asyncio.Event()
        pause.at_its_end(lambda: done.append("a"))
        pause.at_its_end(lambda: pause.at_its_end(ended.set))
        pause.at_its_end(lambda: done.append("b"))
        await asyncio.sleep(0)
        assert done == []
        await ended.wait()

    asyncio.run(twice())
    assert done == ["a", "b"]
