"""How many wrong PINs a caller may send. Pure; domain rule: wrong PINs, 1 to 3."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from core.clock import end_of_day, local_day
from core.settings import Settings
from redemption.requests import Budget

SECOND_LOCK_WITHIN = timedelta(days=7)
LONG_LOCK = timedelta(hours=72)


class LockRule(StrEnum):
    """How long a lock lasts: until local midnight, 72 hours, until an operator unlocks."""

    DAY = "day"
    DAYS_72H = "days_72h"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Limits:
    """Wrong PINs a day and in a row, malformed ones a day, and those of withheld numbers."""

    wrong_per_day: int
    wrong_in_row: int
    malformed_per_day: int
    withheld_per_day: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits that the settings ask for."""
        return cls(
            settings.wrong_pins_per_day,
            settings.wrong_pins_in_row,
            settings.malformed_per_day,
            settings.withheld_per_day,
        )


class CallerState(Struct, frozen=True, gc=False):
    """What is known of a caller's failures; the row of table `caller`, if he `is_new` not yet."""

    identity: str
    day: date
    wrong_today: int = 0
    malformed_today: int = 0
    wrong_in_row: int = 0
    locked_rule: LockRule | None = None
    locked_until: datetime | None = None
    last_lock_at: datetime | None = None
    is_new: bool = False


def on_day(state: CallerState, now: datetime, zone: ZoneInfo) -> CallerState:
    """Return the state with the counts of an earlier day gone, and a lock that ran out."""
    today = local_day(now, zone)
    if state.day < today:
        state = replace(state, day=today, wrong_today=0, malformed_today=0)
    if state.locked_until is not None and state.locked_until <= now:
        state = replace(state, locked_rule=None, locked_until=None)
    return state


def is_locked(state: CallerState) -> bool:
    """Tell whether the caller must be refused; the state must be of today."""
    return state.locked_rule is not None


def tries_left(state: CallerState, budget: Budget, limits: Limits) -> int | None:
    """Return the smallest budget left, or None where nobody counts."""
    if budget is Budget.NONE:
        return None
    if budget is Budget.SHARED:
        return max(0, limits.withheld_per_day - state.wrong_today)
    return max(
        0,
        min(
            limits.wrong_per_day - state.wrong_today,
            limits.wrong_in_row - state.wrong_in_row,
        ),
    )


def after_malformed(state: CallerState) -> CallerState:
    """Return the state after one more malformed PIN, which is not a try."""
    return replace(state, malformed_today=state.malformed_today + 1)


def after_success(state: CallerState) -> CallerState:
    """Return the state after a success: the row of failures is broken, the day's count stays."""
    return replace(state, wrong_in_row=0) if state.wrong_in_row else state


def after_wrong(
    state: CallerState, budget: Budget, now: datetime, zone: ZoneInfo, limits: Limits
) -> CallerState:
    """Return the state after one more unknown PIN, with the strongest lock that it causes."""
    state = replace(state, wrong_today=state.wrong_today + 1, wrong_in_row=state.wrong_in_row + 1)
    rule = _lock_due(state, budget, now, limits)
    if rule is None:
        return state
    until = {
        LockRule.DAY: end_of_day(now, zone),
        LockRule.DAYS_72H: now + LONG_LOCK,
        LockRule.OPERATOR: None,
    }[rule]
    return replace(state, locked_rule=rule, locked_until=until, last_lock_at=now)


def _lock_due(state: CallerState, budget: Budget, now: datetime, limits: Limits) -> LockRule | None:
    if budget is Budget.NONE:
        return None
    if budget is Budget.SHARED:
        return LockRule.DAY if state.wrong_today >= limits.withheld_per_day else None
    if state.wrong_in_row >= limits.wrong_in_row:
        return LockRule.OPERATOR
    if state.wrong_today < limits.wrong_per_day:
        return None
    again = state.last_lock_at is not None and now - state.last_lock_at <= SECOND_LOCK_WITHIN
    return LockRule.DAYS_72H if again else LockRule.DAY
