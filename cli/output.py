"""Where results and messages go: tables for people, JSON for programs, the rest to stderr."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

Progress = Callable[[int, int], None]
"""Is told (done, in all)."""

_WIDTH_WITHOUT_TERMINAL = 160


class Out:
    """The two streams of one run; `as_json` chooses the form of what goes to stdout."""

    def __init__(self) -> None:
        self.as_json = False

    def result(self, data: Any, *people: "RenderableType") -> None:
        """Print the result: `data` as JSON, or what is meant for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, ensure_ascii=False, default=_plain) + "\n")
            sys.stdout.flush()
            return
        for item in people:
            write(console(), item)

    def note(self, text: str) -> None:
        """Print a message to stderr, such as what to do next."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show on stderr how far long work is; only its end where stderr is no terminal."""
        if not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Bars(*columns, console=console(stderr=True), transient=True) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total or None)


def console(*, stderr: bool = False) -> "Console":
    """Return a console as wide as the terminal; wide where output goes into a file or pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    free = stream.isatty() or "COLUMNS" in os.environ
    return Console(file=stream, width=None if free else _WIDTH_WITHOUT_TERMINAL, highlight=False)


def write(to: "Console", item: "RenderableType") -> None:
    """Print text as it is, or a table; without blanks at the ends of lines."""
    with to.capture() as captured:
        to.print(item, highlight=False, markup=False, soft_wrap=isinstance(item, str))
    lines = [line.rstrip() for line in captured.get().rstrip("\n").split("\n")]
    to.file.write("\n".join(lines) + "\n")
    to.file.flush()


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> "Table":
    """Return a table; the columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left")
    for row in rows:
        made.add_row(*(_cell(cell) for cell in row))
    return made


def facts(pairs: Mapping[str, object]) -> "Table":
    """Return names and values, one pair a line; pairs without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    for name, value in pairs.items():
        if value is not None:
            made.add_row(Text(name, "bold"), Text(str(value)))
    return made


def when(at: datetime | None, zone: ZoneInfo) -> str | None:
    """Return a local time for people, like `2025-06-11 09:30:00`."""
    return None if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _cell(value: object) -> "Text":
    from rich.text import Text

    return value if isinstance(value, Text) else Text("" if value is None else str(value))


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here")
