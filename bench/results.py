"""Where results go: a JSON file, a picture, and lines for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import chart

ABOUT = "about"


def write(results: Mapping[str, Any], directory: Path) -> tuple[Path, Path]:
    """Write the JSON and the chart; return their paths.

    Only a complete run becomes `latest`; any other is `partial`, not to be taken for one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = "latest" if results[ABOUT]["complete"] else "partial"
    picture = directory / f"{name}.png"
    chart.draw(measures(results), caption(results[ABOUT])).save(picture, optimize=True)
    return write_json(results, directory, name), picture


def write_json(results: Mapping[str, Any], directory: Path, name: str) -> Path:
    """Write one JSON file; return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    text = json.dumps(results, indent=1, ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def measures(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results without what tells about the run."""
    return {code: result for code, result in results.items() if code != ABOUT}


def caption(about: Mapping[str, Any]) -> str:
    """Say in one line what it was measured on."""
    machine, disk = about["machine"], about["machine"]["disk"]
    database = about.get("postgresql")
    parts = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB",
        f"{disk['file_system']}, fdatasync {disk['fdatasync_us']['median']} us",
        f"PostgreSQL {database['version'].split()[0]}" if database else "no PostgreSQL",
        machine["python"],
        f"{about['settings']['rounds']} rounds",
    ]
    if not about.get("complete"):
        parts.append("NOT a complete run")
    return "; ".join(parts)


def number(value: float) -> str:
    """Return a number as people read it."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def shown(result: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return value, range and what it is held against, as text."""
    low, high = result["value_range"]
    goal = "-" if result["goal"] is None else number(result["goal"])
    sign = "≤" if result["lower_is_better"] else "≥"
    held = f"{sign} {number(result['floor'])} / {goal}"
    return number(result["value"]), f"{number(low)} to {number(high)}", held
