"""The HTTP server in the process of the test, with an application that says little."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

from uvicorn.config import Config
from uvicorn.server import Server as HttpServer

from api.access import Access
from api.connection import Connection
from api.edge import AsgiApp, Receive, Scope, Send, send_json
from api.fast_lane import FastLane
from api.metrics import Metrics
from api.patience import Patience
from api.runtime import Runtime
from api.server import Application
from tests.api.sockets import WAIT_S

LARGE = 30_000_000


async def small(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer in a word."""
    await send_json(send, 200, b"{}")


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer more than any buffer takes."""
    await send_json(send, 200, b"x" * LARGE)


@contextlib.asynccontextmanager
async def serving_here(
    answer: AsgiApp, runtime: Runtime | None = None, patience: type[Patience] = Patience
) -> AsyncGenerator[tuple[HttpServer, tuple[str, int]]]:
    """Serve in this process, on a free port."""
    lane = FastLane(Access(Metrics()), lambda: runtime)
    config = Config(
        Application(answer, lane, patience(WAIT_S)),
        interface="asgi3",
        http=Connection,
        lifespan="off",
        proxy_headers=False,
        log_config=None,
        access_log=False,
    )
    server = HttpServer(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await server.startup([listening])
        yield server, listening.getsockname()
        await server.shutdown([listening])


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait until it is."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
