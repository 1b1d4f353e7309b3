"""Telephone numbers as gateways write them. Pure."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from redemption.dialogue.words import Lang

_HOME = "CN"
_CHINESE_SPEAKING = {86, 852, 853, 886}
_WRITTEN = re.compile(r"\+?[0-9][0-9 ()\-.]{4,30}")
# A new range of mobile numbers is in use before every library knows it.
_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
_NEVER_TEXTED = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE}


@dataclass(frozen=True, slots=True)
class Phone:
    """A subscriber's number in E.164 form, and whether a text message can reach it."""

    number: str
    takes_texts: bool
    language: Lang


def parse_phone(text: str) -> Phone | None:
    """Return the subscriber who calls or texts, with or without the country's code.

    None for withheld and alphanumeric senders, short numbers and services: they are nobody who
    could redeem a card, and answering them may answer a machine for ever.
    """
    written = unicodedata.normalize("NFKC", text[:100]).strip()
    if _WRITTEN.fullmatch(written) is None:
        return None
    try:
        parsed = phonenumbers.parse(written, _HOME)
    except NumberParseException:
        return None
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if not (phonenumbers.is_valid_number(parsed) or _MOBILE.fullmatch(number)):
        return None
    return Phone(
        number,
        takes_texts=phonenumbers.number_type(parsed) not in _NEVER_TEXTED,
        language="zh" if parsed.country_code in _CHINESE_SPEAKING else "en",
    )
