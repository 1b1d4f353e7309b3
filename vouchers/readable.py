"""The digits that can still be read on a damaged card, and which PINs they leave. Pure."""

import unicodedata
from collections.abc import Iterator
from itertools import product

from core.errors import InvalidInput
from vouchers.pins import DAMM, PIN_DIGITS, Pin

MOST_MISSING = 6
"""So many of the 18 digits may be unreadable (domain rule: customer service)."""

UNREADABLE = "?"
_BETWEEN_GROUPS = " -\t\r\n　"
_STATES = range(10)


class ReadableInvalid(InvalidInput):
    """Not 18 places of digits and question marks, too few digits, or a wrong check digit."""

    code = "readable_digits_invalid"


class Readable:
    """18 places, each a digit or unreadable. As secret as a PIN: repr and str hide it."""

    __slots__ = ("_places",)

    def __init__(self, places: str) -> None:
        if len(places) != PIN_DIGITS or any(
            sign != UNREADABLE and not (sign.isascii() and sign.isdigit()) for sign in places
        ):
            raise ReadableInvalid("write 18 places: the digit, or ? where it cannot be read")
        if places.count(UNREADABLE) > MOST_MISSING:
            raise ReadableInvalid(f"at most {MOST_MISSING} of the 18 digits may be missing")
        self._places = places

    @classmethod
    def parse(cls, text: str) -> "Readable":
        """Return the digits as typed: full-width ones and blanks between groups are understood."""
        plain = unicodedata.normalize("NFKC", text)
        return cls("".join(sign for sign in plain if sign not in _BETWEEN_GROUPS))

    @property
    def missing(self) -> int:
        """How many digits cannot be read."""
        return self._places.count(UNREADABLE)

    def candidates(self) -> Iterator[Pin]:
        """Return every PIN that the digits allow: the check digit leaves a tenth of all.

        None where nothing is missing and the check digit is wrong.
        """
        holes = [place for place, sign in enumerate(self._places) if sign == UNREADABLE]
        if not holes:
            if _after(0, self._places) == 0:
                yield Pin(self._places)
            return
        *free, last = holes
        needed = _state_before(self._places[last + 1 :])
        signs = list(self._places)
        for digits in product("0123456789", repeat=len(free)):
            for place, digit in zip(free, digits, strict=True):
                signs[place] = digit
            state = _after(0, signs[:last])
            # Each row of the table is a permutation, so exactly one digit leads on.
            signs[last] = str(DAMM[state].index(needed))
            yield Pin("".join(signs))

    def __repr__(self) -> str:
        return "Readable(hidden)"

    def __reduce__(self) -> str:
        raise TypeError("readable digits are never serialised")


def _after(state: int, digits: "str | list[str]") -> int:
    for digit in digits:
        state = DAMM[state][ord(digit) - 48]
    return state


def _state_before(digits: str) -> int:
    """Return the state from which these digits lead to 0: each column is a permutation too."""
    (state,) = [state for state in _STATES if _after(state, digits) == 0]
    return state
