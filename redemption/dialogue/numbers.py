"""Groups of digits: which is the account, which the PIN, which the serial. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from vouchers.pins import Pin, PinMalformed
from vouchers.serials import SerialInvalid, parse_serial

LONGEST_ACCOUNT = 13
_PIN = 18
_SERIAL = 17
_PRINTED_GROUP = 6


@dataclass(frozen=True, slots=True)
class Named:
    """What a message names beside its well-formed PIN."""

    account_number: str | None
    pin: Pin = field(repr=False)
    serial: int | None


def pin_or_none(digits: str) -> Pin | None:
    """Return the PIN, or None where the length or the check digit is wrong."""
    try:
        return Pin.parse(digits)
    except PinMalformed:
        return None


def serial_or_none(text: str) -> int | None:
    """Return the stored key of a written serial number, or None for anything else."""
    try:
        return parse_serial(text)
    except SerialInvalid:
        return None


def read_groups(groups: Sequence[str], account_lengths: Sequence[int]) -> Named | None:
    """Return what the groups name: a PIN, and at most one account and serial beside it.

    Separators between the parts may be lost: each length is made up of parts in one way only,
    whatever account lengths are allowed. None where they do not add up, the PIN is not well formed
    or the serial is wrong: nothing of them is kept then,
    for digits taken for an account may be a PIN's.
    """
    forms = _forms(account_lengths)
    parts: dict[str, str] = {}
    for group in _joined(groups, forms):
        form = forms.get(len(group))
        if form is None:
            return None
        start = 0
        for kind, length in form:
            if kind in parts:
                return None
            parts[kind] = group[start : start + length]
            start += length
    return _named(parts)


_Form = tuple[tuple[str, int], ...]


def _forms(account_lengths: Sequence[int]) -> dict[int, _Form]:
    pin: _Form = (("pin", _PIN),)
    serial: _Form = (("serial", _SERIAL),)
    forms = [pin, serial, serial + pin]
    for length in account_lengths:
        account: _Form = (("account", length),)
        forms += [account, account + pin, serial + account, serial + account + pin]
    return {sum(length for _, length in form): form for form in forms}


def _joined(groups: Sequence[str], forms: dict[int, _Form]) -> list[str]:
    """Put a PIN printed 6-6-6 together, with whatever stands glued before its first group."""
    joined: list[str] = []
    rest = list(groups)
    while rest:
        three = rest[:3]
        if _is_printed(three, forms):
            joined.append("".join(three))
            del rest[:3]
        else:
            joined.append(rest.pop(0))
    return joined


def _is_printed(three: list[str], forms: dict[int, _Form]) -> bool:
    if [len(group) for group in three[1:]] != [_PRINTED_GROUP, _PRINTED_GROUP]:
        return False
    return len(three[0]) + 2 * _PRINTED_GROUP in forms


def _named(parts: dict[str, str]) -> Named | None:
    pin = pin_or_none(parts.get("pin", ""))
    serial = serial_or_none(parts["serial"]) if "serial" in parts else None
    if pin is None or (serial is None and "serial" in parts):
        return None
    return Named(parts.get("account"), pin, serial)
