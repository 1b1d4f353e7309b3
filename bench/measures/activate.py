"""S11: activating 1M cards by ten calls of one batch each, against UPDATE of 1M rows."""

import time
from collections.abc import Sequence

from bench.errors import expect
from bench.lab import Lab
from bench.making import MadeBatch, move
from bench.measure import Measure, Sample, Side
from bench.measures.naive import TABLE, naive

_CALLS = 10


def _prepare(lab: Lab) -> None:
    expect(_batches(lab) > 0, "there are no batches to activate")


def _batches(lab: Lab) -> int:
    return min(_CALLS, len(naive(lab).shelved) // lab.plan.rounds)


def _next(lab: Lab) -> Sequence[MadeBatch]:
    each = _batches(lab)
    return naive(lab).shelved[lab.round * each : (lab.round + 1) * each]


def _run_activate(lab: Lab) -> Sample:
    world, batches = naive(lab), _next(lab)
    lab.checkpoint()
    started = time.perf_counter()
    for made in batches:
        move(world.db, world.people.distributor, "activate", made.cards)
    seconds = time.perf_counter() - started
    return Sample(seconds, {"calls": len(batches), "cards": _cards(batches)})


def _run_update(lab: Lab) -> Sample:
    world, batches = naive(lab), _next(lab)
    lab.checkpoint()
    started = time.perf_counter()
    for made in batches:
        lab.postgres.run(
            f"UPDATE {TABLE} SET stage = 'active', activated_on = current_date"  # noqa: S608
            f" WHERE serial BETWEEN {made.cards.first} AND {made.cards.last}",
            world.name,
        )
    return Sample(time.perf_counter() - started, {"cards": _cards(batches)})


def _cards(batches: Sequence[MadeBatch]) -> int:
    return sum(made.cards.count for made in batches)


MEASURES = (
    Measure(
        code="S11",
        title="activate 1M cards: times faster than UPDATE of 1M rows",
        unit="s",
        over=Side("update", _run_update, _prepare, again=False),
        under=Side("activate", _run_activate, _prepare, again=False),
        floor=1_000,
        goal=None,
        warms=False,
    ),
)
