"""Serial numbers: 16 stored digits and a Luhn check digit that stands only at the edges.

`II YY P FF BBBB NNNNN C`: issuer, year, printer, face code, batch in the year, card in the batch,
check digit. The stored key is the 16 digits before the check digit as an integer, so a range of
cards is a range of integers and the batch is the key without its last five digits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from core.errors import DomainError, InvalidInput

CARDS_PER_BATCH = 100_000
CARDS_PER_PACK = 100
NO_PRINTER = "0"
"""The digit P of electronic cards, which nobody prints."""

_KEY_DIGITS = 16
_PACKS_PER_BATCH = CARDS_PER_BATCH // CARDS_PER_PACK
_TEXT = re.compile(r"[0-9]{17}")
_PACK = re.compile(r"[0-9]{14}", re.ASCII)


class SerialInvalid(InvalidInput):
    """Not 17 digits, or the check digit does not fit."""

    code = "serial_invalid"


class RangeReversed(DomainError):
    """The last serial number of a range lies before the first."""

    code = "range_reversed"


class RangeOutsideBatch(DomainError):
    """A range reaches beyond the cards of one batch."""

    code = "range_outside_batch"


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """Consecutive serials of one batch, both ends included.

    Raises RangeReversed or RangeOutsideBatch, so a wrong range cannot be made.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise RangeReversed(
                "the last serial number lies before the first",
                first_serial=serial_text(self.first),
                last_serial=serial_text(self.last),
            )
        if batch_of(self.first) != batch_of(self.last):
            raise RangeOutsideBatch(
                "the range reaches over more than one batch; send one range for each batch",
                first_serial=serial_text(self.first),
                last_serial=serial_text(self.last),
            )

    @property
    def count(self) -> int:
        """How many cards the range holds."""
        return self.last - self.first + 1

    @property
    def batch_id(self) -> int:
        """The batch all its cards belong to."""
        return batch_of(self.first)

    def overlap(self, first: int, last: int) -> "SerialRange | None":
        """Return what it shares with the serials from `first` to `last`, or None."""
        start, end = max(self.first, first), min(self.last, last)
        return SerialRange(start, end) if start <= end else None

    def __contains__(self, serial: int) -> bool:
        return self.first <= serial <= self.last

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""The sum of the digits of each digit's double."""


def serial_text(serial: int) -> str:
    """Return the 17 digits that stand on the card."""
    pack, card = divmod(serial, CARDS_PER_PACK)
    return f"{pack:0{_KEY_DIGITS - 2}d}{_endings(_sum_of_pack(pack) % 10)[card]}"


def serial_texts(serials: range) -> list[str]:
    """Return the `serial_text` of each of consecutive serials, ten times as quickly."""
    texts: list[str] = []
    for start in range(
        serials.start - serials.start % CARDS_PER_PACK, serials.stop, CARDS_PER_PACK
    ):
        pack = start // CARDS_PER_PACK
        endings = _endings(_sum_of_pack(pack) % 10)
        endings = endings[max(0, serials.start - start) : serials.stop - start]
        text = f"{pack:0{_KEY_DIGITS - 2}d}"
        texts += [text + ending for ending in endings]
    return texts


def parse_serial(text: str) -> int:
    """Return the stored key of 17 ASCII digits; raises SerialInvalid for anything else."""
    if _TEXT.fullmatch(text) is None:
        raise SerialInvalid("a serial number has exactly 17 digits")
    if _check_digit(text[:_KEY_DIGITS]) != text[_KEY_DIGITS]:
        raise SerialInvalid("the check digit does not fit, please compare the serial number")
    return int(text[:_KEY_DIGITS])


def parse_pack(text: str) -> SerialRange:
    """Return the cards of a pack, whose label holds 14 ASCII digits; SerialInvalid otherwise."""
    if _PACK.fullmatch(text) is None:
        raise SerialInvalid("a pack's number has exactly 14 digits")
    return pack_of(int(text) * CARDS_PER_PACK)


def parse_range(first_text: str, last_text: str) -> SerialRange:
    """Return the range between two written serial numbers; raises as they and SerialRange do."""
    return SerialRange(parse_serial(first_text), parse_serial(last_text))


def first_serial(issuer: str, year2: int, printer: str, face_code: str, batch_no: int) -> int:
    """Return the stored key of a batch's first card; raises SerialInvalid for a part too long."""
    key = f"{issuer}{year2:02d}{printer}{face_code}{batch_no:04d}"
    if len(key) != _KEY_DIGITS - 5 or not key.isascii() or not key.isdigit():
        raise SerialInvalid("issuer, year, printer, face code and batch must give 11 digits")
    return int(key) * CARDS_PER_BATCH


def batch_of(serial: int) -> int:
    """Return the id of the batch a card belongs to: its serial without the last five digits."""
    return serial // CARDS_PER_BATCH


def pack_of(serial: int) -> SerialRange:
    """Return the pack of 100 that a card was packed in."""
    first = serial - serial % CARDS_PER_PACK
    return SerialRange(first, first + CARDS_PER_PACK - 1)


def _check_digit(key: str) -> str:
    return str(-_luhn_sum(key) % 10)


def _luhn_sum(key: str) -> int:
    # Luhn: from the right every second digit, beginning with the last, counts double.
    return sum(map(int, key[-2::-2])) + sum(map(_DOUBLED.__getitem__, map(int, key[::-2])))


def _sum_of_pack(pack: int) -> int:
    batch, in_batch = divmod(pack, _PACKS_PER_BATCH)
    return _sum_of_batch(batch) + _sums_in_batch()[in_batch]


@lru_cache(maxsize=4096)
def _sum_of_batch(batch: int) -> int:
    # Three more digits follow, so what counts double is as if one did.
    return _luhn_sum(f"{batch}0")


@cache
def _sums_in_batch() -> list[int]:
    return [_luhn_sum(f"{pack:03d}") for pack in range(_PACKS_PER_BATCH)]


@cache
def _endings(sum_before: int) -> list[str]:
    """Return the last three digits of a pack's serials, by the Luhn sum of those before."""
    cards = [f"{card:02d}" for card in range(CARDS_PER_PACK)]
    return [f"{card}{-(sum_before + _luhn_sum(card)) % 10}" for card in cards]
