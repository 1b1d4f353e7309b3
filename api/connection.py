"""One client's connection: the HTTP server's own, with a quick way and an end to every wait.

The server's protocol reads and writes HTTP and runs the application. Here a request that has a
lane (`api/fast_lane.py`) is answered where it stands, without any of that; and whoever sends or
reads too slowly, or sends a head without end, is cut off, for which the server has no bounds.
Names that are not ours are the server's (decision 0028).
"""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import structlog
from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpRequestParser,
)
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.errors import problem
from api.fast_lane import LATER, Arrival
from api.refusals import Rendered
from api.request_head import has_path, without_upgrade
from api.written import written

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

    from api.server import Application

LONGEST_HEAD = 65_536
"""Bytes of a request's head."""
MOST_DROPPED = 4_000_000
"""Bytes that come after an answer, or instead of a wait for it, and are thrown away."""
LEAST_TAKEN = 65_536
"""Bytes of an answer that a client takes in the time it has, or is cut off."""
MOST_CONNECTIONS = 8_192
"""Of a worker: more than may wait for the engine, since each is told to come later."""

_log = structlog.get_logger("wanneng.api")
_HEAD_TOO_LONG = Rendered(
    431, problem("head_too_long", "The head of the request is longer than this server accepts.")
)
_FAULT = Rendered(500, problem("internal", "The server has a fault of its own; tell the operator."))
_NOT_HTTP = Rendered(400, problem("request_refused", "The request cannot be understood."))


class Connection(HttpToolsProtocol):
    """A connection from its first byte to its last; one request after the other.

    What comes before the last answer is complete is not read: the connection ends with that
    answer, as HTTP lets a server do, and whoever did not wait for it sends the rest again.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        application: Application = config.loaded_app
        self._lane, self._patience = application.lane, application.patience
        self._is_surplus = False
        self._is_in_head = False
        self._is_whole = True
        self._is_ending = False
        self._calls = 0  # of the parser, which keeps what comes until it can make one
        self._kept_bytes = self._head_bytes = self._dropped_bytes = 0
        self._untaken_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request; beyond MOST_CONNECTIONS to be told to come later."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvloop's own is none by name
        self._is_surplus = len(self.connections) > MOST_CONNECTIONS
        self._patience.wait_for(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._patience.came(self)
        super().connection_lost(exc)
        if not self._is_answering:
            self.cycle = None  # type: ignore[assignment]  # as before the first; each holds the other

    def data_received(self, data: bytes) -> None:
        """Read what has come, and see who has to go on."""
        if self._is_ending:
            self._drop(data)
            return
        calls, is_head = self._calls, self._is_whole or self._is_in_head
        try:
            self._feed(data)
        except HttpParserCallbackError as error:  # its text may be what was sent
            _log.error("connection_failed", error=type(error.__context__).__name__)
            self._end_with(_FAULT)
        except HttpParserError:
            self._end_with(_NOT_HTTP)
        is_kept = (is_head and self._is_in_head) or self._calls == calls
        self._kept_bytes = self._kept_bytes + len(data) if is_kept else 0
        if self._kept_bytes > LONGEST_HEAD:
            self._end_with(_HEAD_TOO_LONG)
        if self._is_waiting and not self.transport.is_closing():
            self._patience.wait_for(self)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if not self._asks_for_upgrade:
                self._end_after_answer()
                return
            # The parser took the body for another protocol's. We speak none: read it once more.
            method, version = self.parser.get_method(), self.parser.get_http_version()
            head = without_upgrade(method, self.url, version, self.headers)
            self.parser = HttpRequestParser(self)
            self.parser.feed_data(head + data[upgrade.args[0] :])

    def on_message_begin(self) -> None:
        """A request begins."""
        self._calls += 1
        if self._is_answering:
            self._end_after_answer()
        if not self._is_ending:
            super().on_message_begin()
            self._head_bytes = self._kept_bytes = self._dropped_bytes = 0
            self._is_in_head, self._is_whole = True, False
            self._has_come()

    def on_url(self, url: bytes) -> None:
        """Keep a part of the address."""
        self._calls += 1
        if not self._is_ending:
            super().on_url(url)
            self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. One that comes after the body is none: nobody would look at it again."""
        self._calls += 1
        if self._is_ending:
            return
        self._count_head(len(name) + len(value))
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Have a request with a lane wait for its body, and the application take all others."""
        self._calls += 1
        if self._is_ending or self._asks_for_upgrade:
            return
        if self._is_surplus:
            self._lane.note_surplus()
            self._end_with(LATER)
            return
        arrival = self._arrival()
        if arrival is None and not has_path(self.url):
            self._end_with(_NOT_HTTP)
            return
        self._is_in_head = False
        self._has_come()  # the body has a time of its own
        if arrival is None:
            super().on_headers_complete()
            return
        self.cycle = quick = _Quick(self, arrival, keep_alive=self.parser.should_keep_alive())
        if arrival.is_refused_unread:
            quick.is_refused = True
            self._lane.refuse(arrival, quick)

    def on_body(self, body: bytes) -> None:
        """Keep a part of a body."""
        self._calls += 1
        if self._is_ending:
            return
        if not self._is_answering:
            self._drop(body)
        elif type(self.cycle) is _Quick:
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request with a lane, now that it is whole."""
        self._calls += 1
        if self._is_ending or self._asks_for_upgrade:
            return
        self._is_whole = True
        self._has_come()
        if not self._is_answering:
            return
        if type(self.cycle) is not _Quick:
            super().on_message_complete()
            return
        if not self.cycle.is_refused:
            self._lane.take(self.cycle.arrival, bytes(self.cycle.body), self.cycle)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the end."""
        self.server_state.total_requests += 1
        self._patience.wait_for(self)
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        super().pause_writing()
        self._untaken_bytes = self.transport.get_write_buffer_size()
        self._patience.came(self)
        self._patience.wait_for(self)

    def resume_writing(self) -> None:
        """Wait no more: he has read. Whatever else he has to do he has the whole time for."""
        super().resume_writing()
        self._patience.came(self)
        if self._is_waiting or self.transport.is_closing():
            self._patience.wait_for(self)

    def shutdown(self) -> None:
        """End with the request under way, which may not have come whole: the server ends."""
        if self._is_answering:
            self.cycle.keep_alive = False
        else:
            self._close()

    def give_up(self) -> None:
        """Cut the client off: it has not sent, or taken, what it was waited for."""
        left = self.transport.get_write_buffer_size()
        if self.flow.write_paused and left <= self._untaken_bytes - LEAST_TAKEN:
            self._untaken_bytes = left
            self._patience.wait_for(self)
        elif left or self.transport.is_closing():
            self.transport.abort()
        elif not self._is_answering:
            self._close()
        elif type(self.cycle) is _Quick and not (self._is_whole or self.cycle.is_refused):
            refused = self._lane.too_slow(self.cycle.arrival)
            self.cycle.answer(refused, is_last=True)

    @property
    def _asks_for_upgrade(self) -> bool:
        """Whether a head has been read that offers another protocol: many clients offer HTTP/2."""
        if not self._is_in_head or not self.parser.should_upgrade():
            return False
        return self.parser.get_method() != b"CONNECT"

    @property
    def _is_answering(self) -> bool:
        """Whether a request has an answer to come."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_waiting(self) -> bool:
        """Whether the client has to go on: with a head, with a body that no edge waits for."""
        if not self._is_answering:
            return True
        return type(self.cycle) is _Quick and not self._is_whole

    def _has_come(self) -> None:
        """Wait for the client no more, unless he does not read."""
        if not self.flow.write_paused:
            self._patience.came(self)

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > LONGEST_HEAD:
            self._end_with(_HEAD_TOO_LONG)

    def _drop(self, data: bytes) -> None:
        """Throw away what nobody waits for: its sender is to read the answer first."""
        self._dropped_bytes += len(data)
        if self._dropped_bytes > MOST_DROPPED:
            self.transport.abort()

    def _arrival(self) -> Arrival | None:
        """Return what has a lane."""
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        return self._lane.arrival(self.url, self.headers)

    def _end_after_answer(self) -> None:
        """Read no more, and close the connection when the request under way is answered."""
        if self._is_answering:
            self._is_ending = True
            self.cycle.keep_alive = False
        else:
            self._close()

    def _end_with(self, rendered: Rendered) -> None:
        """End with this answer to what is read now; one under way to what came before is first."""
        if self._is_ending:
            return
        if self._is_answering and self._is_whole:
            self._end_after_answer()
        elif self._is_answering:
            self._break_off(rendered)
        else:
            if self._is_whole or self._is_in_head:  # else it has its answer already
                self._write(rendered)
            self._close()

    def _break_off(self, rendered: Rendered) -> None:
        """Answer a request whose body cannot be read any further."""
        cycle = self.cycle
        if type(cycle) is not _Quick:
            if not cycle.response_started:
                self._write(rendered)
            cycle.disconnected = True
            cycle.message_event.set()
            self._close()
        elif cycle.is_refused:
            self._end_after_answer()
        else:
            self._is_ending = True
            cycle.answer(rendered, is_last=True)

    def _write(self, rendered: Rendered) -> None:
        self.transport.write(written(rendered, self.server_state.default_headers, keep_alive=False))

    def _close(self) -> None:
        """Close, and abort later where the client does not take what is left."""
        self._is_ending = True
        self._patience.came(self)
        self._patience.wait_for(self)
        self.transport.close()


