"""What an invariant is, and how a check turns rows into offences that a person can look up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select

from core.db import Session
from vouchers.serials import serial_text

LIMIT = 5
"""So many offences are shown of each invariant; the rest is found after mending these."""

SLACK_S = 60
"""Two recorded times may lie this far apart the wrong way round.

A transaction records the instant it began and then waits for its locks, so what it saw may have
begun later; but none lives longer than MAX_TRANSACTION_S.
"""


@dataclass(frozen=True)
class Offence:
    """One thing that breaks an invariant: what it is ("serial 4225…"), and the facts that differ.

    Serial numbers are written with all 17 digits; a PIN's tag is never among the facts.
    """

    subject: str
    facts: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[Session], list[Offence]]


@dataclass(frozen=True)
class Invariant:
    """One statement that is true after every commit, in both languages, and how to see it broken.

    `check` returns the first offences, at most LIMIT; none means that the statement holds.
    """

    code: str
    zh: str
    en: str
    check: Check


def none_of(*statements: Select[Any]) -> Check:
    """Return the check that each of the SELECTs finds no row.

    The name of the first column says what its value identifies; the others become facts.
    """

    def check(session: Session) -> list[Offence]:
        found: list[Offence] = []
        for statement in statements:
            rows = session.execute(statement.limit(LIMIT - len(found)))
            found.extend(offence(row) for row in rows)
            if len(found) == LIMIT:
                break
        return found

    return check


def offence(row: Row[Any]) -> Offence:
    """Return a row as an offence, by the names of its columns."""
    (subject, value), *facts = zip(row._fields, row, strict=True)
    return Offence(
        f"{subject} {as_text(subject, value)}",
        {name: as_text(name, fact) for name, fact in facts if fact is not None},
    )


def as_text(name: str, value: Any) -> str:
    """Return a value as people write it: serial numbers with their check digit."""
    if value is not None and (name == "lot" or name.endswith("serial")):
        return serial_text(int(value))
    return str(value)


def first_of(found: Iterable[Offence]) -> list[Offence]:
    """Return the first LIMIT offences of a stream, reading no further."""
    taken: list[Offence] = []
    for item in found:
        taken.append(item)
        if len(taken) == LIMIT:
            break
    return taken
