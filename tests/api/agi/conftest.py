"""A FastAGI server over a furnished database."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from api.agi.server import serve
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from tests.api.world import World, furnish
from tests.clocks import FakeClock


@dataclass(frozen=True)
class Serving:
    """A server that answers, and what lies behind it."""

    world: World
    port: int


@contextmanager
def serving(settings: Settings, clock: FakeClock) -> Iterator[int]:
    """Serve in a thread with a loop of its own until the block ends."""
    started: Future[int] = Future()
    ending: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ending.append((loop, stop))
        port: asyncio.Future[int] = loop.create_future()
        port.add_done_callback(lambda done: started.set_result(done.result()))
        await serve(settings, "127.0.0.1", 0, stop, clock, port)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        yield started.result(30)
    finally:
        loop, stop = ending[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def world(db: Database, keys: Keys) -> World:
    """A furnished database."""
    return furnish(db, keys)


@pytest.fixture
def agi(world: World, clock: FakeClock) -> Iterator[Serving]:
    """The server, with nothing special in its settings."""
    with serving(replace(world.db.settings), clock) as port:
        yield Serving(world, port)
