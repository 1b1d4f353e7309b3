"""Whether the machine is ours: the CPU that other processes use, before and during each side."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.errors import MachineBusy

LOOK_S = 1.0
_PATIENCE = 10
_KERNEL_THREADS = 2  # the parent of all of them on Linux


@dataclass
class Load:
    """The share of the machine that others used while a side ran, and the CPU seconds of ours."""

    foreign: float = 0.0
    own_cpu_s: float = 0.0


def foreign_load(seconds: float = LOOK_S) -> float:
    """Return the share of all cores (0 to 1) that processes not of this tree use just now."""
    with watching() as load:
        time.sleep(seconds)
    return load.foreign


@contextmanager
def watching() -> Iterator[Load]:
    """Measure the load while the block runs; the result is filled in at its end."""
    load = Load()
    started, busy, own, others = time.monotonic(), _busy_s(), *_used()
    yield load
    elapsed, busy_now, own_now, others_now = time.monotonic() - started, _busy_s(), *_used()
    load.own_cpu_s = own_now - own
    # A process that ends while all are being looked at is counted wrongly; the machine as a whole
    # is not, though it counts the kernel's own work as well. The smaller number is the true one.
    foreign = min(others_now - others, busy_now - busy - load.own_cpu_s)
    load.foreign = max(0.0, foreign) / (elapsed * (os.cpu_count() or 1))


def wait_until_quiet(limit: float | None, look_s: float = LOOK_S) -> None:
    """Return once others use no more than `limit`; raises MachineBusy when they go on.

    A short burst (a timer of the system) is waited out; None never waits and never raises.
    """
    if limit is None:
        return
    seen = [foreign_load(look_s)]
    while seen[-1] > limit:
        if len(seen) == _PATIENCE:
            raise _refusal(min(seen), limit, "before a round")
        seen.append(foreign_load(look_s))


def check_was_quiet(load: Load, limit: float | None) -> None:
    """Raise MachineBusy where others used more than `limit` while a side was measured."""
    if limit is not None and load.foreign > limit:
        raise _refusal(load.foreign, limit, "during a round")


def _refusal(seen: float, limit: float, when: str) -> MachineBusy:
    return MachineBusy(
        f"other programs used {seen:.1%} of this machine {when}, the limit is {limit:.1%}: nothing"
        " is reported; end them and run again",
        foreign=round(seen, 4),
        limit=limit,
    )


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _used() -> tuple[float, float]:
    """Return the CPU seconds of our tree and of all other programs, dead children included."""
    mine = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    own = others = 0.0
    for process in psutil.process_iter(["pid", "ppid", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is None or _KERNEL_THREADS in (process.info["pid"], process.info["ppid"]):
            continue
        used = times.user + times.system + times.children_user + times.children_system
        if process.info["pid"] in mine:
            own += used
        else:
            others += used
    return own, others
