"""What the library keeps of messages, but without their texts: parts only until they are whole."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field

from aiosmpplib import DeliverSm, SubmitSm
from aiosmpplib.correlator import SimpleCorrelator

PARTS_KEPT_S = 600
MOST_PARTIAL = 1_000
MOST_REPORTS = 100_000
"""So many messages of ours may wait for their reports."""

Name = tuple[str, str, int, int]


@dataclass
class _Partial:
    """The parts of one message that are there."""

    since: float
    parts: dict[int, str] = field(default_factory=dict, repr=False)


class Correlator(SimpleCorrelator):  # type: ignore[misc]
    """The library's, joining parts by sender and receiver too, and forgetting texts at once.

    Its own would mix the parts of two senders that use the same reference, and keep our texts for
    three days.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._partial: OrderedDict[Name, _Partial] = OrderedDict()
        self._ours: OrderedDict[str, str] = OrderedDict()

    async def put_delivery_segmented(self, deliver_sm: DeliverSm) -> DeliverSm | None:
        """Take one part; return the whole message once all are there."""
        reference, place, total = read_reference(*deliver_sm.get_segmentation_data())
        name = (deliver_sm.source.number, deliver_sm.destination.number, reference, total)
        self._forget_old()
        partial = self._partial.setdefault(name, _Partial(time.monotonic()))
        partial.parts[place] = deliver_sm.short_message or deliver_sm.message_payload
        if len(partial.parts) < total:
            return None
        del self._partial[name]
        deliver_sm.short_message = "".join(partial.parts[n] for n in sorted(partial.parts))
        deliver_sm.message_payload = ""
        return deliver_sm

    async def put_delivery(self, smsc_message_id: str, submit_sm: SubmitSm) -> None:
        """Remember which of our messages the centre means by its id."""
        self._ours[smsc_message_id] = submit_sm.log_id
        while len(self._ours) > MOST_REPORTS:
            self._ours.popitem(last=False)

    async def get_delivery(self, receipt: DeliverSm) -> SubmitSm | None:
        """Pass over the library's own bookkeeping: see `our_id`."""
        del receipt
        return None

    def our_id(self, smsc_message_id: str) -> str | None:
        """Return the id of our message that a report is about, if we still know."""
        return self._ours.get(smsc_message_id)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - PARTS_KEPT_S
        for name in [name for name, partial in self._partial.items() if partial.since < oldest]:
            del self._partial[name]
        while len(self._partial) >= MOST_PARTIAL:
            self._partial.popitem(last=False)


def read_reference(reference: int, place: int, total: int) -> tuple[int, int, int]:
    """Return reference, place and total of a part; undo what the library does to long references.

    It reads a 16-bit reference together with the two bytes behind it. Pure.
    """
    if reference & 0xFFFF == total << 8 | place:
        reference >>= 16
    return reference, place, total
