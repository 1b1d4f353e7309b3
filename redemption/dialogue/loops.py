"""Who must not be answered: ourselves, for ever."""

from collections.abc import Iterable

from redemption.dialogue.phones import Phone, parse_phone


def is_ours(phone: Phone, numbers: Iterable[str]) -> bool:
    """Tell whether a number is one of these, however each is written. Pure."""
    ours = (parse_phone(written) for written in numbers)
    return any(one is not None and one.number == phone.number for one in ours)
