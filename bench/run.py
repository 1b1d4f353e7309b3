"""A run: groups of measures, their sides in turn, round after round, on a machine that is quiet."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from bench.lab import Lab, Shown, opened
from bench.measure import Measure, Sample, Side
from bench.measures import CODES, chosen
from bench.plan import Plan
from bench.quiet import check_was_quiet, wait_until_quiet, watching
from bench.statistics import rounded

Samples = dict[str, list[Sample]]
MOST_REPEATS = 2
_HIDDEN = ("directory", "results", "seed")


def run(plan: Plan, codes: tuple[str, ...], shown: Shown) -> dict[str, Any]:
    """Measure what is named (nothing: everything) and return the results, S1 first.

    Raises MachineBusy, CannotMeasure, CheckFailed; then there are no results.
    """
    groups = chosen(codes)
    started = time.monotonic()
    results: dict[str, Any] = {}
    with opened(plan, shown) as lab:
        wait_until_quiet(plan.load_limit)
        for group in groups:
            samples = run_group(lab, group)
            results |= {measure.code: measure.result(samples) for measure in group}
        lab.check()
        about = _about(lab, time.monotonic() - started)
    ordered = {code: results[code] for code in CODES if code in results}
    complete = plan.is_real and len(ordered) == len(CODES)
    return ordered | {"about": about | {"complete": complete}}


def run_group(lab: Lab, group: Sequence[Measure]) -> Samples:
    """Run the sides of some measures in turn, each once a round, after a round to warm up."""
    sides = list({side.name: side for measure in group for side in measure.sides}.values())
    warm = {s.name for m in group if m.warms for s in m.sides}
    rounds = 1 if all(measure.once for measure in group) else lab.plan.rounds
    for side in sides:
        side.prepare(lab)
    _warm_up(lab, [side for side in sides if side.name in warm])
    progress = lab.shown(f"{', '.join(measure.code for measure in group)}: rounds")
    samples: Samples = {side.name: [] for side in sides}
    for number in range(rounds):
        lab.round = number
        lab.checkpoint()
        for place, side in enumerate(sides, 1):
            samples[side.name].append(_watched(lab, side))
            progress(number * len(sides) + place, rounds * len(sides))
    return samples


def _warm_up(lab: Lab, sides: Sequence[Side]) -> None:
    lab.warming = True
    for side in sides:
        side.run(lab)
    lab.warming = False


def _watched(lab: Lab, side: Side) -> Sample:
    """Run a side on a quiet machine; one that others disturbed does not count, and runs again.

    Raises MachineBusy where it was disturbed MOST_REPEATS times more, or cannot run again.
    """
    limit, runs = lab.plan.load_limit, 0
    while True:
        runs += 1
        wait_until_quiet(limit)
        started = time.monotonic()
        with watching() as load:
            sample = side.run(lab)
        if limit is None or load.foreign <= limit or not side.again or runs > MOST_REPEATS:
            break
    check_was_quiet(load, limit)
    facts = {
        "wall_s": rounded(time.monotonic() - started, 3),
        "own_cpu_s": rounded(load.own_cpu_s, 3),
        "foreign_load": rounded(load.foreign, 2),
    }
    if runs > 1:
        facts["repeated_since_disturbed"] = runs - 1
    return Sample(sample.value, {**sample.facts, **facts})


def about(plan: Plan, directory: Path) -> dict[str, Any]:
    """Return when, how and on what a run was made."""
    settings = {name: value for name, value in asdict(plan).items() if name not in _HIDDEN}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "machine": machine.describe(directory),
    }


def _about(lab: Lab, seconds: float) -> dict[str, Any]:
    found = about(lab.plan, lab.root) | {"seconds": round(seconds)}
    if lab.uses_postgres:
        found["postgresql"] = lab.postgres.describe()
    found["checked"] = {
        name: world.acknowledged + lab.past.get(name, 0) for name, world in lab.worlds.items()
    }
    return found


def quietly(_what: str) -> Callable[[int, int], None]:
    """Show nothing; for programs and tests."""
    return lambda _done, _total: None
