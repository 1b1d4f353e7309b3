"""The lock fits pyproject.toml, names no address, and holds a hash for every file."""

import importlib.metadata
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import lock
from tests.architecture.tree import ROOT

HASH = "    --hash=sha256:" + "0" * 64
HOW_TO_MEND = "run `make lock`"
LOCKS = ("runtime", "build", "dev")


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def test_what_serves_is_locked() -> None:
    wanted = _project()["project"]["dependencies"]
    assert lock.unsatisfied(wanted, lock.parse(_text("runtime"))) == [], HOW_TO_MEND


def test_what_builds_is_locked() -> None:
    wanted = _project()["dependency-groups"]["build"]
    assert lock.unsatisfied(wanted, lock.parse(_text("build"))) == [], HOW_TO_MEND


def test_what_develops_is_locked() -> None:
    groups = _project()["dependency-groups"]["dev"]
    wanted = [item for item in groups if isinstance(item, str)]
    assert lock.unsatisfied(wanted, lock.parse(_text("dev"))) == [], HOW_TO_MEND


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_the_smaller_locks_are_parts_of_the_whole(name: str) -> None:
    assert lock.differing(lock.parse(_text(name)), lock.parse(_text("dev"))) == [], HOW_TO_MEND


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_exact_hashed_versions_and_nothing_else(name: str) -> None:
    assert lock.stray_lines(_text(name)) == []
    assert lock.unhashed(_text(name)) == []
    assert lock.parse(_text(name))


def test_what_the_locked_packages_need_themselves_is_locked() -> None:
    locked = lock.parse(_text("dev"))
    missing = []
    for name in locked:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for other machines than this
        wanted = [Requirement(text) for text in needs]
        missing += [
            f"{name} needs {item}"
            for item in wanted
            if (item.marker is None or item.marker.evaluate({"extra": ""}))
            and canonicalize_name(item.name) not in locked
        ]
    assert missing == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https" + "://registry.example/simple",
        "--find-links /wheels",
        "-e .",
        "a==1",
        "a>=1 \\",
        "a @ file" + ":///a.whl \\",
        "# from https" + "://registry.example",
        "    --hash=md5:0",
    ],
)
def test_a_stray_line_is_noticed(line: str) -> None:
    assert lock.stray_lines(f"# by `make lock`\na==1 \\\n{HASH}\n{line}\n") == [line]


def test_a_missing_hash_is_noticed() -> None:
    assert lock.unhashed(f"a==1 \\\nb==1 \\\n{HASH}\n") == ["a==1 \\"]


@pytest.mark.parametrize("locked", ["", f"a==2 \\\n{HASH}", "a==1 ; python_version < '3.13' \\\n"])
def test_an_unsatisfied_requirement_is_noticed(locked: str) -> None:
    assert "a>=1,<2 on Python 3.13" in lock.unsatisfied(["a>=1,<2"], lock.parse(locked))


def test_a_satisfied_requirement_is_fine() -> None:
    text = (
        f"a==1 ; python_version < '3.12' \\\n{HASH}\na==1.5 ; python_version >= '3.12' \\\n{HASH}"
    )
    assert lock.unsatisfied(["A>=1,<2", "b; python_version < '3'"], lock.parse(text)) == []


def test_another_version_in_the_whole_is_noticed() -> None:
    assert lock.differing(lock.parse("a==1 \\\nb==1 \\"), lock.parse("a==1 \\\nb==2 \\")) == ["b"]
