"""Bills as stored: read the open ones, tell arrears, pay from a balance, batch debit by a bank."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import fields
from sqlalchemy import bindparam, func, insert, literal_column, select, update

from accounts.allocation import Allocation, Arrears, Bill, allocate, arrears
from accounts.balances import (
    AccountRow,
    Numbers,
    add_to_balances,
    lock_accounts,
    read_account,
    well_formed,
)
from accounts.bill import ACCOUNT_CLASSES, BillState
from accounts.late_fee import Rate, RateTable
from accounts.ledger import Entry, post
from accounts.settlement import BILL_SETTLED, save_bill_payments, settlement_postings
from accounts.tables import bill, late_fee_rate, quote
from core.clock import local_day
from core.db import Session, UtcDateTime
from core.errors import ConfigurationError, DomainError
from core.sets import among
from core.settings import Settings
from core.trips import Asked, answered, ask

RULES_SINCE = date(1996, 10, 8)
"""The day from which the supply rules set these rates."""

_COLUMNS = [bill.c[item.name] for item in fields(Bill)]


class BillStateWrong(DomainError):
    """A bill is not in the state that the step needs."""

    code = "bill_state_wrong"


def seed_rates(session: Session) -> None:
    """Write the statutory rates; classes and days that have a rate already keep it.

    Domain rule: 供电营业规则 art. 98: residential 1/1000 a day; others 2/1000 a day in the year of
    the due date, 3/1000 in later years.
    """
    per_100k = {"residential": (100, 100), "other": (200, 300)}
    rows = [
        {
            "account_class": name,
            "effective_from": RULES_SINCE,
            "due_year_per_100k": per_100k[name][0],
            "later_years_per_100k": per_100k[name][1],
        }
        for name in ACCOUNT_CLASSES
    ]
    session.execute(session.insert_new(late_fee_rate), rows)


def rates(session: Session) -> RateTable:
    """Return all late fee rates; raises ConfigurationError where a class has none."""
    return rate_table(ask_for_rates(session).value)


def ask_for_rates(session: Session) -> Asked[Sequence[Any]]:
    """Ask for the rows of `rate_table` on the trip that is being made."""
    return ask(session, _RATES, {}, list)


def rate_table(rows: Sequence[Any]) -> RateTable:
    """Return late fee rates by class; raises ConfigurationError where a class has none."""
    table: dict[str, list[Rate]] = {name: [] for name in ACCOUNT_CLASSES}
    for row in rows:
        table[row.account_class].append(
            Rate(row.effective_from, row.due_year_per_100k, row.later_years_per_100k)
        )
    if not all(table.values()):
        raise ConfigurationError("there are no late fee rates; run `wanneng init`")
    return table


_RATES = select(late_fee_rate).order_by(late_fee_rate.c.effective_from)
_OPEN = (
    select(*_COLUMNS)
    # Not as a parameter: planned for any, the index of open bills could not be used.
    .where(among(bill.c.account_number, "numbers"), bill.c.state != literal_column("'paid'"))
    .order_by(bill.c.due_on, bill.c.id)
)
_FROZEN = (
    select(quote.c.account_number, func.min(quote.c.counted_to).label("counted_to"))
    .where(
        among(quote.c.account_number, "numbers"),
        quote.c.expires_at > bindparam("now", type_=UtcDateTime),
    )
    .group_by(quote.c.account_number)
)


def open_bills(session: Session, numbers: Iterable[str]) -> dict[str, list[Bill]]:
    """Return the bills not yet paid in full, also those with a bank, oldest due date first."""
    return ask_for_open_bills(session, well_formed(numbers)).value


def ask_for_open_bills(session: Session, numbers: Numbers) -> Asked[dict[str, list[Bill]]]:
    """Ask for `open_bills` on the trip that is being made."""
    return ask(session, _OPEN, {"numbers": numbers}, _by_account) if numbers else answered({})


def _by_account(rows: Sequence[Any]) -> dict[str, list[Bill]]:
    found: dict[str, list[Bill]] = {}
    for row in rows:
        found.setdefault(row.account_number, []).append(Bill(*row))
    return found


def frozen_days(session: Session, numbers: Iterable[str], now: datetime) -> dict[str, date]:
    """Return the day up to which fees count, for accounts whose fee was told and is still frozen.

    Of several quotes that still hold the earliest day counts; accounts without one are absent.
    """
    return ask_for_frozen_days(session, well_formed(numbers), now).value


def ask_for_frozen_days(
    session: Session, numbers: Numbers, now: datetime
) -> Asked[dict[str, date]]:
    """Ask for `frozen_days` on the trip that is being made."""
    if not numbers:
        return answered({})
    return ask(
        session,
        _FROZEN,
        {"numbers": numbers, "now": now},
        lambda rows: {row.account_number: row.counted_to for row in rows},
    )


def tell_arrears(session: Session, settings: Settings, number: str) -> Arrears:
    """Return what clears the account today, and freeze its late fee for `quote_minutes`.

    A new quote never lengthens an older one: asking again after midnight tells the new day's fee.
    Raises AccountUnknown.
    """
    account = read_account(session, number)
    today = local_day(session.now, settings.zone)
    owed = owed_on(session, settings, account, today)
    if owed.fee_fen > 0:
        row = {
            "id": session.new_id(),
            "account_number": number,
            "counted_to": today,
            "fee_fen": owed.fee_fen,
            "quoted_at": session.now,
            "expires_at": session.now + timedelta(minutes=settings.quote_minutes),
        }
        session.execute(insert(quote), [row])
    return owed


def owed_on(session: Session, settings: Settings, account: AccountRow, on: date) -> Arrears:
    """Return what would clear the account's bills on a day, in fen."""
    bills = open_bills(session, [account.number]).get(account.number, [])
    minimum_fen = settings.late_fee_minimum_fen
    return arrears(bills, account.account_class, on, rates(session), minimum_fen)


