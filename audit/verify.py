"""Looking whether every invariant holds, on one snapshot of the database."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from audit.invariant import Invariant, Offence
from audit.invariants import INVARIANTS
from core.db import Database, Session

Progress = Callable[[int, int], None]
"""Is told (invariants checked, invariants in all) after each one."""


@dataclass(frozen=True)
class Result:
    """What was found of one invariant; no offences: it holds."""

    invariant: Invariant
    offences: tuple[Offence, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return not self.offences


def verify(db: Database, progress: Progress | None = None) -> list[Result]:
    """Check all invariants on one snapshot, while the service goes on; change nothing.

    Database errors pass through: then nothing is known, which is not the same as an offence.
    """
    with db.read() as session:
        if not db.is_sqlite:
            # An audit may take minutes; the limit is there for the requests of customers.
            session.execute(text("SET LOCAL statement_timeout = 0"))
        return check_all(session, INVARIANTS, progress)


def check_all(
    session: Session, invariants: Sequence[Invariant], progress: Progress | None = None
) -> list[Result]:
    """Check the invariants in the caller's transaction, in their order."""
    results = []
    for invariant in invariants:
        started = time.monotonic()
        offences = tuple(invariant.check(session))
        results.append(Result(invariant, offences, time.monotonic() - started))
        if progress is not None:
            progress(len(results), len(invariants))
    return results
