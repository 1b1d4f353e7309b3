"""A pause that ends for many at once."""

import asyncio
from typing import Any

import pytest

from api.pause import Pause


def test_one_timer_lets_all_who_wait_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    async def three_one_after_the_other() -> None:
        loop, pause = asyncio.get_running_loop(), Pause(0.01)
        really = loop.call_later

        def noted(seconds: float, *more: Any) -> asyncio.TimerHandle:
            begun.append(seconds)
            return really(seconds, *more)

        monkeypatch.setattr(loop, "call_later", noted)
        tasks = []
        for _ in range(3):
            tasks.append(asyncio.create_task(pause.over()))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(three_one_after_the_other())
    assert begun == [0.01]


def test_all_who_wait_go_on_together_and_the_next_wait_anew() -> None:
    gone: list[str] = []

    async def wait(pause: Pause, name: str) -> None:
        await pause.over()
        gone.append(name)

    async def both() -> None:
        pause = Pause(0.01)
        first = [asyncio.create_task(wait(pause, name)) for name in "ab"]
        await asyncio.sleep(0)
        assert gone == []
        await asyncio.gather(*first)
        assert gone == ["a", "b"]
        again = asyncio.create_task(wait(pause, "c"))
        await asyncio.sleep(0)
        assert gone == ["a", "b"]
        await again

    asyncio.run(both())
    assert gone == ["a", "b", "c"]


def test_one_who_gives_up_does_not_end_it_for_the_others() -> None:
    async def three() -> list[object]:
        pause = Pause(0.01)
        tasks = [asyncio.create_task(pause.over()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, second, third = asyncio.run(three())
    assert (first, third) == (None, None)
    with pytest.raises(asyncio.CancelledError):
        raise second  # type: ignore[misc]
