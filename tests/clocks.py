"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2025, 6, 11, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""


class FakeClock:
    """A core.clock.Clock whose instant a test sets."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the instant last set."""
        return self.now

    def advance(self, **span: float) -> datetime:
        """Move on by a timedelta's arguments, like `advance(minutes=5)`; return the instant."""
        self.now += timedelta(**span)
        return self.now
