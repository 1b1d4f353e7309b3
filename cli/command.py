"""What all commands share: `--json`, help with examples, and loading only what is run."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import rich_click as click
from click import Command as AnyCommand
from rich.padding import Padding
from rich.text import Text

from cli.app import App
from core.unswept import unswept

F = TypeVar("F", bound=Callable[..., Any])

_pass_app: Callable[[Any], Any] = click.make_pass_decorator(App)


@dataclass(frozen=True)
class Leaf:
    """A command that is imported only when it is run: `module:attribute`, and its first line."""

    target: str
    help: str
    panel: str | None = None


@dataclass(frozen=True)
class Branch:
    """A group of commands. `default` is what runs when none of them is named."""

    help: str
    entries: Mapping[str, Leaf]
    panel: str | None = None
    default: str | None = None


class Command(click.RichCommand):
    """A command with `--json`, and with examples below its help."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params.append(_json_option())

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        del ctx
        write_block(formatter, "Examples", self.examples)


class Tree(click.RichGroup):
    """A group that knows its commands by name and first line, and imports the one that runs."""

    def __init__(self, name: str, entries: Mapping[str, Leaf | Branch], **kwargs: Any) -> None:
        stubs = {each: _stub(each, entry) for each, entry in entries.items()}
        super().__init__(name=name, commands=stubs, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are written down."""
        del ctx
        return list(self.entries)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, AnyCommand | None, list[str]]:
        """Return what `args` name, loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        entry = self.entries.get(name or "")
        return name, load(entry) if isinstance(entry, Leaf) else command, rest


class TreeWithDefault(Tree):
    """A group that runs one of its commands when none is named."""

    def __init__(self, name: str, entries: Mapping[str, Leaf], default: str, **kwargs: Any) -> None:
        super().__init__(name, entries, **kwargs)
        self.default = default
        self.no_args_is_help = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default's name in front where the first word names no command."""
        known = (*self.entries, *ctx.help_option_names)
        if not ctx.resilient_parsing and (not args or args[0] not in known):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def command(name: str, *, examples: Sequence[str] = ()) -> Callable[[F], Command]:
    """Make a function a command; its docstring is the help, `examples` are lines to copy."""
    return cast(Callable[[F], Command], click.command(name, cls=Command, examples=examples))


def pass_app(function: F) -> F:
    """Give a command the App of its run as the first argument."""
    return cast(F, _pass_app(function))


def load(leaf: Leaf) -> AnyCommand:
    """Import a command."""
    module, _, attribute = leaf.target.partition(":")
    with unswept():
        return cast(AnyCommand, getattr(importlib.import_module(module), attribute))


def write_block(formatter: Any, title: str, lines: Sequence[str]) -> None:
    """Write lines as they are under a title, for help pages."""
    if lines:
        body = Text("\n").join([Text(title, "bold"), *(Text(f"  {line}") for line in lines)])
        formatter.write(Padding(body, (0, 1, 1, 1)))


def _stub(name: str, entry: Leaf | Branch) -> AnyCommand:
    if isinstance(entry, Leaf):
        return click.RichCommand(
            name=name, help=entry.help, panel=entry.panel, add_help_option=False
        )
    if entry.default is not None:
        return TreeWithDefault(
            name, entry.entries, entry.default, help=entry.help, panel=entry.panel
        )
    return Tree(name, entry.entries, help=entry.help, panel=entry.panel)


def _json_option() -> click.RichOption:
    def choose(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(App).out.as_json = True

    return click.RichOption(
        ["--json", "as_json"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=choose,
        help="Print JSON on stdout; everything else goes to stderr.",
    )
