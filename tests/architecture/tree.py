"""The files of the repository, and the packages that make up the product."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = (
    "accounts", "api", "audit", "cli", "core", "distribution",
    "migrations", "redemption", "staff", "vouchers",
)  # fmt: skip


def tracked_files() -> list[Path]:
    """Return every file that git tracks or would track, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = [Path(name) for name in listed.decode().split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file()]


def python_files(*packages: str) -> list[Path]:
    """Return the Python files of some packages, as paths from the root."""
    return [
        path.relative_to(ROOT)
        for package in packages
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def complaints(paths: list[Path], check: Callable[[str], list[str]]) -> list[str]:
    """Return what a check finds in files, each with the name of its file."""
    return [
        f"{path}: {found}"
        for path in paths
        for found in check((ROOT / path).read_text(encoding="utf-8"))
    ]
