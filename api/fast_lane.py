"""The quick way for the calls that matter most: a partner redeems one card, or several.

It takes a request only where nothing about it is unusual, and answers it with the same functions
as the calls in `api/redemptions.py`. Everything else (staff, a key that is not valid, a wrong
header, a body that is not as asked for) goes on to the application untouched, which knows all
refusals. It spares the framework's work on each request (docs/performance.md), and redeems before
the framework is loaded. Where the queue is full it refuses before it looks at anything: in an
overload most of the work would be for those. Such a refusal leaves at the end of a half second that
all share: whoever has it at once asks again at once, and to refuse him takes what redemptions need.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec

from api.access import Access
from api.edge import SECURITY_HEADERS, AsgiApp, Message, Receive, Scope, Send, too_slow
from api.errors import PROBLEM_JSON
from api.fields import Key
from api.known_partners import KEY_PREFIX
from api.patience import Patience
from api.pause import Pause
from api.redeeming import PARTNER_CHANNEL, BulkBody, RedeemBody, request_of
from api.refusals import Rendered, bulk_answers, render
from api.runtime import Runtime
from core.errors import DomainError
from redemption.requests import Answer, Code, Outcome
from redemption.senders import Partner

PATH = "/api/v1/redemptions"
BULK_PATH = f"{PATH}/bulk"

_REFUSED_AFTER_S = 0.5
"""At most; in an overload those who are let in wait about as long."""
_JSON = b"application/json"
_HEADS = {
    name: ((b"content-type", name.encode()), *SECURITY_HEADERS)
    for name in ("application/json", PROBLEM_JSON)
}
_UNUSUAL = {b"content-encoding", b"transfer-encoding"}
_NOT_PLAIN = (msgspec.MsgspecError, UnicodeError, RecursionError, DomainError)

_one = msgspec.json.Decoder(RedeemBody)
_many = msgspec.json.Decoder(BulkBody)
_Sent = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Lane:
    """One call. `answer` returns None where the application must look at it more closely.

    A short body has come with its head; a long one must be read even for a refusal, or its sender
    is cut off.
    """

    path: str
    longest_body: int
    refuses_unread: bool
    answer: Callable[[Runtime, Partner, _Sent, bytes], Awaitable[Rendered | None]]


def with_fast_lane(
    app: AsgiApp, access: Access, runtime_of: Callable[[], Runtime | None], body_seconds: float
) -> AsgiApp:
    """Return the application with its quick way for redemptions by partners."""
    patience, pause = Patience(body_seconds), Pause(_REFUSED_AFTER_S)

    async def later(lane: _Lane, send: Send) -> None:
        access.note_shed(PARTNER_CHANNEL, Code.TRY_LATER, lane.path, _LATER.status)
        await pause.over()
        await send(_LATER_START)
        await send({"type": "http.response.body", "body": _LATER_BODY})

    async def way(scope: Scope, receive: Receive, send: Send) -> None:
        lane = _LANES.get(scope["path"]) if scope["type"] == "http" else None
        runtime = runtime_of() if lane is not None else None
        if lane is None or runtime is None or scope["method"] != "POST" or scope["query_string"]:
            await app(scope, receive, send)
            return
        started = perf_counter()
        if runtime.batcher.is_full and lane.refuses_unread:
            await later(lane, send)
            return
        first = await patience.first(receive)
        if first is None:
            await app(scope, too_slow, send)
            return
        if runtime.batcher.is_full:  # many come in while there is room, and wait for their body
            await later(lane, send)
            return
        answered = await _answered(lane, runtime, scope["headers"], first)
        if answered is _LATER:
            await later(lane, send)
            return
        if answered is None:
            await app(scope, _again(first, receive), send)
            return
        await _send(send, answered)
        access.note("POST", lane.path, answered.status, perf_counter() - started)

    return way


async def _answered(
    lane: _Lane, runtime: Runtime, headers: list[tuple[bytes, bytes]], first: Message
) -> Rendered | None:
    sent, body = dict(headers), first.get("body", b"")
    if (
        len(sent) != len(headers)  # one came twice
        or sent.get(b"content-length") != b"%d" % len(body)  # there is more to come
        or len(body) > lane.longest_body
        or sent.get(b"content-type") != _JSON
        or not _UNUSUAL.isdisjoint(sent)
    ):
        return None
    scheme, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme != "Bearer" or not token.startswith(KEY_PREFIX):
        return None
    partner = await _partner(runtime, token)
    if partner is None:
        return None
    if runtime.batcher.is_full:  # since it waited for the database to know the key
        return _LATER
    return await lane.answer(runtime, partner, sent, body)


async def _partner(runtime: Runtime, token: str) -> Partner | None:
    partners, db = runtime.partners, runtime.db
    partner = partners.remembered(token)
    if partner is None:
        return await runtime.loop.run_in_executor(None, partners.find, db, token)
    if partners.is_due(token):
        runtime.loop.run_in_executor(None, partners.look_up_again, db, token)
    return partner


async def _redeem(runtime: Runtime, partner: Partner, sent: _Sent, body: bytes) -> Rendered | None:
    try:
        key = msgspec.convert(sent.get(b"idempotency-key", b"").decode("ascii"), Key)
        asked = request_of(partner, key, _one.decode(body))
    except _NOT_PLAIN:
        return None
    return render(await runtime.redeem(asked), runtime.db.clock())


async def _redeem_many(
    runtime: Runtime, partner: Partner, _sent: _Sent, body: bytes
) -> Rendered | None:
    try:
        asked = [request_of(partner, item.key, item) for item in _many.decode(body).items]
    except _NOT_PLAIN:
        return None
    return Rendered(200, bulk_answers(asked, await runtime.redeem_all(asked)))


_LANES = {
    lane.path: lane
    for lane in (
        _Lane(PATH, 2_000, True, _redeem),
        _Lane(BULK_PATH, 60_000, False, _redeem_many),
    )
}


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that gives the message read already once more."""
    waiting = [first]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _start(rendered: Rendered, body: bytes) -> dict[str, Any]:
    headers = [*_HEADS[rendered.media_type], (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), text.encode()) for name, text in rendered.headers.items()]
    return {"type": "http.response.start", "status": rendered.status, "headers": headers}


async def _send(send: Send, rendered: Rendered) -> None:
    body = rendered.body
    await send(_start(rendered, body))
    await send({"type": "http.response.body", "body": body})


_LATER = render(Outcome(Answer(code=Code.TRY_LATER)), datetime.min.replace(tzinfo=UTC))
_LATER_BODY = _LATER.body
_LATER_START = _start(_LATER, _LATER_BODY)
