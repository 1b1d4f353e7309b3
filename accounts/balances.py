"""Rows of electricity accounts: lock them, read them, change their prepaid balance."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NewType

from msgspec import Struct
from msgspec.structs import fields
from sqlalchemy import select

from accounts.tables import electricity_account
from core.db import Session
from core.errors import DomainError, NotFound
from core.places import PLACE, place_in
from core.sets import among, update_rows
from core.trips import Asked, answered, ask

NUMBER_LENGTHS = (10, 13)
Numbers = NewType("Numbers", list[str])
"""Account numbers that `well_formed` has let through."""


class AccountUnknown(NotFound):
    """No electricity account has that number."""

    code = "account_unknown"


class BalanceTooLow(DomainError):
    """The prepaid balance is smaller than what would be taken from it."""

    code = "balance_too_low"


class AccountRow(Struct, frozen=True, gc=False):
    """An electricity account as stored; the balance is prepaid money in fen.

    `place`, the last of all, is where PostgreSQL keeps a row that this transaction has locked.
    """

    number: str
    holder_name: str
    account_class: str
    phone: str | None
    region: str | None
    state: Literal["open", "closed"]
    balance_fen: int
    version: int
    place: bytes | None = None


_COLUMNS = [
    electricity_account.c[item.name]
    for item in fields(AccountRow)
    if item.name in electricity_account.c
]


_LOCK = (
    select(*_COLUMNS)
    .where(among(electricity_account.c.number, "numbers"))
    .order_by(electricity_account.c.number)
    .with_for_update()
)
_LOCK_AND_PLACE = _LOCK.add_columns(place_in(electricity_account).label("place"))
"""For PostgreSQL."""
_OPEN = select(electricity_account.c.number).where(
    among(electricity_account.c.number, "numbers"), electricity_account.c.state == "open"
)


def well_formed(numbers: Iterable[str]) -> Numbers:
    """Return, sorted and once each, the texts that may be account numbers at all.

    Everything else (NUL, lone surrogates, endless text) never reaches the database.
    """
    return Numbers(
        sorted(
            {
                number
                for number in numbers
                if len(number) in NUMBER_LENGTHS and number.isascii() and number.isdigit()
            }
        )
    )


def lock_accounts(session: Session, numbers: Iterable[str]) -> dict[str, AccountRow]:
    """Lock the accounts that exist, in the order of their numbers, until the transaction ends."""
    return ask_for_accounts(session, well_formed(numbers)).value


def ask_for_accounts(session: Session, numbers: Numbers) -> Asked[dict[str, AccountRow]]:
    """Lock accounts as `lock_accounts` does, on the trip that is being made."""
    if not numbers:
        return answered({})
    return ask(
        session,
        _LOCK if session.is_sqlite else _LOCK_AND_PLACE,
        {"numbers": numbers},
        lambda rows: {r.number: AccountRow(*r) for r in rows},
    )


def ask_for_open_accounts(session: Session, numbers: Numbers) -> Asked[set[str]]:
    """Ask which of the numbers have an account that is open, without locking any."""
    if not numbers:
        return answered(set())
    return ask(session, _OPEN, {"numbers": numbers}, lambda rows: {row.number for row in rows})


def read_account(session: Session, number: str) -> AccountRow:
    """Return one account without locking it; raises AccountUnknown."""
    for wanted in well_formed([number]):
        statement = select(*_COLUMNS).where(electricity_account.c.number == wanted)
        row = session.execute(statement).one_or_none()
        if row is not None:
            return AccountRow(*row)
    raise AccountUnknown("there is no electricity account with this number")


def add_to_balances(
    session: Session, changes: Mapping[str, int], locked: Mapping[str, AccountRow] | None = None
) -> None:
    """Add fen (or take, where negative) to the balances of accounts locked before; versions rise.

    A change of 0 leaves its account alone. The database refuses a balance below 0. PostgreSQL need
    not seek the accounts again where `locked` gives them as they were locked and still are.
    """
    added = {number: fen for number, fen in sorted(changes.items()) if fen}
    key, keys = "number", list[Any](added)
    if locked is not None and not session.is_sqlite:
        key, keys = PLACE, [locked[number].place for number in added]
    rows = [
        {key: each, "balance_fen": fen, "version": 1}
        for each, fen in zip(keys, added.values(), strict=True)
    ]
    adding = ("balance_fen", "version")
    unknown = AccountUnknown("a balance belongs to no electricity account")
    update_rows(session, electricity_account, key, rows, adding, unknown)
