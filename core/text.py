"""Text that people type into names, reasons and references."""

import unicodedata

from core.errors import InvalidInput


def clean(value: str, what: str, longest: int = 200) -> str:
    """Return the text trimmed and in composed form (NFC).

    Raises InvalidInput, naming `what`, for empty or over-long text and for characters that no
    database stores alike: control characters, NUL and lone surrogates.
    """
    if len(value) > longest:
        raise InvalidInput(f"{what} may have at most {longest} characters")
    text = value.strip()
    is_plain = text.isascii() and text.isprintable()  # most are, and the rest costs more
    if not is_plain:
        text = unicodedata.normalize("NFC", text)
    if not text:
        raise InvalidInput(f"{what} must not be empty")
    if not is_plain and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise InvalidInput(f"{what} must not hold control characters")
    return text
