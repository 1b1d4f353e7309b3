"""What one line of an import file means: pure, value by value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import phonenumbers

from accounts.bill import ACCOUNT_CLASSES
from core.errors import InvalidInput
from core.money import parse_yuan
from core.text import clean

ACCOUNT_COLUMNS = ("account_number", "holder_name", "class", "phone", "region")
BILL_COLUMNS = ("account_number", "bill_number", "period", "principal", "due_on")
FIRST_YEAR, LAST_YEAR = 1990, 2099

_PERIOD = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An electricity account as a line of a file gives it; the phone is in E.164 form."""

    number: str
    holder_name: str
    account_class: str
    phone: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class NewBill:
    """A bill as a line of a file gives it."""

    account_number: str
    bill_number: str
    period: str
    principal_fen: int
    due_on: date


def parse_account(values: Mapping[str, str], lengths: tuple[int, ...]) -> NewAccount:
    """Return the account of a line; raises InvalidInput with what to mend. Phone may be empty."""
    account_class = values["class"]
    if account_class not in ACCOUNT_CLASSES:
        raise InvalidInput(f"class must be {' or '.join(ACCOUNT_CLASSES)}")
    return NewAccount(
        number=_account_number(values["account_number"], lengths),
        holder_name=clean(values["holder_name"], "holder_name", 100),
        account_class=account_class,
        phone=_phone(values["phone"]),
        region=clean(values["region"], "region", 50) if values["region"] else None,
    )


def parse_bill(values: Mapping[str, str], lengths: tuple[int, ...]) -> NewBill:
    """Return the bill of a line; raises InvalidInput with what to mend."""
    principal_fen = parse_yuan(values["principal"])
    if principal_fen == 0:
        raise InvalidInput("principal must be more than 0.00")
    return NewBill(
        account_number=_account_number(values["account_number"], lengths),
        bill_number=clean(values["bill_number"], "bill_number", 40),
        period=_period(values["period"]),
        principal_fen=principal_fen,
        due_on=_day(values["due_on"]),
    )


def _account_number(text: str, lengths: tuple[int, ...]) -> str:
    if not (text.isascii() and text.isdigit() and len(text) in lengths):
        digits = " or ".join(str(length) for length in lengths)
        raise InvalidInput(f"account_number must be {digits} digits")
    return text


def _phone(text: str) -> str | None:
    if not text:
        return None
    wrong = InvalidInput("phone must be a telephone number, or empty")
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        raise wrong from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise wrong
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _period(text: str) -> str:
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise InvalidInput("period must be a month like 2025-03")
    return f"{found[1]}-{found[2]}"


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise InvalidInput("due_on must be a day like 2025-03-25")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput(f"due_on must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day
