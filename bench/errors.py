"""Why a run of the benchmark ends without a report."""

from core.errors import ConfigurationError, DomainError, TryLater


class MachineBusy(TryLater):
    """Others used more of the machine than the limit; a report would not be of this program."""

    code = "machine_busy"


class CannotMeasure(ConfigurationError):
    """A tool is missing, or the place is not fit: the text says what to do."""

    code = "cannot_measure"


class CheckFailed(DomainError):
    """What was measured did not do what it should: a count, an answer or an invariant is wrong."""

    code = "bench_check_failed"


def expect(holds: bool, otherwise: str) -> None:
    """Raise CheckFailed with this text unless it holds."""
    if not holds:
        raise CheckFailed(otherwise)
