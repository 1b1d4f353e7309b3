"""S8: the peak memory of a process that generates ten times as many cards."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict

import psutil

from bench.errors import expect
from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from bench.measures.mint import BATCHES, Mint, mint
from bench.server import environment

_FEW, _MANY = 500_000, 5_000_000
_NAME = "memory"
_LOOK_S = 0.05
_FULL_BATCH = 100_000


def _prepare(lab: Lab) -> None:
    if _NAME not in lab.kept:
        lab.kept[_NAME] = mint(lab, _NAME)


def _run(lab: Lab, real: int) -> Sample:
    made: Mint = lab.kept[_NAME]
    cards = lab.plan.cards(real, 1_000)
    batches = max(BATCHES // 2 if real == _FEW else BATCHES * 5, cards // _FULL_BATCH)
    ids = made.ordered(cards, batches)
    job = {
        "batches": ids,
        "actor": asdict(made.people.issuer),
        "holder_id": made.people.warehouse_id,
    }
    started = time.perf_counter()
    peak = _peak_of_child(made, json.dumps(job))
    seconds = time.perf_counter() - started
    found = lab.postgres.value(
        f"SELECT coalesce(sum(generated_count), 0) FROM batch WHERE id IN"  # noqa: S608
        f" ({', '.join(map(str, ids))})",
        _NAME,
    )
    expect(found == cards // batches * batches, "not all cards were generated")
    return Sample(peak / 2**20, {"cards": int(found), "seconds": round(seconds, 1)})


def _peak_of_child(made: Mint, job: str) -> int:
    """Run the generating process; return the peak of its whole tree in bytes."""
    with tempfile.TemporaryFile("w+") as told:
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "bench.generating", job],
            env=environment(made.settings),
            stdin=subprocess.DEVNULL,
            stdout=told,
        )
        peak = 0
        while child.poll() is None:
            peak = max(peak, _tree_bytes(child.pid))
            time.sleep(_LOOK_S)
        expect(child.returncode == 0, "the generating process failed")
        told.seek(0)
        return max(peak, int(told.read()))


def _tree_bytes(pid: int) -> int:
    try:
        root = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


MEASURES = (
    Measure(
        code="S8",
        title="peak memory of generating 5M cards, over 0.5M",
        unit="MiB",
        over=Side("5M", lambda lab: _run(lab, _MANY), _prepare),
        under=Side("0.5M", lambda lab: _run(lab, _FEW), _prepare),
        floor=1.2,
        goal=1.1,
        lower_is_better=True,
        warms=False,
        once=True,
    ),
)
