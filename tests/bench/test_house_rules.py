"""The benchmark keeps the rules of the product's source, and the product does not lean on it."""

import re

from tests.architecture import checks
from tests.architecture.tree import PRODUCT, ROOT, complaints, python_files

BENCH = python_files("bench")


def test_files_and_functions_are_short_and_say_what_they_guarantee() -> None:
    for check in (checks.long_functions, checks.long_file, checks.missing_docstrings):
        assert complaints(BENCH, check) == []


def test_nothing_prints_or_reads_the_environment_while_it_is_imported() -> None:
    for check in (checks.prints, checks.environment_at_import):
        assert complaints(BENCH, check) == []


def test_only_its_command_knows_the_benchmark() -> None:
    imports = re.compile(r"^\s*(?:from|import) bench\b", re.MULTILINE)
    files = python_files(*PRODUCT)
    knowing = [str(p) for p in files if imports.search((ROOT / p).read_text(encoding="utf-8"))]
    assert knowing == ["cli/bench.py"]


def test_the_command_names_the_package_only_inside_functions() -> None:
    text = (ROOT / "cli/bench.py").read_text(encoding="utf-8")
    outside = re.findall(r"^(?:from|import) bench\b.*", text, re.MULTILINE)
    assert outside == []
