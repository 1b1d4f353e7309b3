"""What stands around the application: security headers, refused duplicates, log, measures."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from api.access import Access
from api.errors import PROBLEM_JSON, BodyTooSlow, HeaderDuplicated, problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""On every response, unless the response sets the header itself."""

TOO_SLOW = "the body did not come in time; send the request again"

MOST_UNREAD_BYTES = 4_000_000
UNREAD_WAIT_S = 5

_ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"x-channel",
        b"x-signature",
    }
)


def with_edge(app: AsgiApp, access: Access, body_seconds: float) -> AsgiApp:
    """Return the application with its edge; a body must come within `body_seconds` of its head."""

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0
        body = _Body(scope["headers"], receive, body_seconds)

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                await body.read_rest()
                status = message["status"]
                message["headers"] = _with_security([*message.get("headers", ())])
            await send(message)

        try:
            if _has_duplicates(scope["headers"]):
                await _refuse_duplicates(send_on)
            else:
                await app(scope, body.receive, send_on)
        finally:
            route = scope.get("path_template") or "none"
            access.note(scope["method"], route, status, time.perf_counter() - started)

    return edge


async def send_json(
    send: Send,
    status: int,
    body: bytes,
    media_type: str = "application/json",
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Answer with JSON that was written already."""
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Body:
    """A request's body on its way in.

    An answer given before the body was read may end the connection, and a client that still sends
    never see the answer. So the rest is read first and thrown away, within limits.
    """

    def __init__(
        self, headers: list[tuple[bytes, bytes]], receive: Receive, seconds: float
    ) -> None:
        self._receive = receive
        sent = dict(headers)
        length = sent.get(b"content-length", b"0")
        self._left = int(length) if length.isdigit() and len(length) < 16 else None
        if b"transfer-encoding" in sent:
            self._left = None
        self._is_read = self._left == 0
        self._until = asyncio.get_running_loop().time() + seconds

    async def receive(self) -> Message:
        """Return the next message of the client; BodyTooSlow where the body takes too long."""
        if self._is_read:
            return await self._receive()
        message = None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        if message is None:
            self._is_read = True  # nobody waits for the rest of it
            # Not where the time-out was caught: the server would keep the connection as long as
            # somebody keeps this error, if what it waited for hung on it.
            raise BodyTooSlow(TOO_SLOW)
        if self._left is not None:
            # The server may tell of the end in a message of its own; spare waiting for it.
            self._left -= len(message.get("body", b""))
        if (
            message["type"] != "http.request"
            or not message.get("more_body", False)
            or self._left == 0
        ):
            self._is_read = True
        return message

    async def read_rest(self) -> None:
        """Read what the application left, at most MOST_UNREAD_BYTES and for UNREAD_WAIT_S."""
        if self._is_read:
            return
        left = MOST_UNREAD_BYTES
        with suppress(TimeoutError, BodyTooSlow):
            async with asyncio.timeout(UNREAD_WAIT_S):
                while not self._is_read and left > 0:
                    left -= len((await self.receive()).get("body", b""))


def _has_duplicates(headers: list[tuple[bytes, bytes]]) -> bool:
    names = [name for name, _ in headers if name in _ONCE]
    return len(names) != len(set(names))


def _with_security(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    return headers + [item for item in SECURITY_HEADERS if item[0] not in present]


async def _refuse_duplicates(send: Send) -> None:
    body = msgspec.json.encode(
        problem(HeaderDuplicated.code, "A header that may come only once came twice.")
    )
    await send_json(send, 400, body, PROBLEM_JSON)
