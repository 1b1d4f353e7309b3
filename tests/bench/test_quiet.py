"""The run refuses where others use the machine, and does not count its own tree."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench import quiet, run
from bench.errors import MachineBusy
from bench.lab import Lab
from bench.measure import Sample, Side
from bench.plan import Plan
from bench.quiet import Load, check_was_quiet, wait_until_quiet, watching

_BURN = """
import time
end = time.monotonic() + 20  # even if the test is cut off
while time.monotonic() < end:
    pass
"""
_BURN_FROM_ELSEWHERE = f"""
import subprocess, sys
none = subprocess.DEVNULL
child = subprocess.Popen([sys.executable, "-c", {_BURN!r}], stdin=none, stdout=none, stderr=none)
print(child.pid, flush=True)
child.returncode = 0  # it shall outlive us
"""


@pytest.fixture
def orphan() -> Iterator[int]:
    """A busy process that is not of our tree: its parent has ended."""
    told = subprocess.run(
        [sys.executable, "-c", _BURN_FROM_ELSEWHERE],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    pid = int(told.stdout)
    yield pid
    os.kill(pid, signal.SIGKILL)


def _burn_until(pid: int, cpu_s: float) -> None:
    while sum(psutil.Process(pid).cpu_times()[:2]) < cpu_s:
        os.sched_yield()


def test_another_programs_work_is_foreign_load(orphan: int) -> None:
    with watching() as load:
        _burn_until(orphan, 0.3)
    assert load.foreign > 0


def test_the_run_refuses_after_a_side_that_others_disturbed() -> None:
    with pytest.raises(MachineBusy) as caught:
        check_was_quiet(Load(foreign=0.06), 0.05)
    assert "the limit is 5.0%" in caught.value.message
    check_was_quiet(Load(foreign=0.04), 0.05)


def test_the_run_refuses_while_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([0.5] * 10)
    monkeypatch.setattr(quiet, "foreign_load", lambda _seconds: next(looks))
    with pytest.raises(MachineBusy):
        wait_until_quiet(0.05)


def test_a_short_burst_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([0.5, 0.3, 0.01])
    monkeypatch.setattr(quiet, "foreign_load", lambda _seconds: next(looks))
    wait_until_quiet(0.05)
    assert list(looks) == []


def test_without_a_limit_nothing_is_refused() -> None:
    check_was_quiet(Load(foreign=1.0), None)
    wait_until_quiet(None)


def test_our_own_children_are_not_foreign() -> None:
    with watching() as load:
        child = subprocess.Popen([sys.executable, "-c", _BURN])
        _burn_until(child.pid, 0.2)
        child.kill()
        child.wait()
    assert load.own_cpu_s >= 0.2


def _disturbed(monkeypatch: pytest.MonkeyPatch, *foreign: float) -> list[float]:
    """Let others use these shares of the machine, side after side; return what is yet to come."""
    coming = list(foreign)

    @contextlib.contextmanager
    def watching() -> Iterator[Load]:
        yield Load(foreign=coming.pop(0))

    monkeypatch.setattr(run, "watching", watching)
    monkeypatch.setattr(run, "wait_until_quiet", lambda _limit: None)
    return coming


def _lab(tmp_path: Path) -> Lab:
    return Lab(Plan(), tmp_path, run.quietly, contextlib.ExitStack())


def test_a_disturbed_side_runs_again_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    coming = _disturbed(monkeypatch, 0.5, 0.5, 0.01)
    values = iter([1.0, 2.0, 3.0])
    sample = run._watched(_lab(tmp_path), Side("s", lambda _lab: Sample(next(values))))
    assert (sample.value, sample.facts["repeated_since_disturbed"]) == (3.0, 2)
    assert coming == []


@pytest.mark.parametrize(("again", "runs"), [(True, 3), (False, 1)])
def test_a_side_that_stays_disturbed_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, again: bool, runs: int
) -> None:
    coming = _disturbed(monkeypatch, *[0.5] * 4)
    with pytest.raises(MachineBusy):
        run._watched(_lab(tmp_path), Side("s", lambda _lab: Sample(1.0), again=again))
    assert len(coming) == 4 - runs
