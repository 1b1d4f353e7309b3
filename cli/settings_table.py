"""`wanneng settings`: the one table of all settings."""

import re
from dataclasses import fields
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.failures import USAGE, end
from cli.output import table
from core.errors import ConfigurationError
from core.settings import Settings, variable

_PASSWORD = re.compile(r"(://[^:/@]*:)[^@/]+@")


@command("settings", examples=["wanneng settings", "wanneng settings --markdown"])
@click.option("--markdown", is_flag=True, help="Print the table of the documentation.")
@pass_app
def settings(app: App, markdown: bool) -> None:
    """Show all settings and their values.

    Each is an environment variable; a name that begins with WANNENG_ and is not in this table is
    an error. Passwords in addresses are not shown.
    """
    if markdown:
        app.out.result({"markdown": markdown_table()}, markdown_table())
        return
    values, wrong = _values(app)
    rows = [_row(values, item) for item in fields(Settings)]
    shown = [(row["variable"], row["value"], row["default"], row["help"]) for row in rows]
    app.out.result(
        {"settings": rows}, table(["variable", "value", "default", "what it does"], shown)
    )
    if wrong is not None:
        app.out.note(f"error {wrong.code}: {wrong.message}")
        end(USAGE)


def markdown_table() -> str:
    """Return the table for docs/configuration.md."""
    lines = ["| Variable | Default | What it does |", "|---|---|---|"]
    for item in fields(Settings):
        default = f"`{item.default}`" if str(item.default) else "(empty)"
        lines.append(f"| `{variable(item.name)}` | {default} | {item.metadata['help']} |")
    return "\n".join(lines)


def without_password(text: str) -> str:
    """Return an address with its password hidden."""
    return _PASSWORD.sub(r"\1***@", text)


def _values(app: App) -> tuple[Settings, ConfigurationError | None]:
    """Return the settings, or the defaults and what is wrong: the table must show either way."""
    try:
        return app.settings, None
    except ConfigurationError as error:
        return Settings(), error


def _row(values: Settings, item: Any) -> dict[str, str]:
    value = without_password(str(getattr(values, item.name)))
    if value and item.metadata.get("secret"):
        value = "***"
    if item.name.endswith("_gateway"):
        value = value.partition("?")[0]  # the rest may hold addresses with keys in them
    return {
        "variable": variable(item.name),
        "value": value,
        "default": str(item.default),
        "help": item.metadata["help"],
    }
