"""Reading what gateways send: forms in bodies and in addresses, as they came. Pure."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

Fields = Sequence[tuple[str, str]]
"""Names and values in their order, blank ones too: a signature counts all of them."""

MOST_FIELDS = 200


class TooManyFields(Exception):
    """Nobody sends such a form."""


def read_fields(raw: bytes, encoding: str = "utf-8") -> Fields:
    """Return the fields of a form; what cannot be read stands as U+FFFD. Raises TooManyFields."""
    text = raw.decode("utf-8", "replace")
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            encoding=encoding,
            errors="replace",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise TooManyFields from None


def value_of(fields: Fields, name: str) -> str:
    """Return the first value of a name, empty where it is not there."""
    return next((value for key, value in fields if key == name), "")
