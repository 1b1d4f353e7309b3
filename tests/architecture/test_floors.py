"""The arrows between packages, and that the linter notices a wrong one."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import PRODUCT, ROOT

LINTER = Path(sys.executable).with_name("lint-imports")


def _lint(root: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LINTER, "--no-cache"], cwd=root, capture_output=True, text=True)


def _contracts() -> list[dict[str, Any]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = config["tool"]["importlinter"]["contracts"]
    return contracts


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's packages in a directory of their own, to be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PRODUCT:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_every_arrow_goes_down() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("core", "import staff.tables"),
        ("staff", "from vouchers import tables"),
        ("accounts", "import vouchers.tables"),
        ("vouchers", "from accounts import tables"),
        ("redemption", "import distribution.tables"),
        ("audit", "import api"),
        ("api", "import cli"),
        ("redemption", "def late():\n    import audit"),
        ("redemption", "import migrations.schema"),
    ],
)
def test_a_wrong_arrow_is_noticed(copy: Path, package: str, line: str) -> None:
    (copy / package / "planted.py").write_text(line + "\n")
    result = _lint(copy)
    assert result.returncode != 0
    assert f"{package}.planted" in result.stdout


def test_the_contract_names_every_package() -> None:
    named = set(re.findall(r"\w+", " ".join(_contracts()[0]["layers"])))
    assert named | {"migrations"} == set(PRODUCT)
