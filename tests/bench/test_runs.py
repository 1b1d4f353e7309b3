"""Every measure, once, at toy size: it runs, it checks, and a wrong count ends it."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import history, overload, phone_calls, run, world
from bench.errors import CannotMeasure, CheckFailed
from bench.lab import Lab, opened
from bench.load import Replies
from bench.measures import CODES, chosen
from bench.measures.redeem import LARGE
from bench.overload import Phase
from bench.plan import Plan, toy
from tests.pin_hunt import digits_in_files
from tests.scratch import make_root, remove_root

PROMISED = {f"S{number}" for number in range(1, 13)}


@pytest.fixture(scope="module")
def results() -> Iterator[Path]:
    root, mark = make_root()
    yield root
    remove_root(root, mark)


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A directory on a disk, which other users can pass through."""
    made = Path(tempfile.mkdtemp(prefix="wn", dir="/var/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def plan(disk: Path, results: Path) -> Plan:
    return toy(disk, results)


@pytest.fixture(scope="module")
def place(disk: Path) -> Path:
    """Where the one complete run lies while it runs."""
    made = disk / "run"
    made.mkdir(mode=0o711)
    return made


@pytest.fixture(scope="module")
def found(plan: Plan, place: Path) -> dict[str, Any]:
    return run.run(replace(plan, directory=place), (), run.quietly)


def test_every_promise_is_measured_in_turn_as_often_as_asked(
    found: dict[str, Any], plan: Plan
) -> None:
    assert set(found) == {*CODES, "about"}
    assert {code.split("-")[0] for code in CODES} == PROMISED
    for code in CODES:
        result = found[code]
        rounds = 1 if code == "S8" else plan.rounds
        assert len(result["rounds"]) == rounds, code
        assert result["ratio"] > 0, code
        assert len(result["sides"]) >= 2, code
        for side in result["sides"].values():
            assert len(side["rounds"]) == rounds, code


def test_the_results_say_on_what_they_were_measured(found: dict[str, Any]) -> None:
    about = found["about"]
    assert about["complete"] is False
    assert about["postgresql"]["settings"]["fsync"] == "on"
    assert about["postgresql"]["settings"]["synchronous_commit"] == "on"
    assert about["machine"]["cores"] >= 1
    assert about["machine"]["disk"]["fdatasync_us"]["median"] > 0
    assert json.loads(json.dumps(about, default=str))["settings"]["rounds"] == 2


def test_redemptions_were_made_and_checked_in_every_world(found: dict[str, Any]) -> None:
    checked = found["about"]["checked"]
    assert set(checked) == {"small", "large", "sqlite"}
    assert all(count > 0 for count in checked.values())


def test_a_run_leaves_nothing_behind(found: dict[str, Any], place: Path) -> None:
    assert found
    assert list(place.iterdir()) == []


def test_an_overload_is_shed_and_every_redemption_accounted_for(plan: Plan) -> None:
    done = overload.run(plan, run.quietly)
    assert set(done["phases"]) == {"before", "during", "after"}
    assert set(done["phases"]["during"]["answers"]) <= {"201", "503"}
    assert set(done["holds"]) == {"rate", "recovery", "memory", "sheds"}
    assert done["timeline"]


def test_callers_redeem_at_once_and_every_step_is_timed(plan: Plan) -> None:
    done = phone_calls.run(plan, run.quietly)
    assert done["steps"]["all"]["steps"] == plan.calls * plan.call_rounds * 7
    assert done["steps"]["done"]["max_ms"] >= done["steps"]["done"]["p50_ms"] > 0
    assert set(done) >= {"calls_at_once", "holds", "foreign_load", "about"}


def test_recovery_is_the_last_bad_moment_after_an_overload() -> None:
    calm = Replies(times_s=[0.1, 0.2], latencies_s=[0.01, 0.01])
    slow = Replies(times_s=[0.1, 1.2, 3.0], latencies_s=[0.9, 0.9, 0.01])
    assert overload.recovery(calm, calm) == 0
    assert overload.recovery(calm, slow) == 1.5
    assert overload.recovery(calm, Replies(refused_s=[2.25])) == 2.25


def test_a_timeline_counts_what_was_redeemed_and_refused() -> None:
    replies = Replies(times_s=[0.1, 0.7], latencies_s=[0.01, 0.02], refused_s=[0.2])
    assert overload.timeline([Phase("during", 1.0, replies)]) == [
        {"at_s": 1.0, "redeemed_per_s": 2.0, "refused_per_s": 2.0, "p99_ms": 10.0},
        {"at_s": 1.5, "redeemed_per_s": 2.0, "refused_per_s": 0.0, "p99_ms": 20.0},
    ]


@pytest.fixture(scope="module")
def lab(plan: Plan) -> Iterator[Lab]:
    with opened(plan, run.quietly) as made:
        yield made


def test_a_lived_in_world_keeps_every_invariant(lab: Lab) -> None:
    large = lab.large(500_000)
    history.grow(large, 2_000, run.quietly("growing"))
    lab.past["large"] = 2_000
    lab.check()
    assert large.supply.left == 8_000


def test_a_redemption_too_few_or_too_many_fails_the_run(lab: Lab) -> None:
    large = lab.large()
    for wrong in (-1, 1):
        with pytest.raises(CheckFailed, match="were acknowledged"):
            world.check(large, lab.past["large"] + wrong)


def test_no_file_of_a_run_holds_a_pin(lab: Lab) -> None:
    LARGE.prepare(lab)
    assert LARGE.run(lab).value > 0
    pins = [lab.large().deck.digits(number) for number in range(20_000)]
    assert digits_in_files([lab.root], pins) == []


def test_a_measure_brings_what_it_needs() -> None:
    assert [[m.code for m in group] for group in chosen(("s3",))] == [["S1"], ["S3"]]
    assert [[m.code for m in group] for group in chosen(("S12",))] == [["S12", "S12-help"]]
    with pytest.raises(CannotMeasure, match="S77"):
        chosen(("S77",))


def test_a_directory_in_memory_is_refused(results: Path) -> None:
    with (
        pytest.raises(CannotMeasure, match="in memory"),
        opened(toy(Path("/dev/shm"), results), run.quietly),  # noqa: S108 - in memory
    ):
        pass
