"""What a measure is: two sides that run in turn, and what their ratio is promised to be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.lab import Lab
from bench.statistics import ratios, rounded, spread


@dataclass(frozen=True)
class Sample:
    """What one side did in one round: its number, and what else is worth knowing of it."""

    value: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """One side: `prepare` once, then `run` in every round. Measures may share a side, by name.

    `again`: it may be run once more in a round where other programs disturbed it.
    """

    name: str
    run: Callable[[Lab], Sample]
    prepare: Callable[[Lab], None] = lambda _lab: None
    again: bool = True


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The ratio of `over` to `under`, held against a floor and a goal.

    `lower_is_better` turns the comparison round. With `counts_over` floor and goal are of the
    first side's own number. The sides `beside` run along and are shown. `warms` runs every side
    once before the rounds; `once` is for what has no spread and takes long.
    """

    code: str
    title: str
    unit: str
    over: Side
    under: Side
    floor: float
    goal: float | None
    lower_is_better: bool = False
    counts_over: bool = False
    beside: tuple[Side, ...] = ()
    warms: bool = True
    once: bool = False

    @property
    def sides(self) -> tuple[Side, ...]:
        """All sides; those beside only tell more."""
        return (self.over, self.under, *self.beside)

    def result(self, samples: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
        """Return the result as it stands in the JSON file."""
        over = [sample.value for sample in samples[self.over.name]]
        under = [sample.value for sample in samples[self.under.name]]
        each = ratios(over, under)
        middle = spread(each)
        counted = spread(over) if self.counts_over else middle
        return {
            "title": self.title,
            "ratio": rounded(middle.median),
            "rounds": [rounded(value) for value in each],
            "range": [rounded(middle.low), rounded(middle.high)],
            "unit": self.unit,
            "value": rounded(counted.median),
            "value_range": [rounded(counted.low), rounded(counted.high)],
            "floor": self.floor,
            "goal": self.goal,
            "lower_is_better": self.lower_is_better,
            "verdict": self.verdict(counted.median),
            "sides": {side.name: _side(samples[side.name]) for side in self.sides},
        }

    def verdict(self, value: float) -> str:
        """Say how a number stands: `goal`, `floor` (between the two) or `missed`."""
        sign = -1 if self.lower_is_better else 1
        if self.goal is not None and sign * value >= sign * self.goal:
            return "goal"
        return "floor" if sign * value >= sign * self.floor else "missed"


def _side(samples: Sequence[Sample]) -> dict[str, Any]:
    values = [sample.value for sample in samples]
    middle = spread(values)
    return {
        "median": rounded(middle.median),
        "range": [rounded(middle.low), rounded(middle.high)],
        "rounds": [{"value": rounded(sample.value), **sample.facts} for sample in samples],
    }
