"""The overload run: rate and latency before, during and after three times the load it can bear."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.calls import Calls, one
from bench.errors import expect
from bench.lab import Lab, Shown, opened
from bench.load import Replies, arrivals, closed_loop, open_loop, steady
from bench.plan import Plan
from bench.quiet import check_was_quiet, wait_until_quiet, watching
from bench.run import about
from bench.server import Server
from bench.statistics import percentile, rounded
from bench.world import World

TIMES = 3.0
KEPT, RECOVERY_S = 0.8, 5.0
MOST_GROWTH_BYTES = 512 << 20
"""What is promised: of the best rate, until it is as before, of memory."""

_MOST_CONNECTIONS = 16_000
"""Each worker has a queue of its own, so more of them need more clients to overflow."""

_TRIES = 3
_STEP_S = 0.5
_AS_BEFORE = 3.0
"""As before is a p99 of at most so many times the one before, or of _UNNOTICED_S."""
_UNNOTICED_S = 0.05
_LOOK_S = 0.2
_SHARES = {"capacity": 0.08, "before": 0.08, "during": 0.5, "after": 0.08}


@dataclass
class Memory:
    """What the server held before, and at most while it was watched."""

    before: int = 0
    peak: int = 0


@dataclass
class Phase:
    """One part of the run, when it began (seconds since the first), and what came of it.

    `lasts_s` is how long requests came; the last answers may come later.
    """

    name: str
    at_s: float
    replies: Replies = field(repr=False)
    offered: float = 0.0
    lasts_s: float = 0.0

    def result(self) -> dict[str, Any]:
        """Return it as JSON."""
        found, times = self.replies, self.replies.latencies_s
        return {
            "at_s": rounded(self.at_s),
            "seconds": rounded(found.seconds),
            "offered_per_s": rounded(self.offered),
            "redeemed_per_s": rounded(found.rate),
            "p50_ms": rounded(percentile(times, 0.5) * 1e3),
            "p99_ms": rounded(percentile(times, 0.99) * 1e3),
            "answers": dict(found.statuses),
            "not_sent": found.unsent,
            "not_answered": found.unanswered,
            "generator_cpu_share_of_a_core": rounded(found.cpu_s / found.seconds, 3),
        }


def run(plan: Plan, shown: Shown) -> dict[str, Any]:
    """Load the server beyond what it bears; return what it did, and whether it kept the promise.

    Raises MachineBusy, CannotMeasure, CheckFailed.
    """
    with opened(plan, shown) as lab:
        wait_until_quiet(plan.load_limit)
        lab.queue_limit = plan.overload_queue_limit
        world = lab.small()
        server = lab.server(world)
        progress = lab.shown("overload: capacity, before, during, after")
        with watching() as load:
            capacity = _capacity(lab, world, server)
            progress(1, 4)
            with _watched(server) as memory:
                phases = _phases(lab, world, server, capacity)
        check_was_quiet(load, plan.load_limit)
        lab.check()
        return _result(lab, capacity, phases, memory)


def _capacity(lab: Lab, world: World, server: Server) -> float:
    """Return the best rate of a few tries, the first one to warm up."""
    rates = []
    for number in range(_TRIES + 1):
        numbers = world.supply.take(_budget(world, "capacity") // (_TRIES + 1))
        requests = Calls(world, f"capacity{number}").single(numbers)
        replies = closed_loop(server.port, requests, lab.plan.connections, lab.plan.seconds, one)
        world.acknowledged += replies.acknowledged
        rates.append(replies.rate)
    return max(rates[1:])


def _phases(lab: Lab, world: World, server: Server, capacity: float) -> list[Phase]:
    plan, started = lab.plan, time.monotonic()
    half = capacity / 2
    plans = (
        ("before", half, arrivals(half, plan.seconds, seed=1), plan.connections),
        ("during", capacity * TIMES, steady(capacity * TIMES, 2 * plan.seconds), None),
        ("after", half, arrivals(half, plan.seconds + RECOVERY_S, seed=2), plan.connections),
    )
    # All requests are made first, so that one phase follows right after the other.
    ready = []
    for name, offered, due, connections in plans:
        numbers = world.supply.take(min(len(due), _budget(world, name)))
        requests = Calls(world, name).single(numbers)
        ready.append((name, offered, due[: len(requests)], connections, requests))
    phases = []
    for name, offered, due, connections, requests in ready:
        at_s, drop = time.monotonic() - started, connections is None
        count = connections or min(plan.overload_connections * plan.workers, _MOST_CONNECTIONS)
        replies = open_loop(server.port, requests, due, count, one, drop=drop)
        world.acknowledged += replies.acknowledged
        world.unanswered += replies.unanswered
        phases.append(Phase(name, at_s, replies, offered, due[-1]))
    return phases


def _budget(world: World, name: str) -> int:
    return int(world.supply.total * _SHARES[name])


def _result(lab: Lab, capacity: float, phases: Sequence[Phase], memory: Memory) -> dict[str, Any]:
    before, during, after = phases
    _check_refusals(during.replies)
    kept = _kept(during.replies, capacity)
    # From when the load went down, so that waiting for the last answers counts as well.
    passed_s = after.at_s - during.at_s - during.lasts_s
    recovery_s = passed_s + recovery(before.replies, after.replies)
    grown = memory.peak - memory.before
    return {
        "capacity_per_s": rounded(capacity),
        "phases": {phase.name: phase.result() for phase in phases},
        "kept_share": rounded(kept),
        "recovery_s": rounded(recovery_s),
        "memory_mib": {"before": memory.before >> 20, "peak": memory.peak >> 20},
        "holds": {
            "rate": kept >= KEPT,
            "recovery": recovery_s <= RECOVERY_S,
            "memory": grown <= MOST_GROWTH_BYTES,
            "sheds": during.replies.statuses["503"] > 0 and not during.replies.unanswered,
        },
        "timeline": timeline(phases),
        "about": about(lab.plan, lab.root) | {"postgresql": lab.postgres.describe()},
    }


def _kept(replies: Replies, capacity: float) -> float:
    """Return the share of the best rate that was still redeemed, until the last answer."""
    return replies.rate / capacity


def _check_refusals(replies: Replies) -> None:
    """Raise CheckFailed unless what was not redeemed was told to come back, and when."""
    expect(
        set(replies.statuses) <= {"201", "503"},
        f"under overload there were other answers: {dict(replies.statuses)}",
    )
    for _, head, body in replies.samples:
        if head[9:12] == b"503":
            expect(b"\nretry-after:" in head.lower(), "a 503 does not say when to come back")
            expect(json.loads(body)["code"] == "try_later", "a 503 is not try_later")


def recovery(before: Replies, after: Replies) -> float:
    """Return how many seconds after its beginning the last bad moment of a phase was.

    A moment is bad where a request was refused, or the p99 is not as before.
    """
    limit = max(_UNNOTICED_S, _AS_BEFORE * percentile(before.latencies_s, 0.99))
    bad = list(after.refused_s)
    moments: dict[int, list[float]] = {}
    for at, latency in zip(after.times_s, after.latencies_s, strict=True):
        moments.setdefault(int(at / _STEP_S), []).append(latency)
    bad += [
        (moment + 1) * _STEP_S
        for moment, latencies in moments.items()
        if percentile(latencies, 0.99) > limit
    ]
    return max(bad, default=0.0)


def timeline(phases: Sequence[Phase]) -> list[dict[str, float]]:
    """Return the run in steps of half a second: redeemed and refused a second, and the p99."""
    steps: dict[int, tuple[list[float], list[int]]] = {}
    for phase in phases:
        found = phase.replies
        for at, latency in zip(found.times_s, found.latencies_s, strict=True):
            steps.setdefault(int((phase.at_s + at) / _STEP_S), ([], [0]))[0].append(latency)
        for at in found.refused_s:
            steps.setdefault(int((phase.at_s + at) / _STEP_S), ([], [0]))[1][0] += 1
    return [
        {
            "at_s": step * _STEP_S,
            "redeemed_per_s": len(latencies) / _STEP_S,
            "refused_per_s": refused[0] / _STEP_S,
            "p99_ms": 0.0 if not latencies else rounded(percentile(latencies, 0.99) * 1e3),
        }
        for step, (latencies, refused) in sorted(steps.items())
    ]


@contextmanager
def _watched(server: Server) -> Iterator[Memory]:
    """Look at the server's memory now and then."""
    memory = Memory(server.memory_bytes())
    memory.peak = memory.before
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_S):
            memory.peak = max(memory.peak, server.memory_bytes())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()
