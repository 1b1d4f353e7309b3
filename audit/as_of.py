"""As-of: an instant of recorded time from which on nothing that lies before it changes any more.

A transaction records the instant it began and rolls back after MAX_TRANSACTION_S, so what was
recorded up to a minute ago is complete, and a report as of then is the same for ever.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import InvalidInput

FINAL_AFTER = timedelta(seconds=60)
"""What was recorded so long ago is final; at least twice the age a writing transaction may have."""

_DAY_LENGTH = len("2025-06-11")


class AsOfTooLate(InvalidInput):
    """The instant is not final yet: something may still be recorded before it."""

    code = "as_of_too_late"


def latest_final(now: datetime) -> datetime:
    """Return the latest instant, in whole seconds, of which a report is final."""
    return (now - FINAL_AFTER).replace(microsecond=0)


def final(now: datetime, wanted: datetime | None) -> datetime:
    """Return the wanted instant, or the latest final one; AsOfTooLate for one after it."""
    latest = latest_final(now)
    if wanted is None:
        return latest
    if wanted > latest:
        raise AsOfTooLate("ask for an instant that lies a minute back, or earlier")
    return wanted.astimezone(UTC)


def parse_instant(written: str, zone: ZoneInfo, *, end_of_day: bool = True) -> datetime:
    """Return the instant of ISO text: a day means its end (or start), a time without zone is local.

    Raises InvalidInput.
    """
    try:
        if len(written) == _DAY_LENGTH:
            day = date.fromisoformat(written)
            return day_end(day, zone) if end_of_day else day_start(day, zone)
        at = datetime.fromisoformat(written)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "write a day, 2025-06-11, or an instant, 2025-06-11T09:30:00+08:00"
        ) from None


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """Return the last instant of a local day, to the microsecond."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
    return midnight.astimezone(UTC) - timedelta(microseconds=1)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
