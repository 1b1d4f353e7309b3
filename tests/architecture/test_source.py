"""The source keeps the house's rules, and the checks notice when it does not."""

from pathlib import Path

import pytest

from tests.architecture import checks
from tests.architecture.tree import PRODUCT, ROOT, complaints, python_files, tracked_files

EVERYWHERE = (*PRODUCT, "tests", "bench")
EDGES = ("api", "cli")

# Put together here so that this file does not contain them.
MACHINES = tuple(
    "/" + word for word in ("root/", "work/", "opt/wheels", "opt/pypi", "home/runner", "users/")
)
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("crates", "io"),
        ("proxy", "golang"),
    )
)


def test_no_function_is_longer_than_sixty_lines() -> None:
    assert complaints(python_files(*EVERYWHERE), checks.long_functions) == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    assert complaints(python_files(*EVERYWHERE), checks.long_file) == []


def test_everything_public_says_what_it_guarantees() -> None:
    assert complaints(python_files(*PRODUCT), checks.missing_docstrings) == []


def test_nothing_reads_the_environment_while_it_is_imported() -> None:
    assert complaints(python_files(*PRODUCT), checks.environment_at_import) == []


def test_only_the_edges_read_the_environment() -> None:
    inside = [package for package in PRODUCT if package not in EDGES]
    assert complaints(python_files(*inside), checks.environment_anywhere) == []


def test_only_the_command_line_prints() -> None:
    inside = [package for package in PRODUCT if package != "cli"]
    assert complaints(python_files(*inside), checks.prints) == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    words = MACHINES + REGISTRIES
    found = []
    for path in tracked_files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a font or a picture
        found += [f"{path}: {line}" for line in checks.forbidden_words(text, words)]
    assert found == []


def test_no_key_or_database_is_tracked() -> None:
    names = ("keys.json", ".db", ".db-wal", ".db-shm", ".age", ".env")
    assert [path for path in tracked_files() if path.name.endswith(names)] == []


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_long_function_is_noticed(kind: str) -> None:
    body = "    pass\n" * checks.MAX_FUNCTION_LINES
    assert checks.long_functions(f"class A:\n  {kind} f(self):\n{body}") == ["f has 61 lines"]
    assert checks.long_functions(f"{kind} f():\n{body[9:]}") == []


def test_a_long_file_is_noticed() -> None:
    assert checks.long_file("\n" * 401) == ["it has 401 lines"]
    assert checks.long_file("\n" * 400) == []


@pytest.mark.parametrize(
    ("source", "silent"),
    [
        ("x = 1", ["the module"]),
        ("", []),
        ('"""m"""\ndef f(): pass', ["f"]),
        ('"""m"""\nasync def f(): pass', ["f"]),
        ('"""m"""\nclass A:\n "a"\n def f(self): pass\n def _g(self): pass', ["A.f"]),
        ('"""m"""\nclass A: pass', ["A"]),
        ('"""m"""\ndef _f():\n def g(): pass', []),
    ],
)
def test_a_missing_docstring_is_noticed(source: str, silent: list[str]) -> None:
    assert checks.missing_docstrings(source) == silent


@pytest.mark.parametrize(
    ("source", "at_import", "anywhere"),
    [
        ("import os\nX = os.environ.get('X')", ["line 2"], ["line 2"]),
        ("import os\nclass A:\n  x = os.getenv('X')", ["line 3"], ["line 3"]),
        ("import os\ndef f():\n  return os.environ", [], ["line 3"]),
        ("environ = {}", [], []),
    ],
)
def test_reading_the_environment_is_noticed(
    source: str, at_import: list[str], anywhere: list[str]
) -> None:
    assert checks.environment_at_import(source) == at_import
    assert checks.environment_anywhere(source) == anywhere


def test_a_print_is_noticed() -> None:
    assert checks.prints("def f():\n  print('x')\n  pprint('y')") == ["line 2"]


@pytest.mark.parametrize("word", MACHINES + REGISTRIES)
def test_a_forbidden_word_is_noticed(word: str) -> None:
    assert checks.forbidden_words(f"good\nsee {word.upper()}x", MACHINES + REGISTRIES) != []
    assert checks.forbidden_words("good", MACHINES + REGISTRIES) == []


def test_the_product_is_every_package_of_the_wheel() -> None:
    packages = {path.parent.name for path in Path(ROOT).glob("*/__init__.py")} - {"tests", "bench"}
    assert packages == set(PRODUCT)
