"""How the demo looks: numbered steps, at most 100 columns, with and without a terminal."""

import sys

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.output import write
from core.errors import DomainError

WIDTH = 100
_INDENT = 4
_NAME_WIDTH = 10
MASKED = "****** ****** ******"
"""All that is shown of a PIN."""


class DemoFailed(DomainError):
    """A step of the demo did not end as it must."""

    code = "demo_failed"


class Screen:
    """Prints the story; counts its steps."""

    def __init__(self, quiet: bool) -> None:
        # With --json stdout belongs to the result.
        stream = sys.stderr if quiet else sys.stdout
        self._console = Console(file=stream, highlight=False)
        if not self._console.is_terminal or self._console.width > WIDTH:
            self._console.width = WIDTH
        self._step = 0

    @property
    def width(self) -> int:
        """The columns below a step's title."""
        return self._console.width - _INDENT

    def title(self, text: str) -> None:
        """Print the headline."""
        write(self._console, Text(text, "bold"))

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        write(self._console, Text.assemble((f"{self._step:>2}  ", "bold cyan"), (title, "bold")))

    def say(self, text: str) -> None:
        """Print what happened."""
        self.show(Text(text))

    def talk(self, who: str, words: str) -> None:
        """Print what somebody says or does, his name in front."""
        line = Table.grid(padding=(0, 1))
        line.add_column(style="dim", width=_NAME_WIDTH)
        line.add_row(who, Text(words))
        self.show(line)

    def lines(self, text: str) -> None:
        """Print lines to copy: never broken."""
        for line in text.splitlines():
            write(self._console, " " * _INDENT + line)

    def show(self, item: RenderableType) -> None:
        """Print something below the step's title."""
        write(self._console, Padding(item, (0, 0, 0, _INDENT), expand=False))


def expect(fact: bool, what: str) -> None:
    """Raise DemoFailed unless the fact holds."""
    if not fact:
        raise DemoFailed(f"this went wrong: {what}")
