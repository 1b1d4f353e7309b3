"""Importing electricity accounts and bills: good lines in, bad lines told, safe to run again."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from sqlalchemy.exc import IntegrityError

from accounts.csv_lines import BadLine, GoodLine, opened, read_lines
from accounts.import_rows import (
    ACCOUNT_COLUMNS,
    BILL_COLUMNS,
    NewAccount,
    NewBill,
    parse_account,
    parse_bill,
)
from accounts.import_writes import Counts, Numbered, write_accounts, write_bills
from core.db import Database, Session
from core.db_errors import is_unique_violation
from core.errors import InvalidInput, TryLater
from core.settings import Settings

__all__ = ["BadLine", "ImportReport", "Progress", "import_accounts", "import_bills"]

CHUNK_LINES = 500
MAX_BAD_LINES = 1000
"""So many bad lines are named one by one; the others are only counted."""
_ROUNDS = 3

Progress = Callable[[int], None]
"""Called after each commit with the lines dealt with so far, the header not counted."""

T = TypeVar("T", NewAccount, NewBill)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the lines of a file. `bad_lines` names the first MAX_BAD_LINES of them."""

    imported: int
    changed: int
    unchanged: int
    bad_count: int
    bad_lines: tuple[BadLine, ...]


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """How one kind of file is read and written."""

    columns: Sequence[str]
    parse: Callable[[Mapping[str, str], tuple[int, ...]], T]
    key: Callable[[T], str]
    write: Callable[[Session, Settings, Sequence[Numbered[T]]], Counts]


_ACCOUNTS = _Kind(ACCOUNT_COLUMNS, parse_account, lambda row: row.number, write_accounts)
_BILLS = _Kind(
    BILL_COLUMNS, parse_bill, lambda row: f"{row.account_number} {row.bill_number}", write_bills
)


def import_accounts(
    db: Database,
    source: Path | BinaryIO,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> ImportReport:
    """Import accounts from CSV (`utf-8`, with or without BOM, or `gbk`), 500 lines a commit.

    An account that is there with other data is changed. A cut import is finished by running it
    again. Raises HeaderWrong, EncodingUnknown, FileUnreadable before anything is written.
    """
    return _import(db, source, encoding, progress, _ACCOUNTS)


def import_bills(
    db: Database,
    source: Path | BinaryIO,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> ImportReport:
    """Import bills from CSV like accounts; post each new one, and pay it from a balance at once.

    A bill that is there with other content is a bad line: what is owed is never edited.
    """
    return _import(db, source, encoding, progress, _BILLS)


@dataclass(slots=True)
class _Tally:
    counts: Counts = field(default_factory=Counts)
    bad_count: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def add(self, counts: Counts, bad: Iterable[BadLine]) -> None:
        self.counts = self.counts.plus(counts)
        for line in sorted([*bad, *counts.bad_lines], key=lambda bad_line: bad_line.line):
            self.bad_count += 1
            if len(self.bad_lines) < MAX_BAD_LINES:
                self.bad_lines.append(line)

    def report(self) -> ImportReport:
        done = self.counts
        return ImportReport(
            done.imported, done.changed, done.unchanged, self.bad_count, tuple(self.bad_lines)
        )


def _import(
    db: Database,
    source: Path | BinaryIO,
    encoding: str,
    progress: Progress | None,
    kind: _Kind[T],
) -> ImportReport:
    tally, lines_done = _Tally(), 0
    with opened(source) as stream, closing(_Seen()) as seen:
        for lines in _chunks(read_lines(stream, kind.columns, encoding)):
            good, bad = _parse(lines, kind, db.settings.account_lengths, seen)
            tally.add(_write(db, kind, good), bad)
            lines_done += len(lines)
            if progress is not None:
                progress(lines_done)
    return tally.report()


class _Seen:
    """On which line a key stood first; on disk, for a file may hold a whole province."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")  # a nameless file that goes with the connection
        self._rows.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def first_line(self, key: str, line: int) -> int:
        self._rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
        (first,) = self._rows.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
        return int(first)

    def close(self) -> None:
        self._rows.close()


def _chunks(lines: Iterator[GoodLine | BadLine]) -> Iterator[list[GoodLine | BadLine]]:
    while chunk := list(islice(lines, CHUNK_LINES)):
        yield chunk


def _parse(
    lines: Iterable[GoodLine | BadLine], kind: _Kind[T], lengths: tuple[int, ...], seen: _Seen
) -> tuple[list[Numbered[T]], list[BadLine]]:
    good: list[Numbered[T]] = []
    bad: list[BadLine] = []
    for line in lines:
        if isinstance(line, BadLine):
            bad.append(line)
            continue
        try:
            row = kind.parse(line.values, lengths)
        except InvalidInput as error:
            bad.append(BadLine(line.line, error.message))
            continue
        first = seen.first_line(kind.key(row), line.line)
        if first == line.line:
            good.append(Numbered(line.line, row))
        else:
            bad.append(BadLine(line.line, f"repeats line {first}"))
    return good, bad


def _write(db: Database, kind: _Kind[T], rows: Sequence[Numbered[T]]) -> Counts:
    """Commit one chunk; look again where another import wrote one of its rows meanwhile."""
    if not rows:
        return Counts()
    for _ in range(_ROUNDS):
        try:
            return db.transact(lambda session: kind.write(session, db.settings, rows))
        except IntegrityError as error:
            if not is_unique_violation(error):
                raise
    raise TryLater("another import is writing the same rows; run it again")
