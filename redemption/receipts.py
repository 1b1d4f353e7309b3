"""Receipt numbers: yymmdd and 8 digits from blocks that each process leases."""

import threading
from collections import deque
from collections.abc import Sequence
from datetime import date

from core.clock import local_day
from core.db import Database

_BLOCK = 1000


class ReceiptNumbers:
    """Hands out receipt numbers of the day. Gaps may arise, repeats may not.

    Numbers are set aside before a transaction begins, since leasing a block is a transaction of
    its own, and those that the transaction did not need come back.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._day: date | None = None
        self._free: deque[str] = deque()

    def set_aside(self, count: int) -> list[str]:
        """Return `count` numbers that nobody else has."""
        today = local_day(self._db.clock(), self._db.settings.zone)
        with self._lock:
            if self._day != today:
                self._day = today
                self._free.clear()
            while len(self._free) < count:
                self._lease(today)
            return [self._free.popleft() for _ in range(count)]

    def give_back(self, numbers: Sequence[str]) -> None:
        """Take back numbers that stand on no receipt."""
        with self._lock:
            prefix = "" if self._day is None else f"{self._day:%y%m%d}"
            self._free.extendleft(reversed([n for n in numbers if n.startswith(prefix)]))

    def _lease(self, today: date) -> None:
        prefix = f"{today:%y%m%d}"
        first = self._db.lease(f"receipt:{prefix}", _BLOCK)
        self._free.extend(f"{prefix}{number:08d}" for number in range(first, first + _BLOCK))
