"""The late fee on an unpaid bill: a pure rule of days, dated rates and one rounding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from accounts.bill import Bill

_PER = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What one day costs per 100,000 of principal, from a day on until the next rate's day."""

    effective_from: date
    due_year_per_100k: int
    later_years_per_100k: int


RateTable = Mapping[str, Sequence[Rate]]
"""The rates of each account class, by rising `effective_from`; a day before the first is free."""


def accrued_fee(
    principal_fen: int,
    due_on: date,
    counted_to: date | None,
    on: date,
    account_class: str,
    rates: RateTable,
) -> int:
    """Return the fen that accrue after `counted_to` (or the due date), up to and with day `on`.

    Domain rule: 供电营业规则 art. 98. Each day costs the rate in force on it, dearer in the years
    after the year of the due date; all days are summed exactly, then rounded half up once.
    """
    first = max(due_on, counted_to or due_on).toordinal() + 1
    end = on.toordinal() + 1
    weight = _weight(first, end, _year_end(due_on), rates[account_class])
    return (2 * principal_fen * weight + _PER) // (2 * _PER)


def new_fee(bill: Bill, on: date, account_class: str, rates: RateTable, minimum_fen: int) -> int:
    """Return the fen that would be charged on the bill on day `on`, beyond what already was.

    The minimum applies once a bill: to the first fee above 0 that is ever charged on it.
    """
    fee_fen = accrued_fee(
        bill.principal_due_fen, bill.due_on, bill.fee_counted_to, on, account_class, rates
    )
    if fee_fen > 0 and bill.charged_fee_fen == 0:
        return max(fee_fen, minimum_fen)
    return fee_fen


def _year_end(day: date) -> int:
    return date(day.year, 12, 31).toordinal() + 1


def _weight(first: int, end: int, next_year: int, rates: Sequence[Rate]) -> int:
    """Sum the rates of the days from `first` until before `end`, one term a rate and year part."""
    starts = [rate.effective_from.toordinal() for rate in rates]
    weight = 0
    for rate, (start, stop) in zip(rates, pairwise([*starts, end]), strict=True):
        low, high = max(first, start), min(end, stop)
        weight += rate.due_year_per_100k * max(0, min(high, next_year) - low)
        weight += rate.later_years_per_100k * max(0, high - max(low, next_year))
    return weight
