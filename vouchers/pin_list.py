"""Many PINs at once, for their making: drawn in bulk, tagged in bulk, never shown.

A PIN costs two microseconds here, where one drawn, checked and tagged for itself costs ten.
"""

import secrets
from array import array
from collections.abc import Iterable
from functools import cache
from typing import NoReturn

from core.keyfile import PinKey
from vouchers.pins import DAMM, PIN_DIGITS, TAG_BYTES, hmac_sha256, hybrid_bytes, short_of

_BODIES = 10 ** (PIN_DIGITS - 1)
_FAIR = 2**64 // _BODIES * _BODIES
"""Random numbers from here on would make some PINs likelier than others; they are thrown away."""

_GROUP = 10**4


class Pins:
    """The digits of many PINs, in order; repr and str hide them, and nothing writes them out.

    Its maker answers for the form of each, which `Pin` would check.
    """

    __slots__ = ("digits",)

    def __init__(self, digits: Iterable[str]) -> None:
        self.digits = list(digits)

    def __len__(self) -> int:
        return len(self.digits)

    def __repr__(self) -> str:
        return f"Pins({len(self)} hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("PINs are never serialised")


def draw_pins(count: int) -> Pins:
    """Return PINs from the operating system's secure source, each body of 17 digits as likely."""
    after = _damm_after_four()
    digits: list[str] = []
    while len(digits) < count:
        for body in _fair_numbers(count - len(digits)):
            state = DAMM[0][body // _GROUP**4]
            state = after[state][body // _GROUP**3 % _GROUP]
            state = after[state][body // _GROUP**2 % _GROUP]
            state = after[state][body // _GROUP % _GROUP]
            digits.append(f"{body * 10 + after[state][body % _GROUP]:018d}")
    return Pins(digits)


def full_tags(key: PinKey, pins: Pins) -> list[bytes]:
    """Return `pins.full_tag` of each, as bytes."""
    keyed = hmac_sha256(key.tag_key)
    return [keyed(digits.encode("ascii"))[:TAG_BYTES] for digits in pins.digits]


def hybrid_tags(key: PinKey, pins: Pins) -> list[bytes]:
    """Return `pins.hybrid_tag` of each under this key, as bytes."""
    keyed = hmac_sha256(key.tag_key)
    shorts = (short_of(keyed(digits.encode("ascii"))) for digits in pins.digits)
    return [hybrid_bytes(key.version, short) for short in shorts]


def _fair_numbers(count: int) -> list[int]:
    numbers = array("Q", secrets.token_bytes(8 * count))
    return [number % _BODIES for number in numbers if number < _FAIR]


@cache
def _damm_after_four() -> list[bytes]:
    """Return, for each state of the check digit, its state after each four digits."""
    after = [bytes(state) for state in DAMM]
    for _ in range(3):
        after = [bytes(DAMM[state][digit] for state in row for digit in range(10)) for row in after]
    return after
