"""Options that several commands share, and types of what is typed."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from core.errors import InvalidInput
from core.money import parse_yuan

F = TypeVar("F", bound=Callable[..., Any])


class Yuan(click.ParamType[int]):
    """A sum typed in yuan, `50` or `50.00`, kept as fen."""

    name = "yuan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the fen."""
        if isinstance(value, int):
            return value
        try:
            return parse_yuan(value if "." in value else f"{value}.00")
        except InvalidInput:
            self.fail(f"{value!r} is not a sum in yuan, like 50 or 50.00", param, ctx)


class Day(click.ParamType[date]):
    """A calendar day typed like `2025-06-11`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value[:40]!r} is not a day, like 2025-06-11", param, ctx)


class Id(click.ParamType[int]):
    """A number that names a row."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63):
            self.fail(f"{text[:40]!r} is not a number of digits", param, ctx)
        return int(text)


YUAN = Yuan()
DAY = Day()
ID = Id()
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ENCODING = click.option(
    "--encoding",
    type=click.Choice(["utf-8", "gbk"]),
    default="utf-8",
    show_default=True,
    help="How the file is written; UTF-8 may have a byte order mark.",
)


def limit_option(function: F) -> F:
    """Add --limit."""
    option = click.option(
        "--limit",
        type=click.IntRange(1, 500),
        default=50,
        show_default=True,
        help="At most so many.",
    )
    return option(function)
