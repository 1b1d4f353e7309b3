"""The pages name files that exist, and show the floors that are enforced."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import documents
from tests.architecture.tree import ROOT, tracked_files

PAGES = sorted(str(path) for path in tracked_files() if path.suffix == ".md")
FLOOR_PAGES = ("docs/architecture.md", "docs/decisions/0001-floors.md")


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _layers() -> list[str]:
    config: dict[str, Any] = tomllib.loads(_text("pyproject.toml"))
    layers: list[str] = config["tool"]["importlinter"]["contracts"][0]["layers"]
    return layers


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_files_that_exist(page: str) -> None:
    assert documents.missing_paths(_text(page), ROOT) == []
    assert documents.missing_modules(_text(page), ROOT) == []
    assert documents.dead_links(_text(page), ROOT / page) == []


@pytest.mark.parametrize("page", FLOOR_PAGES)
def test_a_page_shows_the_floors_that_are_enforced(page: str) -> None:
    assert documents.missing_floors(_text(page), _layers()) == []


def test_the_checks_of_every_commit_run_the_readmes_test_command() -> None:
    assert "make test" in _text("README.md")
    parts = _text(".ci/run").split("for part in ")[1].split(";")[0].split()
    assert parts == ["lint", "types", "test"]
    assert 'make "$part"' in _text(".ci/run")


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "db.py").touch()
    good = "`core/db.py`, `core/`, `core/d*.py`, `db.py`, `make x`, `Asia/Shanghai`, `var/x.db`"
    assert documents.missing_paths(good, tmp_path) == []
    assert documents.missing_paths("`cor/db.py` `core/d/`", tmp_path) == ["cor/db.py", "core/d/"]
    assert documents.missing_modules("| `core/` | `db.py`, `x` |", tmp_path) == []
    assert documents.missing_modules("| `core/` | `da.py` |", tmp_path) == ["core/da.py"]


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.touch()
    assert documents.dead_links("[a](page.md) [b](page.md#part) [c](#here)", page) == []
    assert documents.dead_links("[a](other.md)", page) == ["other.md"]


@pytest.mark.parametrize(
    "text",
    ["", "a b", "    a b", "    c\n    a b", "    b a\n    c"],
)
def test_a_page_with_other_floors_is_noticed(text: str) -> None:
    assert documents.missing_floors(text, ["a | b", "c"]) != []
    assert documents.missing_floors("    a   b    words\n    c  words", ["a | b", "c"]) == []
