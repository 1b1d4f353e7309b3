"""Sortable 64-bit ids: 41 bits of milliseconds, 12 bits of process, 10 bits of sequence."""

import threading
from datetime import UTC, datetime

from core.clock import Clock

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
NODES = 4096
_PER_TICK = 1024


def first_id_at(at: datetime) -> int:
    """Return the lowest id that is made at an instant or later, for looking back by primary key."""
    return int((at - _EPOCH).total_seconds() * 1000) << 22


class IdMaker:
    """Makes ids that rise within a process and differ between processes with other nodes.

    The node is leased from the database (see Database.lease), so two living processes share one
    only after 4,096 leases; a primary key refuses the repeat even then.
    """

    def __init__(self, node: int, clock: Clock) -> None:
        self._node = node % NODES
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0  # the next id without its node

    def new(self, count: int) -> list[int]:
        """Return the next ids; when a millisecond is used up it borrows from the next one."""
        now = int((self._clock() - _EPOCH).total_seconds() * 1000)
        with self._lock:
            first = max(self._next, now * _PER_TICK)
            self._next = first + count
        return [self._with_node(number) for number in range(first, first + count)]

    def _with_node(self, number: int) -> int:
        tick, place = divmod(number, _PER_TICK)
        return (tick << 22) | (self._node << 10) | place
