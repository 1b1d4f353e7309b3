"""Wrong PINs: the domain's rules 1 to 3, as pure functions."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from redemption.requests import Budget
from redemption.throttle import (
    CallerState,
    Limits,
    LockRule,
    after_malformed,
    after_success,
    after_wrong,
    is_locked,
    on_day,
    tries_left,
)

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 11, 4, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 11, 16, 0, tzinfo=UTC)
LIMITS = Limits(wrong_per_day=5, wrong_in_row=10, malformed_per_day=20, withheld_per_day=20)


def fresh() -> CallerState:
    return CallerState("tel:+8613800000001", date(2026, 6, 11))


def wrong(
    state: CallerState, times: int, now: datetime = NOON, budget: Budget = Budget.OWN
) -> CallerState:
    for _ in range(times):
        state = after_wrong(on_day(state, now, ZONE), budget, now, ZONE, LIMITS)
    return state


def test_the_fifth_wrong_pin_of_a_day_locks_until_local_midnight() -> None:
    fourth = wrong(fresh(), 4)
    assert not is_locked(fourth)
    assert tries_left(fourth, Budget.OWN, LIMITS) == 1
    fifth = wrong(fourth, 1)
    assert fifth.locked_rule is LockRule.DAY
    assert fifth.locked_until == MIDNIGHT
    assert tries_left(fifth, Budget.OWN, LIMITS) == 0


def test_a_lock_ends_at_midnight_and_the_day_counts_anew() -> None:
    locked = wrong(fresh(), 5)
    assert is_locked(on_day(locked, MIDNIGHT - timedelta(seconds=1), ZONE))
    next_day = on_day(locked, MIDNIGHT, ZONE)
    assert not is_locked(next_day)
    assert next_day.wrong_today == 0
    assert next_day.wrong_in_row == 5


def test_a_second_lock_within_seven_days_lasts_72_hours() -> None:
    locked = wrong(fresh(), 5)
    later = NOON + timedelta(days=6)
    again = wrong(after_success(on_day(locked, later, ZONE)), 5, later)
    assert again.locked_rule is LockRule.DAYS_72H
    assert again.locked_until == later + timedelta(hours=72)


def test_a_second_lock_after_more_than_seven_days_is_a_day_s_again() -> None:
    locked = wrong(fresh(), 5)
    later = NOON + timedelta(days=8)
    again = wrong(after_success(on_day(locked, later, ZONE)), 5, later)
    assert again.locked_rule is LockRule.DAY


def test_ten_in_a_row_lock_until_an_operator_unlocks() -> None:
    locked = wrong(fresh(), 5)
    later = NOON + timedelta(days=1)
    tenth = wrong(on_day(locked, later, ZONE), 5, later)
    assert tenth.locked_rule is LockRule.OPERATOR
    assert tenth.locked_until is None
    assert is_locked(on_day(tenth, later + timedelta(days=400), ZONE))


def test_a_success_breaks_the_row_but_not_the_day_s_count() -> None:
    state = after_success(wrong(fresh(), 3))
    assert (state.wrong_in_row, state.wrong_today) == (0, 3)
    assert tries_left(state, Budget.OWN, LIMITS) == 2


def test_tries_left_is_the_smallest_budget_left() -> None:
    later = NOON + timedelta(days=1)
    eight_in_row = CallerState("tel:1", date(2026, 6, 12), wrong_today=1, wrong_in_row=8)
    assert tries_left(on_day(eight_in_row, later, ZONE), Budget.OWN, LIMITS) == 2


def test_withheld_numbers_share_a_budget_that_locks_for_the_day_only() -> None:
    state = CallerState("withheld:trunk", date(2026, 6, 11))
    assert not is_locked(wrong(state, 19, budget=Budget.SHARED))
    assert wrong(state, 20, budget=Budget.SHARED).locked_rule is LockRule.DAY


@pytest.mark.parametrize("times", [1, 50])
def test_malformed_pins_are_no_tries(times: int) -> None:
    state = fresh()
    for _ in range(times):
        state = after_malformed(state)
    assert state.malformed_today == times
    assert tries_left(state, Budget.OWN, LIMITS) == 5
    assert not is_locked(state)
