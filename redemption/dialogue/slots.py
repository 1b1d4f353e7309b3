"""Small JSON values in Redis that change by compare-and-set and run out by themselves."""

from redis import Redis, WatchError


def read(redis: Redis, key: str) -> bytes | None:
    """Return what stands under a key; raises RedisError."""
    found = redis.get(key)
    return found if isinstance(found, bytes) else None


def swap(redis: Redis, key: str, old: bytes | None, new: bytes, seconds: int) -> bool:
    """Write `new` if `old` stands there still; tell whether it did. Raises RedisError."""
    with redis.pipeline() as pipe:
        pipe.watch(key)  # type: ignore[no-untyped-call]
        if pipe.get(key) != old:
            return False
        pipe.multi()
        pipe.set(key, new, ex=seconds)
        try:
            pipe.execute()
        except WatchError:
            return False
    return True


def count(redis: Redis, key: str, seconds: int) -> int:
    """Count one more under a key and return the count; raises RedisError."""
    with redis.pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, seconds, nx=True)
        return int(pipe.execute()[0])
