"""Money between its stored form (whole fen) and its written form (yuan with two decimals)."""

import re

from core.errors import InvalidInput

MAX_FEN = 10**15
"""No sum in the system may reach this; it keeps every total inside a 64-bit integer."""

_YUAN = re.compile(r"(\d{1,13})\.(\d{2})", re.ASCII)


def parse_yuan(text: str) -> int:
    """Return the fen of a sum written in yuan with exactly two decimals, like `120.00`.

    Raises InvalidInput for signs, blanks, separators, other digits or a sum of MAX_FEN or more.
    """
    found = _YUAN.fullmatch(text)
    if found is None:
        raise InvalidInput("a sum must be written in yuan with two decimals, like 120.00")
    fen = int(found[1]) * 100 + int(found[2])
    if fen >= MAX_FEN:
        raise InvalidInput("the sum is too large")
    return fen


def format_yuan(fen: int) -> str:
    """Return fen as yuan with two decimals, like `120.00` or `-3.05`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
