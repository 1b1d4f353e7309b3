"""Statistics, results and pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench import chart, results
from bench.measure import Measure, Sample, Side
from bench.plan import Plan, toy
from bench.statistics import Spread, percentile, ratios, rounded, spread


def _nothing(_lab: Any) -> Sample:
    raise AssertionError("not run here")


OVER, UNDER = Side("ours", _nothing), Side("theirs", _nothing)


def _measure(**more: Any) -> Measure:
    given: dict[str, Any] = {"floor": 0.5, "goal": 1.0, "over": OVER, "under": UNDER} | more
    return Measure(code="S1", title="ours over theirs", unit="things/s", **given)


def _result(over: list[float], under: list[float], **more: Any) -> dict[str, Any]:
    samples = {"ours": [Sample(v) for v in over], "theirs": [Sample(v) for v in under]}
    return _measure(**more).result(samples)


def test_a_spread_is_the_median_and_the_range() -> None:
    assert spread([5.0, 1.0, 3.0]) == Spread(3.0, 1.0, 5.0)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_the_percentile_of_nothing_is_no_number() -> None:
    assert percentile([], 0.5) != percentile([], 0.5)


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(("value", "shown"), [(1234.56, 1235), (0.0012345, 0.001234), (0, 0)])
def test_numbers_are_rounded_to_significant_digits(value: float, shown: float) -> None:
    assert rounded(value) == pytest.approx(shown, rel=1e-3)


def test_a_result_holds_the_ratio_of_every_round_and_both_sides() -> None:
    found = _result([90.0, 80.0, 100.0], [100.0, 100.0, 100.0])
    assert found["ratio"] == 0.9
    assert found["rounds"] == [0.9, 0.8, 1.0]
    assert found["range"] == [0.8, 1.0]
    assert found["unit"] == "things/s"
    assert found["sides"]["theirs"]["median"] == 100
    assert [one["value"] for one in found["sides"]["ours"]["rounds"]] == [90, 80, 100]


@pytest.mark.parametrize(("value", "verdict"), [(1.0, "goal"), (0.5, "floor"), (0.49, "missed")])
def test_the_verdict_where_more_is_better(value: float, verdict: str) -> None:
    assert _measure().verdict(value) == verdict


@pytest.mark.parametrize(("value", "verdict"), [(2.0, "goal"), (3.0, "floor"), (3.1, "missed")])
def test_the_verdict_where_less_is_better(value: float, verdict: str) -> None:
    assert _measure(floor=3.0, goal=2.0, lower_is_better=True).verdict(value) == verdict


def test_a_measure_without_a_goal_is_held_against_its_floor() -> None:
    assert _measure(floor=1_000, goal=None).verdict(2_000) == "floor"


def test_a_measure_may_count_its_own_number() -> None:
    found = _result([114.0], [32.0], floor=140, goal=110, lower_is_better=True, counts_over=True)
    assert (found["value"], found["verdict"]) == (114, "floor")
    assert found["ratio"] == pytest.approx(114 / 32, rel=1e-3)


def _run(complete: bool) -> dict[str, Any]:
    machine = {
        "cpu": "a processor",
        "cores": 2,
        "memory_gib": 4.0,
        "python": "CPython 3.13",
        "disk": {"file_system": "ext4", "fdatasync_us": {"median": 100, "p99": 200}},
    }
    about = {"machine": machine, "settings": {"rounds": 5}, "complete": complete}
    return {"S1": _result([90.0], [100.0]), "about": about}


def test_only_a_complete_run_becomes_the_latest(tmp_path: Path) -> None:
    for complete, name in ((True, "latest"), (False, "partial")):
        path, picture = results.write(_run(complete), tmp_path)
        assert (path.name, picture.name) == (f"{name}.json", f"{name}.png")
        assert json.loads(path.read_text(encoding="utf-8"))["S1"]["ratio"] == 0.9
        with Image.open(picture) as image:
            assert image.format == "PNG"
    assert "NOT a complete run" in results.caption(_run(False)["about"])


def test_a_bar_to_the_right_is_always_better() -> None:
    more = _result([90.0], [100.0])
    less = _result([90.0], [100.0], floor=3, goal=2, lower_is_better=True)
    assert chart.goodness(more, 2.0) > chart.goodness(more, 1.0) == 1.0
    assert chart.goodness(less, 1.0) > chart.goodness(less, 2.0) == 1.0


def test_a_toy_or_a_small_run_is_never_a_real_one(tmp_path: Path) -> None:
    assert Plan().is_real
    assert not toy(tmp_path, tmp_path).is_real
    assert not Plan(rounds=4).is_real
    assert not Plan(scale=0.5).is_real
    assert not Plan(load_limit=None).is_real