class _Nobody:
    """Whom the server tells of more to read, where nobody waits for it."""

    def set(self) -> None:
        """Do nothing."""


class _Quick(RequestResponseCycle):
    """A request that has a lane; what the server makes of any other, once it is passed on."""

    message_event = cast("asyncio.Event", _Nobody())

    def __init__(self, connection: Connection, arrival: Arrival, *, keep_alive: bool) -> None:
        # The server's own is only for what is passed on: it is a tenth of a request's time.
        self.connection = connection
        self.arrival = arrival
        self.keep_alive = keep_alive
        self.scope = connection.scope
        self.body = bytearray()
        self.is_refused = self.disconnected = self.response_complete = False

    def answer(self, rendered: Rendered, *, is_last: bool = False) -> None:
        """Send the answer; the connection ends with it where `is_last`."""
        connection, keep_alive = self.connection, self.keep_alive and not is_last
        own = connection.server_state.default_headers
        reply = written(rendered, own, keep_alive=keep_alive)
        del self.connection, self.arrival  # each would hold the other for ever
        self.response_complete = True
        if connection.transport.is_closing():
            connection.cycle = None  # type: ignore[assignment]  # as before the first
            return
        connection.transport.write(reply)
        if not keep_alive:
            connection.transport.close()
        connection.on_response_complete()

    def pass_on(self) -> None:
        """Have the application answer, as if the request had just come."""
        connection, arrival, body = self.connection, self.arrival, self.body
        del self.connection, self.arrival
        if connection.transport.is_closing():
            self.response_complete = True
            return
        path = arrival.lane.path
        named = {"method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        super().__init__(
            scope=cast("HTTPScope", self.scope | named),
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=self.keep_alive,
            on_response=connection.on_response_complete,
        )
        self.body, self.more_body = body, False
        self.message_event.set()
        connection._start_asgi_task(self, connection.app)
