"""`wanneng bench`: what is promised about speed and size, measured. Needs the source tree."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.logs import quiet
from cli.output import Out, Progress, table
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from bench.plan import Plan

_OVERLOAD = "overload"
_CALLS = "calls"
_COLUMNS = ("measure", "value", "range", "floor / goal", "verdict", "sides")


@command(
    "bench",
    examples=[
        "wanneng bench",
        "wanneng bench S1 S4 --rounds 7",
        "wanneng bench S10 --scale 0.1",
        "wanneng bench overload",
        "wanneng bench calls --scale 0.1",
    ],
)
@click.argument("measures", nargs=-1)
@click.option("--rounds", type=click.IntRange(1, 100), help="Rounds; 5 at least count.  [5]")
@click.option(
    "--scale", type=click.FloatRange(0.001, 10), help="Shrinks all numbers of cards.  [1]"
)
@click.option("--seconds", type=click.FloatRange(0.1, 600), help="Longest load of a side.  [8]")
@click.option("--connections", type=click.IntRange(1, 4096), help="HTTP connections.  [128]")
@click.option("--workers", type=click.IntRange(1, 64), help="Workers of the server.  [1]")
@click.option(
    "--load-limit",
    type=click.FloatRange(0, 1),
    help="The share of the machine that others may use; more, and nothing is reported.  [0.05]",
)
@click.option(
    "--data",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where databases are made; must lie on a disk.  [/var/tmp]",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where JSON and chart go.  [bench/results]",
)
@click.option("--toy", is_flag=True, help="Run everything in a minute; the numbers mean nothing.")
@pass_app
def bench(app: App, measures: tuple[str, ...], toy: bool, **options: Any) -> None:
    """Measure speed and size against what is promised.

    Names S1 to S12, or `overload`, or `calls`; nothing named: S1 to S12. Starts its own PostgreSQL
    and servers on this machine, both sides of every measure in turn, and checks every redemption
    afterwards. Refuses where other programs are at work. A complete run takes up to 45 minutes and
    30 GB.
    """
    quiet()
    plan = _plan(toy, {name: value for name, value in options.items() if value is not None})
    with _Steps(app.out) as steps:
        named = tuple(name.lower() for name in measures)
        if named == (_OVERLOAD,):
            _overload(app, plan, steps.begin)
        elif named == (_CALLS,):
            _calls(app, plan, steps.begin)
        else:
            _measures(app, plan, measures, steps.begin)


def _plan(small: bool, options: Mapping[str, Any]) -> "Plan":
    try:
        from bench.plan import Plan, toy
    except ImportError as error:
        raise ConfigurationError(
            f"`wanneng bench` needs the source tree and its development packages ({error.name}): "
            "clone the repository, then `make bench`"
        ) from None
    plan = Plan()
    return replace(toy(plan.directory, plan.results) if small else plan, **options)


def _measures(app: App, plan: "Plan", codes: tuple[str, ...], shown: Callable[..., Any]) -> None:
    from bench import results, run

    found = run.run(plan, codes, shown)
    files = results.write(found, plan.results)
    lines = [
        (f"{code} {result['title']}", *results.shown(result), result["verdict"], _sides(result))
        for code, result in results.measures(found).items()
    ]
    title = results.caption(found[results.ABOUT])
    app.out.result(found, table(_COLUMNS, lines, title=title, right=("value",)))
    app.out.note("written: " + ", ".join(map(str, files)))


def _sides(result: Mapping[str, Any]) -> str:
    from bench.results import number

    sides = [f"{name} {number(side['median'])}" for name, side in result["sides"].items()]
    return f"{', '.join(sides)} {result['unit']}"


def _overload(app: App, plan: "Plan", shown: Callable[..., Any]) -> None:
    from bench import overload, overload_chart, results

    found = overload.run(plan, shown)
    path = results.write_json(found, plan.results, _OVERLOAD if plan.is_real else "partial")
    picture = path.with_suffix(".png")
    overload_chart.draw(found, results.caption(found["about"] | {"complete": plan.is_real})).save(
        picture
    )
    columns = ("phase", "offered/s", "redeemed/s", "p50 ms", "p99 ms", "answers")
    names = ("offered_per_s", "redeemed_per_s", "p50_ms", "p99_ms", "answers")
    lines = [(name, *(one[key] for key in names)) for name, one in found["phases"].items()]
    kept = (
        f"best {found['capacity_per_s']}/s, kept {found['kept_share']:.0%} of it,"
        f" as before after {found['recovery_s']} s, memory {found['memory_mib']} MiB;"
        f" holds: {found['holds']}"
    )
    app.out.result(found, table(columns, lines), kept)
    app.out.note(f"written: {path}, {picture}")


def _calls(app: App, plan: "Plan", shown: Callable[..., Any]) -> None:
    from bench import phone_calls, results

    found = phone_calls.run(plan, shown)
    path = results.write_json(found, plan.results, _CALLS if plan.is_real else "partial-calls")
    columns = ("caller hears", "steps", "p50 ms", "p99 ms", "max ms")
    names = ("steps", "p50_ms", "p99_ms", "max_ms")
    lines = [(state, *(one[name] for name in names)) for state, one in found["steps"].items()]
    held = (
        f"{found['calls_at_once']} calls at once, {found['steps_per_s']} steps/s,"
        f" others used {found['foreign_load']:.0%} of the machine; holds: {found['holds']}"
    )
    app.out.result(found, table(columns, lines), held)
    app.out.note(f"written: {path}")


class _Steps:
    """Shows one step after the other: a bar on a terminal, a line of text elsewhere."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._stack = ExitStack()
        self._started = time.monotonic()

    def __enter__(self) -> "_Steps":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def begin(self, what: str) -> Progress:
        """End the step before, and begin another."""
        self._stack.close()
        self._out.note(f"{time.monotonic() - self._started:6.0f} s  {what}")
        return self._stack.enter_context(self._out.progress(what))
