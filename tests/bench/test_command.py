"""`wanneng bench` as people run it: what it shows, and how it ends."""

import json
import sys
from pathlib import Path

import pytest

from bench.plan import Plan
from cli import bench, main

_QUICK = ("--toy", "--rounds", "1")


def test_without_the_source_tree_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "bench.plan", None)
    assert main.run(["bench"]) == 2
    assert "source tree" in capsys.readouterr().err


def test_an_unknown_measure_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["bench", "S13", "--toy"]) == 2
    assert "not S13" in capsys.readouterr().err


def test_the_options_change_the_plan_and_nothing_else() -> None:
    assert bench._plan(False, {}) == Plan()
    assert bench._plan(False, {"rounds": 7, "workers": 4}) == Plan(rounds=7, workers=4)
    assert not bench._plan(True, {"rounds": 7}).is_real


def test_results_are_json_for_programs_and_a_table_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    command = ["bench", "S12", *_QUICK, "--results", str(tmp_path)]
    assert main.run([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "partial.json").read_text(encoding="utf-8"))
    assert printed.keys() == stored.keys() == {"S12", "S12-help", "about"}
    assert printed["S12"]["sides"].keys() == {"server", "import litestar"}
    assert main.run(command) == 0
    shown = capsys.readouterr()
    assert "cold start of the server" in shown.out
    assert "S12, S12-help: rounds" in shown.err
