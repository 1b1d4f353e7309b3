"""The cards of a world: every PIN and tag follows from the card's number, so none is stored.

A PIN of this deck is no secret and its card is no money: anybody who reads this can compute it.
"""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.keyfile import PinKey
from vouchers.pins import damm_digit

_HIGH, _LOW = 10**8, 10**9
_STEP_HIGH, _STEP_LOW = 48_271_993, 370_248_451  # neither even nor a multiple of 5
_STRIDE = 736_879_387

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
_ROW = struct.Struct(">hiqiqi16s")


@dataclass(frozen=True)
class Deck:
    """All cards that a seed gives."""

    seed: int = field(repr=False)

    def digits(self, number: int) -> str:
        """Return the 18 digits of a card's PIN."""
        high = (number * _STEP_HIGH + self.seed * 7_919) % _HIGH
        low = (number * _STEP_LOW + self.seed * 104_729) % _LOW
        first = f"{high:08d}{low:09d}"
        return first + damm_digit(first)

    def tag(self, key: PinKey, number: int) -> bytes:
        """Return the tag that the product keeps of the card, as vouchers.pins.full_tag does."""
        return hmac.digest(key.tag_key, self.digits(number).encode(), hashlib.sha256)[:16]

    def rows(self, key: PinKey, first_number: int, first_serial: int, count: int) -> bytes:
        """Return rows (serial, batch_id, pin_tag) of table voucher for a binary COPY."""
        batch_id, pack = first_serial // 100_000, _ROW.pack
        return b"".join(
            pack(3, 8, first_serial + i, 8, batch_id, 16, self.tag(key, first_number + i))
            for i in range(count)
        )


class Supply:
    """Hands out card numbers, each once, in an order that mixes all batches.

    The ranges must be equally long.
    """

    def __init__(self, ranges: Sequence[range]) -> None:
        self._ranges = ranges
        self._each = len(ranges[0])
        self.total = self._each * len(ranges)
        self.taken = 0

    def take(self, count: int) -> list[int]:
        """Return the next `count` numbers, fewer where there are no more."""
        first = self.taken
        self.taken = min(self.total, first + count)
        # The step is prime and larger than any total, so each number comes once.
        places = ((i * _STRIDE) % self.total for i in range(first, self.taken))
        return [self._ranges[place // self._each][place % self._each] for place in places]

    @property
    def left(self) -> int:
        """How many cards nobody has taken yet."""
        return self.total - self.taken
