"""The framework with its handlers, loaded beside the first answers: redemptions do not wait for it.

Whoever asks for more than the quick ways know waits until it is loaded, part of a second. A process
that cannot load it ends, so that it is replaced or missed as one that did not start.
"""

import asyncio
import os
import signal
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from api.edge import AsgiApp, Receive, Scope, Send, send_json
from api.errors import PROBLEM_JSON, problem
from api.runtime import Runtime
from core.unswept import unswept

if TYPE_CHECKING:
    from litestar import Litestar

WAIT_S = 30
"""So long a request waits for the framework at most; then it is told to come again."""

_HEAD_START_S = 0.02
"""The server itself needs the interpreter until it listens, and those who waited come first."""

_log = structlog.get_logger("wanneng.api")


def load(runtime: Runtime) -> "Litestar":
    """Load all handlers; return the application that works with what is open already."""
    with unswept():
        from api.app import app_on  # the slow import that this module is for

        return app_on(runtime)


class Framework:
    """The application, once it is there."""

    def __init__(self, load: Callable[[Runtime], "Litestar"] = load) -> None:
        self._load = load
        self._app: AsgiApp | None = None
        self._is_settled = asyncio.Event()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request when the application is loaded; 503 where it does not come."""
        if self._app is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await self._is_settled.wait()
        if self._app is None:
            await _send_later(send)
            return
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def loading(self, runtime: Runtime) -> AsyncIterator[None]:
        """Load the application meanwhile, and let it work until the block ends."""
        working = asyncio.create_task(self._work(runtime))
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def _work(self, runtime: Runtime) -> None:
        try:
            await asyncio.sleep(_HEAD_START_S)
            app = await asyncio.to_thread(self._load, runtime)
            async with app.lifespan():
                self._app = app  # type: ignore[assignment]
                self._is_settled.set()
                await asyncio.Event().wait()  # until it is cancelled
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{last.filename}:{last.lineno}"
            _log.critical(
                "framework_failed", error=type(error).__name__, reason=str(error), place=place
            )
            self._is_settled.set()
            os.kill(os.getpid(), signal.SIGTERM)  # the server ends this worker in order


async def _send_later(send: Send) -> None:
    body = msgspec.json.encode(
        problem("try_later", "The server is just starting. Send the same request again.")
    )
    await send_json(send, 503, body, PROBLEM_JSON, ((b"retry-after", b"1"),))
