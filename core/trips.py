"""Several statements in one trip to the database.

Within `one_trip` nothing is sent until its end; then all goes at once, in order, and the answers
come back together. On SQLite, and outside of a trip, each statement runs where it stands.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable

from core.db import Call, Session

T = TypeVar("T")


class Asked(Generic[T]):
    """What a query has found, once its trip is over."""

    def __init__(self) -> None:
        self._values: list[T] = []

    @property
    def value(self) -> T:
        """The answer; IndexError before the end of the trip."""
        return self._values[0]

    def answer(self, value: T) -> None:
        """Set what was found."""
        self._values.append(value)


@contextmanager
def one_trip(session: Session, *, commits: bool = False) -> Generator[None]:
    """Send what is asked and changed within at its end, in that order; trips do not nest.

    Raises then what the statements and checks would have raised; the first that failed counts.
    With `commits` the transaction's commit travels along, where there are trips: nothing may come
    after it, no check within may look at an answer, and CommitLost may be raised.
    """
    if session.is_sqlite:
        yield
        return
    if session.waiting is not None:
        raise RuntimeError("a trip within a trip")
    calls: list[Call] = []
    session.waiting = calls
    try:
        yield
    finally:
        session.waiting = None
    if commits and any(call.decides for call in calls):
        raise RuntimeError("a check that would come after the commit")
    _send(session, calls, commits=commits)


def ask(
    session: Session,
    statement: Executable,
    parameters: Mapping[str, Any],
    read: Callable[[Sequence[Any]], T],
) -> Asked[T]:
    """Run a query whose rows, named tuples, `read` makes into a value."""
    asked: Asked[T] = Asked()
    _take_up(session, Call(statement, parameters, lambda rows, _: asked.answer(read(rows))))
    return asked


def answered(value: T) -> Asked[T]:
    """Return what needs no query."""
    asked: Asked[T] = Asked()
    asked.answer(value)
    return asked


def change(
    session: Session,
    statement: Executable,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    check: Callable[[int], None] | None = None,
    refusal: Exception | None = None,
) -> None:
    """Run a change; `check` gets the number of rows, and may raise.

    `refusal` is raised where PostgreSQL divides by zero in it, by which a statement itself says no.
    """

    def done(_: Sequence[Any], count: int) -> None:
        if check is not None:
            check(count)

    _take_up(session, Call(statement, parameters, done, check is not None, refusal))


def _take_up(session: Session, call: Call) -> None:
    if session.waiting is not None:
        session.waiting.append(call)
    else:
        _send(session, [call])


def _send(session: Session, calls: Sequence[Call], *, commits: bool = False) -> None:
    if session.is_sqlite:
        for call in calls:
            found = session.execute(call.statement, call.parameters)
            call.done(found.all() if found.returns_rows else (), found.rowcount)
        return
    # Imported here, since nobody needs the driver on SQLite and it is slow to load.
    from core.pipeline import send

    send(session, calls, commits=commits)
