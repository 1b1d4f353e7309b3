"""The FastAGI server: who may connect, how many at once, and its end."""

import asyncio
import ipaddress
from collections.abc import Sequence

import structlog

from api.agi.call import Menu, lead
from api.agi.peer import LONGEST_LINE, Peer
from api.metrics import Metrics
from api.runtime import running
from api.stopping import stopped_by_signal
from api.upkeep import upkeep
from core import log
from core.clock import Clock, system_clock
from core.errors import ConfigurationError
from core.settings import Settings

LONGEST_CALL_S = 1800
_FINISH_S = 15
"""So long calls under way may go on once the server was told to end."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_log = structlog.get_logger("wanneng.agi")


class AgiServer:
    """Leads the calls of one process; who is not allowed, or one too many, is hung up on.

    Asterisk then sets AGISTATUS to FAILURE and goes on in its dialplan.
    """

    def __init__(self, menu: Menu) -> None:
        self._menu = menu
        self._allowed = networks(menu.settings.agi_peers)
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return len(self._calls)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection's call, then close it."""
        task = asyncio.current_task()
        try:
            if task is None or not self._admits(writer):
                return
            self._calls.add(task)
            async with asyncio.timeout(LONGEST_CALL_S):
                await lead(self._menu, Peer(reader, writer))
        except TimeoutError:
            _log.warning("call_too_long")
        finally:
            if task is not None:
                self._calls.discard(task)
            await _close(writer)

    async def finish(self) -> None:
        """Let the calls under way end by themselves for a while, then cut them."""
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=_FINISH_S)
        for task in list(self._calls):
            task.cancel()

    def _admits(self, writer: asyncio.StreamWriter) -> bool:
        address = writer.get_extra_info("peername")[0]
        if not any(ipaddress.ip_address(address) in network for network in self._allowed):
            _log.warning("peer_not_allowed", address=address)
            return False
        if len(self._calls) >= self._menu.settings.agi_lines:
            _log.warning("lines_busy", lines=self._menu.settings.agi_lines)
            return False
        return True


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal says stop; ConfigurationError where it must not run like this."""
    networks(settings.agi_peers)
    log.configure(settings.log_format)
    asyncio.run(_run(settings, host, port))


async def _run(settings: Settings, host: str, port: int) -> None:
    stop = stopped_by_signal()
    await serve(settings, host, port, stop)


async def serve(
    settings: Settings,
    host: str,
    port: int,
    stop: asyncio.Event,
    clock: Clock = system_clock,
    started: "asyncio.Future[int] | None" = None,
) -> None:
    """Serve until `stop` is set; `started` is told the port."""
    async with running(settings, clock, Metrics()) as runtime, upkeep(runtime):
        server = AgiServer(Menu(runtime.dialogue, settings))
        try:
            listening = await asyncio.start_server(server.take, host, port, limit=LONGEST_LINE)
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port} ({error.strerror})") from None
        port = listening.sockets[0].getsockname()[1]
        _log.info("agi_serving", host=host, port=port)
        if started is not None:
            started.set_result(port)
        await stop.wait()
        listening.close()
        await server.finish()


def networks(text: str) -> Sequence[Network]:
    """Return the networks of a list of addresses; ConfigurationError for what is none."""
    try:
        return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",")]
    except ValueError:
        raise ConfigurationError(
            "WANNENG_AGI_PEERS must list addresses or networks: 127.0.0.1, 10.0.0.0/8"
        ) from None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return  # the other side was first
