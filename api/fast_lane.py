"""The quick way for the call that matters most: a partner redeems one card.

It takes a request only where nothing about it is unusual, and answers it with the same functions
as the call in `api/redemptions.py`. Everything else (staff, a key not seen a moment ago, a wrong
header, a body that is not as asked for) goes on to the application untouched, which knows all
refusals. It spares the framework's work on each request, a third of what the server did for a
redemption (docs/performance.md).
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from api.edge import AsgiApp, Message, Receive, Scope, Send
from api.fields import Key
from api.redeeming import PARTNER_CHANNEL, RedeemBody, request_of
from api.refusals import Rendered, render
from api.runtime import Runtime
from core.errors import DomainError
from redemption.requests import Answer, Code, Outcome, RedeemRequest

PATH = "/api/v1/redemptions"
_LONGEST_BODY = 2_000
_HEADERS = {b"authorization", b"content-length", b"content-type", b"idempotency-key"}
_UNUSUAL = {b"content-encoding", b"transfer-encoding"}

_LATER = render(Outcome(Answer(code=Code.TRY_LATER)), datetime.min.replace(tzinfo=UTC))
_body = msgspec.json.Decoder(RedeemBody)


def with_fast_lane(app: AsgiApp, runtime_of: Callable[[], Runtime | None]) -> AsgiApp:
    """Return the application with its quick way for single redemptions by partners."""

    async def lane(scope: Scope, receive: Receive, send: Send) -> None:
        runtime = runtime_of() if _is_redemption(scope) else None
        if runtime is None:
            await app(scope, receive, send)
            return
        first = await receive()
        if runtime.batcher.is_full:
            # Before any work on it: in an overload most of the work would be for the refused.
            scope["path_template"] = PATH
            runtime.metrics.shed(PARTNER_CHANNEL, Code.TRY_LATER)
            await _answer(_LATER, send)
            return
        asked = _plain_request(scope, first, runtime)
        if asked is None:
            await app(scope, _again(first, receive), send)
            return
        scope["path_template"] = PATH
        outcome = await runtime.redeem(asked)
        await _answer(render(outcome, runtime.db.clock()), send)

    return lane


def _is_redemption(scope: Scope) -> bool:
    return bool(
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"] == PATH
        and not scope["query_string"]
    )


def _plain_request(scope: Scope, first: Message, runtime: Runtime) -> RedeemRequest | None:
    """Return what is asked, or None where the application must look at it more closely."""
    sent = dict(scope["headers"])
    body = first.get("body", b"")
    if (
        first["type"] != "http.request"
        or len(body) > _LONGEST_BODY
        or not sent.keys() >= _HEADERS
        or not _UNUSUAL.isdisjoint(sent)
        or sent[b"content-type"] != b"application/json"
        or sent[b"content-length"] != b"%d" % len(body)  # there is more to come
    ):
        return None
    scheme, _, token = sent[b"authorization"].decode("latin-1").partition(" ")
    partner = runtime.partners.remembered(token) if scheme == "Bearer" else None
    if partner is None:
        return None
    try:
        key = msgspec.convert(sent[b"idempotency-key"].decode("ascii"), Key)
        return request_of(partner, key, _body.decode(body))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, DomainError):
        return None


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that gives the message read already once more."""
    waiting = [first]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _answer(rendered: Rendered, send: Send) -> None:
    body = rendered.body
    headers = [
        (b"content-type", rendered.media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in rendered.headers.items()),
    ]
    await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
