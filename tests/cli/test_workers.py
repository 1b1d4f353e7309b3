"""Worker processes: replaced when they die, ended in order or by force, and with their parent."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.api.serving import lives
from tests.cli.served import wait_until

_PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from cli.workers import Workers

def ends_in_order():
    signal.pause()

def hangs():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(sys.argv[2]).touch()
    while True:
        signal.pause()

def cannot_fork_at_once():
    signal.pause()

def dies():
    with open(sys.argv[2], "a") as file:
        file.write("x")
    sys.exit(7)

if sys.argv[1] == "cannot_fork_at_once":
    forks, real = [], os.fork

    def fork():
        forks.append(len(os.listdir("/dev/fd")))
        count = len(forks) - int(sys.argv[3])
        if 1 <= count <= 2:
            raise OSError("no more processes")
        if count == 3:
            assert forks[-1] <= forks[-2], forks
        return real()

    os.fork = fork

sys.exit(0 if Workers(int(sys.argv[3]), globals()[sys.argv[1]], float(sys.argv[4])).keep() else 1)
"""


@contextmanager
def working(
    work: str, note: Path, count: int = 2, end_after_s: float = 30
) -> Iterator["subprocess.Popen[str]"]:
    """Run so many workers that do this, until the block ends."""
    command = [sys.executable, "-W", "error", "-c", _PROGRAM]
    process = subprocess.Popen(
        [*command, work, str(note), str(count), str(end_after_s)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def children(process: "subprocess.Popen[str]") -> set[int]:
    """Return the processes of the workers that are alive."""
    return {child.pid for child in psutil.Process(process.pid).children() if lives(child)}


def ended(process: "subprocess.Popen[str]") -> str:
    """Tell them to end, which they do in order; return what they said."""
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said


def test_one_that_dies_is_replaced_and_all_end_in_order(scratch: Path) -> None:
    with working("ends_in_order", scratch / "note") as process:
        wait_until(lambda: len(children(process)) == 2)
        first = children(process)
        psutil.Process(min(first)).kill()
        wait_until(lambda: len(children(process)) == 2 and children(process) != first)
        assert max(first) in children(process)
        said = ended(process)
    assert said.count("worker_died") == 1
    assert "worker_killed" not in said


def test_one_that_does_not_end_is_killed(scratch: Path) -> None:
    note = scratch / "note"
    with working("hangs", note, count=1, end_after_s=0.1) as process:
        wait_until(note.exists)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "worker_killed" in said


def test_where_two_in_a_row_die_at_once_all_end(scratch: Path) -> None:
    note = scratch / "note"
    started = time.monotonic()
    with working("dies", note, count=1) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert time.monotonic() - started >= 1  # a rest is between them
    assert note.read_text() == "xx"
    assert said.count("worker_died") == 2


def test_a_signal_that_comes_while_one_is_forked_ends_it(scratch: Path) -> None:
    for _ in range(20):
        with working("ends_in_order", scratch / "note", count=4) as process:
            wait_until(lambda: children(process))
            said = ended(process)
        assert "worker_killed" not in said


@pytest.mark.parametrize("count", [1, 2])
def test_where_none_can_be_forked_the_others_go_on_and_it_is_tried_again(
    scratch: Path, count: int
) -> None:
    with working("cannot_fork_at_once", scratch / "note", count) as process:
        wait_until(lambda: len(children(process)) == count)
        dead, *others = children(process)
        psutil.Process(dead).kill()
        wait_until(lambda: len(children(process) - {dead}) == count)
        assert children(process) >= set(others)
        said = ended(process)
    assert said.count("worker_not_started") == 2
    assert "AssertionError" not in said


def test_they_end_when_their_parent_is_gone(scratch: Path) -> None:
    with working("ends_in_order", scratch / "note") as process:
        wait_until(lambda: len(children(process)) == 2)
        alive = [psutil.Process(pid) for pid in children(process)]
        process.kill()
        _, left = psutil.wait_procs(alive, timeout=60)
    assert left == []
