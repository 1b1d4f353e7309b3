"""What is wrong with a page: names of files that are not there, links that lead nowhere."""

import re
from pathlib import Path

_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.*-]*)`")
_OURS = (".py", ".sh", ".md", ".txt", ".toml", ".yml")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_PACKAGE_ROW = re.compile(r"^\| `(\w+)/` \|(.*)$", re.MULTILINE)


def missing_paths(text: str, root: Path) -> list[str]:
    """Paths of ours, in backticks, that are not there; `*` stands for any.

    Ours is what ends like source or begins with a folder of the repository (`var/` is not one).
    """
    return [
        path
        for path in _PATH.findall(text)
        if path.endswith(_OURS) or (root / path.split("/")[0]).is_dir()
        if not path.startswith("var/") and not list(root.glob(path.rstrip("/")))
    ]


def dead_links(text: str, page: Path) -> list[str]:
    """Relative links to files that are not there."""
    return [link for link in _LINK.findall(text) if not (page.parent / link).exists()]


def missing_modules(text: str, root: Path) -> list[str]:
    """Files named in a table's row of a package that are not in that package."""
    return [
        f"{package}/{name}"
        for package, row in _PACKAGE_ROW.findall(text)
        for name in re.findall(r"`([\w*]+\.py)`", row)
        if not list((root / package).rglob(name))
    ]


def missing_floors(text: str, layers: list[str]) -> list[str]:
    """Floors of the contract that no indented line of the page shows, or shows out of order."""
    shown = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    lines = [line.split() for line in shown]
    wanted = [re.findall(r"\w+", floor) for floor in layers]
    found = [next((i for i, line in enumerate(lines) if line[: len(w)] == w), -1) for w in wanted]
    if found != sorted(found):
        return layers
    return [floor for floor, at in zip(layers, found, strict=True) if at < 0]
