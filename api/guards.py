"""Who may call: partners and tills by key, staff by token, gateways by key or signature.

Guards run before a body is looked at. Who was found is a dependency: `actor`,
`sender`, `till` or `channel`.
"""

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers.base import BaseRouteHandler
from litestar.params import SkipValidation

from api.known_partners import KEY_PREFIX
from api.runtime import Runtime
from distribution.tills import Till, authenticate_till
from redemption.senders import (
    Channel,
    Partner,
    SignedRequest,
    authenticate_channel,
    authenticate_signed,
)
from staff.permissions import Actor, Permission, require
from staff.signin import Unauthenticated, authenticate

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

WithRuntime = NamedDependency[SkipValidation[Runtime]]
WithActor = NamedDependency[SkipValidation[Actor]]
WithSender = NamedDependency[SkipValidation[Partner | Actor]]
WithTill = NamedDependency[SkipValidation[Till]]
WithChannel = NamedDependency[SkipValidation[Channel]]

_LONGEST_TOKEN = 200


def staff(permission: Permission | None = None) -> Guard:
    """Return the guard that lets signed-in staff in, if the role holds the permission."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        connection.scope["user"] = await _actor(connection, permission)

    return guard


def partner_or_staff(permission: Permission) -> Guard:
    """Return the guard that lets partners in, and staff whose role holds the permission."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        token = bearer(connection)
        if token.startswith(KEY_PREFIX):
            connection.scope["user"] = await _partner(connection, token)
        else:
            connection.scope["user"] = await _actor(connection, permission)

    return guard


async def till_only(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let a till in by its own API key."""
    connection.scope["user"] = await to_thread(
        _till_by_key, runtime_of(connection), bearer(connection)
    )


async def gateway(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let a gateway in by its bearer key, or by its signature over time and body."""
    runtime = runtime_of(connection)
    if "x-signature" not in connection.headers:
        channel = await to_thread(_channel_by_key, runtime, bearer(connection))
    else:
        # The connection of an HTTP handler is its request, which keeps the body for the handler.
        body = await connection.body() if isinstance(connection, Request) else b""
        name = connection.headers.get("x-channel", "")
        signed = SignedRequest(name, connection.headers["x-signature"], body)
        channel = await to_thread(_channel_by_signature, runtime, signed)
    connection.scope["user"] = channel


def bearer(connection: Connection) -> str:
    """Return the token of the header Authorization; Unauthenticated without one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("send the header Authorization: Bearer, with your key or token")
    return token


def runtime_of(connection: Connection) -> Runtime:
    """Return the parts of the process that answers."""
    runtime: Runtime = connection.app.state.runtime
    return runtime


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return the signed-in member whom the guard let in."""
    actor: Actor = request.scope["user"]
    return actor


def sender_of(request: Request[Any, Any, Any]) -> Partner | Actor:
    """Return the partner or member whom the guard let in."""
    sender: Partner | Actor = request.scope["user"]
    return sender


def till_of(request: Request[Any, Any, Any]) -> Till:
    """Return the till that the guard let in."""
    till: Till = request.scope["user"]
    return till


def channel_of(request: Request[Any, Any, Any]) -> Channel:
    """Return the gateway that the guard let in."""
    channel: Channel = request.scope["user"]
    return channel


async def _partner(connection: Connection, key: str) -> Partner:
    runtime = runtime_of(connection)
    known = runtime.partners.remembered(key)
    if known is not None:
        return known
    return await to_thread(runtime.partners.look_up, runtime.db, key)


async def _actor(connection: Connection, permission: Permission | None) -> Actor:
    return await to_thread(_signed_in, runtime_of(connection), bearer(connection), permission)


def _signed_in(runtime: Runtime, token: str, permission: Permission | None) -> Actor:
    with runtime.db.read() as session:
        actor = authenticate(session, token)
    if permission is not None:
        require(actor, permission)
    return actor


def _till_by_key(runtime: Runtime, key: str) -> Till:
    with runtime.db.read() as session:
        return authenticate_till(session, key)


def _channel_by_key(runtime: Runtime, key: str) -> Channel:
    with runtime.db.read() as session:
        return authenticate_channel(session, key)


def _channel_by_signature(runtime: Runtime, signed: SignedRequest) -> Channel:
    with runtime.db.read() as session:
        return authenticate_signed(session, runtime.keys.get(), signed)
