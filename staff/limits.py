"""How often somebody may try to sign in: by username, and by source address."""

import hashlib
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import BlockingConnectionPool

from core.errors import DomainError

_BY_NAME: tuple[RateLimitItem, ...] = (
    RateLimitItemPerMinute(10, 15, namespace="sign_in_name"),
    RateLimitItemPerDay(50, 1, namespace="sign_in_name_day"),
)
_BY_ADDRESS: tuple[RateLimitItem, ...] = (
    RateLimitItemPerMinute(100, 15, namespace="sign_in_address"),
)


class TooManySignIns(DomainError):
    """Too many tries under this name or from this address; `retry_after_s` says when to go on."""

    code = "too_many_sign_ins"


@dataclass(frozen=True)
class SignInLimits:
    """The counters of tries. Where the shared ones cannot be reached, each process counts."""

    shared: MovingWindowRateLimiter
    own: MovingWindowRateLimiter

    @classmethod
    def of(cls, redis_url: str) -> "SignInLimits":
        """Return counters kept in Redis, or in this process where the address is empty."""
        own = MovingWindowRateLimiter(MemoryStorage())
        if not redis_url:
            return cls(own, own)
        pool = BlockingConnectionPool.from_url(
            redis_url, max_connections=8, timeout=2, socket_timeout=2, socket_connect_timeout=2
        )
        storage = RedisStorage(
            redis_url, connection_pool=pool, key_prefix="wanneng:limit", wrap_exceptions=True
        )
        return cls(MovingWindowRateLimiter(storage), own)

    def count(self, username: str, address: str | None) -> None:
        """Count one try before it is checked; raise TooManySignIns when the budget is used up."""
        self._hit(_BY_NAME, _key(username))
        if address is not None:
            self._hit(_BY_ADDRESS, _key(address))

    def forget(self, username: str) -> None:
        """Forget the tries under a name, after a success."""
        for item in _BY_NAME:
            for limiter in {self.shared, self.own}:
                try:
                    limiter.clear(item, _key(username))
                except StorageError:
                    continue

    def _hit(self, items: tuple[RateLimitItem, ...], key: str) -> None:
        for item in items:
            try:
                self._hit_one(self.shared, item, key)
            except StorageError:
                self._hit_one(self.own, item, key)

    @staticmethod
    def _hit_one(limiter: MovingWindowRateLimiter, item: RateLimitItem, key: str) -> None:
        if not limiter.hit(item, key):
            reset = limiter.get_window_stats(item, key).reset_time
            wait_s = max(1, int(reset - time.time()) + 1)
            raise TooManySignIns("too many sign-ins, wait and try again", retry_after_s=wait_s)


def _key(text: str) -> str:
    # A digest: people type passwords into the wrong field, and keys must be short and plain.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
