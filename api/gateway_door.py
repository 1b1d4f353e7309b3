"""The door of gateways that cannot sign: a key of `wanneng channel add`, and an allowed network."""

from asyncio import to_thread

import structlog
from litestar import Response

from api.gateway_manners import AnyRequest, empty
from api.guards import bearer, runtime_of
from api.handlers import DATABASE_AWAY
from api.runtime import Runtime
from core.networks import client_address, is_within
from core.settings import Settings
from redemption.senders import Channel, SenderUnknown, authenticate_channel
from staff.signin import Unauthenticated

_log = structlog.get_logger("wanneng.gateways")


async def let_in(request: AnyRequest, route: str) -> Channel | Response[bytes]:
    """Return the gateway that asks, or its refusal without a body: 403, and nothing happens.

    503 where its key cannot be looked up: nothing was done, so it may simply ask again. The key
    stands in the address, for gateways that cannot send headers, or in Authorization.
    """
    runtime = runtime_of(request)
    networks = runtime.settings.allowed_networks
    if networks and not is_within(address_of(request, runtime.settings), networks):
        _log.warning("network_refused", route=route)
        return empty(403)
    key = request.path_params.get("key") or _bearer(request)
    try:
        return await to_thread(_channel, runtime, str(key))
    except SenderUnknown:
        _log.warning("key_refused", route=route)
        return empty(403)
    except DATABASE_AWAY as error:
        _log.error("key_not_looked_up", route=route, error=type(error).__name__)
        return empty(503)


def address_of(request: AnyRequest, settings: Settings) -> str:
    """Return the address of who asks, seen through our own proxies."""
    peer = request.client.host if request.client is not None else ""
    return client_address(peer, request.headers.getall("x-forwarded-for", []), settings.proxies)


def _bearer(request: AnyRequest) -> str:
    try:
        return bearer(request)
    except Unauthenticated:
        return ""


def _channel(runtime: Runtime, key: str) -> Channel:
    with runtime.db.read() as session:
        return authenticate_channel(session, key)
