"""Instants and local days. Instants are aware UTC; days are those of one configured zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the present instant comes from."""

    def __call__(self) -> datetime:
        """Return the present instant, aware, in UTC."""


def system_clock() -> datetime:
    """Return the machine's present instant in UTC."""
    return datetime.now(UTC)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day that `at` falls on in `zone`."""
    return at.astimezone(zone).date()


def end_of_day(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which the local day of `at` ends (24:00)."""
    tomorrow = local_day(at, zone) + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, zone).astimezone(UTC)