def settle_from_balance(
    session: Session, settings: Settings, accounts: Iterable[AccountRow]
) -> int:
    """Pay open bills from the balances that the accounts have; return the fen paid.

    The accounts must be locked and as stored.
    """
    holding = {account.number: account for account in accounts if account.balance_fen > 0}
    paid = [
        (number, allocation)
        for number, allocation in _allocate_balances(session, settings, holding).items()
        if allocation.payments
    ]
    post(
        session,
        [
            Entry(session.new_id(), BILL_SETTLED, number, settlement_postings(number, allocation))
            for number, allocation in paid
        ],
        settings.zone,
    )
    save_bill_payments(session, [allocation for _, allocation in paid])
    add_to_balances(session, {number: -allocation.paid_fen for number, allocation in paid})
    return sum(allocation.paid_fen for _, allocation in paid)


def send_to_bank(session: Session, bill_ids: Sequence[int]) -> None:
    """Mark open bills as out for batch debit, all or none; raises BillStateWrong."""
    _lock_bills(session, bill_ids, "open")
    session.execute(update(bill).where(bill.c.id.in_(bill_ids)).values(state="with_bank"))


def back_from_bank(session: Session, settings: Settings, bill_ids: Sequence[int]) -> None:
    """Take back bills that a bank did not debit, and pay them at once from waiting balances.

    All or none; raises BillStateWrong.
    """
    accounts = _lock_bills(session, bill_ids, "with_bank")
    session.execute(update(bill).where(bill.c.id.in_(bill_ids)).values(state="open"))
    settle_from_balance(session, settings, accounts.values())


def _allocate_balances(
    session: Session, settings: Settings, accounts: dict[str, AccountRow]
) -> dict[str, Allocation]:
    bills = open_bills(session, accounts)
    if not bills:
        return {}
    today = local_day(session.now, settings.zone)
    frozen = frozen_days(session, bills, session.now)
    table = rates(session)
    return {
        number: allocate(
            accounts[number].balance_fen,
            account_bills,
            accounts[number].account_class,
            min(today, frozen.get(number, today)),
            table,
            settings.late_fee_minimum_fen,
        )
        for number, account_bills in bills.items()
    }


def _lock_bills(
    session: Session, bill_ids: Sequence[int], state: BillState
) -> dict[str, AccountRow]:
    """Lock the accounts of bills, then see that each of the bills is in the state."""
    numbers = session.execute(select(bill.c.account_number).where(bill.c.id.in_(bill_ids)))
    accounts = lock_accounts(session, numbers.scalars().all())
    found = session.execute(
        select(bill.c.id).where(bill.c.id.in_(bill_ids), bill.c.state == state)
    ).all()
    if len(found) != len(set(bill_ids)):
        raise BillStateWrong(f"every one of the bills must be {state}")
    return accounts
