"""Partners by key, remembered for a few seconds, so that redemptions need not ask each time."""

import hashlib
import threading
import time
from collections.abc import Callable

from core.db import Database
from redemption.senders import Partner, authenticate_partner

REMEMBERED_S = 5.0
"""A disabled or changed key is refused after so long at the latest."""

_MOST = 1000


class KnownPartners:
    """Remembers, by the hash of the key, who it belongs to; keys not valid are not remembered."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._known: dict[bytes, tuple[Partner, float]] = {}
        self._lock = threading.Lock()

    def remembered(self, key: str) -> Partner | None:
        """Return the partner if its key was seen to be valid a moment ago."""
        found = self._known.get(_hash(key))
        return found[0] if found is not None and self._now_s() < found[1] else None

    def look_up(self, db: Database, key: str) -> Partner:
        """Return the partner that holds the key, from the database; raises SenderUnknown."""
        with db.read() as session:
            partner = authenticate_partner(session, key)
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[_hash(key)] = (partner, self._now_s() + REMEMBERED_S)
        return partner


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
