"""The late fee, against the examples of the rule and against a count of day by day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.late_fee import Rate, RateTable, accrued_fee, new_fee
from tests.accounts.bills import DUE_ON, RATES, START, a_bill, classes, days

EXAMPLES = [
    (12_000, date(2025, 3, 25), date(2025, 3, 25), "residential", 0),
    (12_000, date(2025, 3, 25), date(2025, 3, 26), "residential", 100),
    (12_000, date(2025, 3, 25), date(2025, 4, 10), "residential", 192),
    (1_000_000, date(2024, 12, 20), date(2024, 12, 31), "other", 22_000),
    (1_000_000, date(2024, 12, 20), date(2025, 1, 15), "other", 67_000),
]


@pytest.mark.parametrize(("principal", "due_on", "on", "account_class", "fee"), EXAMPLES)
def test_the_published_examples_come_out_to_the_fen(
    principal: int, due_on: date, on: date, account_class: str, fee: int
) -> None:
    assert new_fee(a_bill(principal, due_on), on, account_class, RATES, 100) == fee


def test_no_fee_runs_before_the_due_date() -> None:
    assert accrued_fee(12_000, DUE_ON, None, date(2025, 1, 1), "other", RATES) == 0


def test_a_day_that_is_already_counted_is_not_counted_again() -> None:
    on = DUE_ON + timedelta(days=10)
    assert accrued_fee(100_000, DUE_ON, on, on, "residential", RATES) == 0
    assert accrued_fee(100_000, DUE_ON, on + timedelta(days=3), on, "residential", RATES) == 0
    assert accrued_fee(100_000, DUE_ON, on, on + timedelta(days=1), "residential", RATES) == 100


def test_a_fee_counted_to_a_day_before_the_due_date_still_starts_at_the_due_date() -> None:
    early = DUE_ON - timedelta(days=20)
    on = DUE_ON + timedelta(days=1)
    assert accrued_fee(100_000, DUE_ON, early, on, "residential", RATES) == 100


def test_the_sum_is_rounded_half_up_once() -> None:
    due, rates = date(2025, 6, 1), {"residential": (Rate(START, 100, 100),)}
    one, two = due + timedelta(days=1), due + timedelta(days=2)
    assert accrued_fee(499, due, None, one, "residential", rates) == 0
    assert accrued_fee(500, due, None, one, "residential", rates) == 1
    assert accrued_fee(749, due, None, two, "residential", rates) == 1  # 0.749 + 0.749
    assert accrued_fee(750, due, None, two, "residential", rates) == 2  # not 1 + 1


def test_the_fee_runs_on_the_unpaid_principal_only() -> None:
    bill = a_bill(100_000, paid_principal_fen=60_000, charged_fee_fen=500)
    assert new_fee(bill, DUE_ON + timedelta(days=10), "residential", RATES, 100) == 400


def test_the_minimum_applies_to_the_first_fee_of_a_bill_only() -> None:
    on = DUE_ON + timedelta(days=5)
    fresh, charged = a_bill(1_000), a_bill(1_000, charged_fee_fen=100)
    assert new_fee(fresh, on, "residential", RATES, 100) == 100
    assert new_fee(charged, on, "residential", RATES, 100) == 5
    assert new_fee(fresh, on, "residential", RATES, 0) == 5


def test_a_fee_that_rounds_to_nothing_is_not_raised_to_the_minimum() -> None:
    assert new_fee(a_bill(100), DUE_ON + timedelta(days=1), "residential", RATES, 100) == 0


def test_each_day_costs_the_rate_in_force_on_it() -> None:
    changed = {"other": (Rate(START, 200, 300), Rate(date(2025, 1, 11), 100, 500))}
    fee = accrued_fee(100_000, date(2024, 12, 30), None, date(2025, 1, 12), "other", changed)
    assert fee == 200 + 10 * 300 + 2 * 500


def test_days_before_the_first_rate_are_free() -> None:
    rates = {"other": (Rate(date(2025, 3, 30), 200, 300),)}
    on = date(2025, 3, 31)
    assert accrued_fee(100_000, date(2025, 3, 20), None, on, "other", rates) == 2 * 200
    assert accrued_fee(100_000, date(2025, 3, 20), None, date(2025, 3, 29), "other", rates) == 0


def test_the_last_year_of_the_calendar_breaks_nothing() -> None:
    assert accrued_fee(100_000, date(9999, 12, 30), None, date(9999, 12, 31), "other", RATES) == 200


def _day_by_day(
    principal: int, due_on: date, counted_to: date | None, on: date, rates: RateTable
) -> int:
    weight, day = 0, max(due_on, counted_to or due_on) + timedelta(days=1)
    while day <= on:
        in_force = [rate for rate in rates["x"] if rate.effective_from <= day]
        if in_force:
            same_year = day.year == due_on.year
            rate = in_force[-1]
            weight += rate.due_year_per_100k if same_year else rate.later_years_per_100k
        day += timedelta(days=1)
    return (principal * weight + 50_000) // 100_000


@given(
    st.integers(1, 10**9),
    days,
    st.none() | days,
    days,
    st.lists(
        st.builds(Rate, days, st.integers(0, 999), st.integers(0, 999)),
        max_size=4,
        unique_by=lambda rate: rate.effective_from,
    ),
)
def test_the_closed_form_equals_a_count_of_day_by_day(
    principal: int, due_on: date, counted_to: date | None, on: date, rates: list[Rate]
) -> None:
    dated = {"x": tuple(sorted(rates, key=lambda rate: rate.effective_from))}
    expected = _day_by_day(principal, due_on, counted_to, on, dated)
    assert accrued_fee(principal, due_on, counted_to, on, "x", dated) == expected


@given(st.integers(1, 10**9), days, days, st.integers(0, 500), classes, st.integers(0, 500))
def test_the_fee_never_falls_as_days_pass(
    principal: int, due_on: date, on: date, later: int, account_class: str, minimum: int
) -> None:
    bill = a_bill(principal, due_on)
    now = new_fee(bill, on, account_class, RATES, minimum)
    assert 0 <= now <= new_fee(bill, on + timedelta(days=later), account_class, RATES, minimum)
