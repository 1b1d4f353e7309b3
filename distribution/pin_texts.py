"""PINs of electronic cards as text messages: sent from memory after the commit, and kept nowhere.

They never go through the outbox, which is a table. The gateway is a function that the settings
name; without one such a sale is refused.
"""

import importlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from core.errors import ConfigurationError, DomainError, InvalidInput
from core.money import format_yuan
from core.settings import Settings
from vouchers.pins import Pin, grouped
from vouchers.serials import serial_text

PinTexter = Callable[[str, str], None]
"""Hands (phone number, text) to a gateway within seconds, and raises where it did not take it.

It must neither log nor keep the text, and must not try again later from a file.
"""

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_TEXTS = {
    "zh": "万能充{face}元，密码{pin}，序列号{serial}，有效期至{expires}。充值请拨{hotline}。",
    "en": "Recharge card CNY {face}. PIN {pin}. Serial {serial}. Valid until {expires}."
    " To recharge call {hotline}.",
}
_log = logging.getLogger(__name__)


class PinTextsOff(DomainError):
    """No gateway for PINs is set up."""

    code = "pin_texts_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinText:
    """A message to be; its repr hides the PIN."""

    phone: str
    language: str
    serial: int
    face_fen: int
    expires_on: date
    hotline: str
    pin: Pin = field(repr=False)


def load_texter(settings: Settings) -> PinTexter | None:
    """Return the function that the settings name, None without one; ConfigurationError."""
    if not settings.pin_text_gateway:
        return None
    module, _, name = settings.pin_text_gateway.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError("WANNENG_PIN_TEXT_GATEWAY names no function there is") from error
    if not callable(found):
        raise ConfigurationError("WANNENG_PIN_TEXT_GATEWAY must name a function")
    texter: PinTexter = found
    return texter


def check_phone(number: str) -> None:
    """Raise InvalidInput unless a telephone number is in E.164 form."""
    if _PHONE.fullmatch(number) is None:
        raise InvalidInput("write the telephone number like +8613800138000")


def text_pin(texter: PinTexter | None, text: PinText) -> bool:
    """Hand a text over; False where the gateway did not take it: the till reveals it instead."""
    if texter is None:
        return False
    body = _TEXTS[text.language].format(
        face=format_yuan(text.face_fen),
        pin=grouped(text.pin),
        serial=serial_text(text.serial),
        expires=text.expires_on.isoformat(),
        hotline=text.hotline,
    )
    try:
        texter(text.phone, body)
    except Exception as error:  # whatever a gateway raises may hold the text
        _log.error("a PIN could not be texted (%s)", type(error).__name__)
        return False
    return True
