"""Where counters and dialogue state are kept: a Redis-protocol server, or this process's memory.

Nothing that must not be lost stands here. Whoever uses it catches redis.RedisError, which every
failure is (refused, timed out, out of connections), and goes on without. The clients are imported
where one is made: no card needs one, and a start would wait for them.
"""

import threading
from typing import TYPE_CHECKING, Final

from core.errors import ConfigurationError
from core.settings import Settings

if TYPE_CHECKING:
    import redis

CONNECTIONS: Final = 32
"""Connections per worker; whoever finds none free waits up to TIMEOUT_S for one."""

TIMEOUT_S: Final = 1.0
"""Longest wait for a connection, to connect, and for an answer."""


def connect(settings: Settings) -> "redis.Redis":
    """Return a client whose answers are bytes; it connects when first used.

    With an empty `redis_url` the data live in the client itself: call it once a process, and run
    one process only. Raises ConfigurationError for an address that is none.
    """
    if not settings.redis_url:
        import fakeredis

        return fakeredis.FakeRedis(server=fakeredis.FakeServer())
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        pool = redis.BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # A restarted server leaves dead connections behind: try a fresh one, once. After a
            # time-out the command may have been carried out, so that is not repeated.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            health_check_interval=30,
        )
    except ValueError as error:
        raise ConfigurationError(
            "WANNENG_REDIS_URL must be redis://…, rediss://… or unix://…"
        ) from error
    return redis.Redis.from_pool(pool)


class Connector:
    """Gives one client to all who ask; where there is an address it is made at once.

    Raises ConfigurationError for an address that is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client = connect(settings) if settings.redis_url else None

    def client(self) -> "redis.Redis":
        """Return the client."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._settings)
            return self._client

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            if self._client is not None:
                self._client.close()


def is_alive(client: "redis.Redis") -> bool:
    """Tell whether the server answers, within a few seconds."""
    import redis

    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
