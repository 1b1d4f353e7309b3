"""Replies to texts that are delivered again. Best effort: without Redis they are made anew."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog
from redis import Redis, RedisError

from redemption.dialogue import slots

KEPT_S = 3600
"""Gateways repeat a delivery within minutes."""

_log = structlog.get_logger(__name__)
T = TypeVar("T")


def once(
    redis: Redis,
    key: str,
    kind: type[T],
    make: Callable[[], T],
    is_kept: Callable[[T], bool] = lambda _: True,
) -> T:
    """Return the reply made before for this key, else make it, and keep it where `is_kept` says so.

    Only for replies that hold no secret and whose making may safely happen twice.
    """
    slot = "wanneng:reply:" + hashlib.sha256(key.encode()).hexdigest()
    kept = _kept(redis, slot)
    if kept is not None:
        return msgspec.json.decode(kept, type=kind)
    reply = make()
    if not is_kept(reply):
        return reply
    try:
        if not slots.swap(redis, slot, None, msgspec.json.encode(reply), KEPT_S):
            kept = _kept(redis, slot)
    except RedisError as error:
        _log.warning("reply_not_kept", error=type(error).__name__)
    return reply if kept is None else msgspec.json.decode(kept, type=kind)


def _kept(redis: Redis, slot: str) -> bytes | None:
    try:
        return slots.read(redis, slot)
    except RedisError as error:
        _log.warning("reply_not_looked_up", error=type(error).__name__)
        return None
