"""Partners by key, remembered for a few seconds, so that redemptions need not ask each time."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from core.db import Database
from redemption.senders import Partner, SenderUnknown, authenticate_partner

REMEMBERED_S = 5.0
"""A disabled or changed key is refused after so long at the latest."""
ASKED_AGAIN_S = 2.5
"""A key in use is looked up again after so long, once for all who use it."""

KEY_PREFIX = "wnp_"

_MOST = 1000


@dataclass(slots=True)
class _Known:
    partner: Partner
    ends_s: float
    ask_at_s: float


class KnownPartners:
    """Remembers, by the hash of the key, who it belongs to; keys not valid are not remembered."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._known: dict[bytes, _Known] = {}
        self._lock = threading.Lock()

    def remembered(self, key: str) -> Partner | None:
        """Return the partner if its key was seen to be valid a moment ago."""
        found = self._known.get(_hash(key))
        return found.partner if found is not None and self._now_s() < found.ends_s else None

    def is_due(self, key: str) -> bool:
        """Tell one of those who use a remembered key that it should be looked up again."""
        found = self._known.get(_hash(key))
        if found is None or self._now_s() < found.ask_at_s:
            return False
        found.ask_at_s = found.ends_s
        return True

    def look_up(self, db: Database, key: str) -> Partner:
        """Return the partner that holds the key, from the database; raises SenderUnknown."""
        with db.read() as session:
            partner = authenticate_partner(session, key)
        now_s = self._now_s()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = _Known(partner, now_s + REMEMBERED_S, now_s + ASKED_AGAIN_S)
            self._known[_hash(key)] = known
        return partner

    def find(self, db: Database, key: str) -> Partner | None:
        """Return the partner that holds the key; None where there is none or nobody can say."""
        try:
            return self.remembered(key) or self.look_up(db, key)
        except (SenderUnknown, SQLAlchemyError):
            return None

    def look_up_again(self, db: Database, key: str) -> None:
        """Remember the key for longer, or forget it if it is valid no more."""
        try:
            self.look_up(db, key)
        except SenderUnknown:
            self._known.pop(_hash(key), None)
        except SQLAlchemyError:
            return  # whoever comes when it is forgotten hears of it


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
