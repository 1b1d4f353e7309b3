"""The demo's clock: it runs, and can be set to days of a month that is over, or to the present."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.clock import local_day, system_clock


class DemoClock:
    """A core.clock.Clock; set to the present until it is set to a day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._behind = timedelta()
        self.month = _last_whole_month(local_day(system_clock(), zone))
        """The first day of the month that the story is about."""

    def __call__(self) -> datetime:
        """Return the demo's present instant."""
        return system_clock() - self._behind

    def set(self, day: int, hour: int = 9) -> date:
        """Go to a day of the month, which may lie after its end; return it. Never goes back."""
        wanted = self.month + timedelta(days=day - 1)
        at = datetime.combine(wanted, time(hour), self._zone)
        behind = system_clock() - at
        self._behind = min(self._behind, behind) if self._behind else behind
        return self.today

    def present(self) -> date:
        """Go to the present; return today."""
        self._behind = timedelta()
        return self.today

    @property
    def today(self) -> date:
        """The local day of the demo's present instant."""
        return local_day(self(), self._zone)

    @property
    def following(self) -> date:
        """The first day after the month."""
        return (self.month + timedelta(days=31)).replace(day=1)

    @property
    def end_day(self) -> int:
        """The number of the first day after the month, as `set` takes it."""
        return (self.following - self.month).days + 1


def _last_whole_month(today: date) -> date:
    """Return the first day of the last month that was over yesterday already."""
    yesterday = today - timedelta(days=1)
    return (yesterday.replace(day=1) - timedelta(days=1)).replace(day=1)
