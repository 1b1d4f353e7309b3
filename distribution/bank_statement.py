"""Importing a bank's statement: good lines are recorded, bad ones told, safe to run again."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from accounts.csv_lines import BadLine as UnreadLine
from accounts.csv_lines import GoodLine, opened, read_lines
from core.db import Database
from core.errors import DomainError, InvalidInput
from core.money import parse_yuan
from distribution.payments import (
    NewPayment,
    Recorded,
    clean_reference,
    retry_taken,
    take_payments,
)
from staff import events
from staff.permissions import Actor, Permission, require

COLUMNS = ("reference", "paid_on", "party", "amount")
CHUNK_LINES = 500
MAX_BAD_LINES = 1000
"""So many bad lines are named one by one; the others are only counted."""

Progress = Callable[[int], None]
"""Called after each commit with the lines dealt with so far, the header not counted."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not recorded, counted from 1 with the header; never its content.

    `code` is that of the refusal, or `line_unreadable`, `line_repeated`.
    """

    line: int
    code: str
    reason: str


@dataclass(slots=True)
class StatementReport:
    """What became of the lines of a statement. `bad_lines` names the first MAX_BAD_LINES."""

    recorded: int = 0
    unchanged: int = 0
    bad_count: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def bad(self, line: int, code: str, reason: str) -> None:
        """Count a bad line."""
        self.bad_count += 1
        if len(self.bad_lines) < MAX_BAD_LINES:
            self.bad_lines.append(BadLine(line, code, reason))


def import_statement(
    db: Database,
    actor: Actor,
    source: Path | BinaryIO,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> StatementReport:
    """Record the payments of a bank's statement in CSV, 500 lines a commit.

    A payment that is there already stays as it is; a bad line changes nothing and spoils no other.
    Raises HeaderWrong, EncodingUnknown, FileUnreadable, Forbidden before anything is written.
    """
    require(actor, Permission.RECORD_PAYMENTS)
    report, seen, done = StatementReport(), dict[str, int](), 0
    with opened(source) as stream:
        for lines in _chunks(read_lines(stream, COLUMNS, encoding)):
            good = dict(_parse(lines, report, seen))
            if good:
                _record(db, actor, good, report)
            done += len(lines)
            if progress is not None:
                progress(done)
    report.bad_lines.sort(key=lambda bad: bad.line)
    counts = {"recorded": report.recorded, "unchanged": report.unchanged, "bad": report.bad_count}
    db.transact(
        lambda session: events.record(
            session, actor, "payments.imported", "file:payments", **counts
        )
    )
    return report


def _chunks(lines: Iterator[GoodLine | UnreadLine]) -> Iterator[list[GoodLine | UnreadLine]]:
    while chunk := list(islice(lines, CHUNK_LINES)):
        yield chunk


def _parse(
    lines: Iterable[GoodLine | UnreadLine], report: StatementReport, seen: dict[str, int]
) -> Iterator[tuple[int, NewPayment]]:
    """Yield the lines that can be recorded; `seen` holds on which line each reference stood."""
    for line in lines:
        if isinstance(line, UnreadLine):
            report.bad(line.line, "line_unreadable", line.reason)
            continue
        try:
            new = parse_payment(line.values)
        except InvalidInput as error:
            report.bad(line.line, error.code, error.message)
            continue
        first = seen.setdefault(new.reference, line.line)
        if first == line.line:
            yield line.line, new
        else:
            report.bad(line.line, "line_repeated", f"repeats the reference of line {first}")


def _record(
    db: Database, actor: Actor, good: Mapping[int, NewPayment], report: StatementReport
) -> None:
    done = retry_taken(db, lambda session: take_payments(session, actor, list(good.values())))
    for line, outcome in zip(good, done, strict=True):
        if isinstance(outcome, DomainError):
            report.bad(line, outcome.code, outcome.message)
        elif isinstance(outcome, Recorded) and outcome.replayed:
            report.unchanged += 1
        else:
            report.recorded += 1


def parse_payment(values: Mapping[str, str]) -> NewPayment:
    """Return the payment of a line; raises InvalidInput with what to mend. Pure."""
    if not values["party"]:
        raise InvalidInput("party must be the code of the party that paid")
    return NewPayment(
        reference=clean_reference(values["reference"]),
        party_code=values["party"],
        amount_fen=parse_yuan(values["amount"]),
        paid_on=_day(values["paid_on"]),
    )


def _day(text: str) -> date:
    wrong = InvalidInput("paid_on must be a day like 2025-03-25")
    if _DAY.fullmatch(text) is None:
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong from None
