"""From what was sent to a RedeemRequest: the PIN as printed, the sender, the one who recharges."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from api.errors import IdempotencyKeyInvalid
from api.fields import AccountNumber, CallerName, Key, PinText
from core.errors import InvalidInput
from core.text import clean
from redemption.requests import Caller, RedeemRequest, caller_of_partner
from redemption.senders import Partner
from staff.permissions import Actor
from vouchers.pins import PIN_DIGITS, Pin, PinMalformed

PARTNER_CHANNEL = "partner"
STAFF_CHANNEL = "staff"
MAX_ITEMS = 100

# Full-width digits are typed by accident in Chinese; other digits of Unicode are no PIN's.
_FULL_WIDTH = {0xFF10 + digit: 48 + digit for digit in range(10)}
_BETWEEN_GROUPS = re.compile(r"[ \-\u3000\uFF0D]")
_NOT_DIGIT = re.compile(r"[^0-9]")


class RedeemBody(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One card, its whole value, into one electricity account."""

    pin: PinText
    account_number: AccountNumber
    caller: CallerName | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class BulkItem(RedeemBody, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One redemption of several, with its own key."""

    key: Key


class BulkBody(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Up to 100 redemptions, independent of each other."""

    items: Annotated[list[BulkItem], Meta(min_length=1, max_length=MAX_ITEMS)]


def read_pin(text: str) -> Pin | None:
    """Return the PIN as it may be printed or typed; None for what cannot be one."""
    try:
        if not text.isdecimal() or not text.isascii():
            text = _BETWEEN_GROUPS.sub("", text.translate(_FULL_WIDTH))
        return Pin.parse(text)
    except PinMalformed:
        return None


def request_of(sender: Partner | Actor, key: str, body: RedeemBody) -> RedeemRequest:
    """Return what the engine is asked.

    A partner is told apart by its name, and names whom it serves; a signed-in member is the one
    who recharges, whoever stands at his counter. Raises IdempotencyKeyInvalid, InvalidInput.
    """
    pin = read_pin(body.pin)
    if _holds(pin, key):
        raise IdempotencyKeyInvalid("the key must not hold the PIN")
    if isinstance(sender, Partner):
        return RedeemRequest(
            channel=PARTNER_CHANNEL,
            sender=sender.name,
            key=key,
            caller=_caller(sender, pin, body.caller),
            account_number=body.account_number,
            pin=pin,
            sender_wrong_per_hour=sender.wrong_per_hour,
        )
    if body.caller is not None:
        raise InvalidInput("only partners name a caller; wrong PINs count on you")
    return RedeemRequest(
        channel=STAFF_CHANNEL,
        sender=sender.username,
        key=key,
        caller=Caller(f"staff:{sender.username}"),
        account_number=body.account_number,
        pin=pin,
    )


def _caller(partner: Partner, pin: Pin | None, named: str | None) -> Caller:
    if named is None:
        return caller_of_partner(partner.name, None)
    if _holds(pin, named):
        raise InvalidInput("the caller must not hold the PIN")
    return caller_of_partner(partner.name, clean(named, "the caller", 64))


def _holds(pin: Pin | None, text: str) -> bool:
    """Tell whether a text, which is stored in the clear, holds the PIN."""
    if pin is None or len(text) < PIN_DIGITS:
        return False
    return pin.digits in _NOT_DIGIT.sub("", text)
