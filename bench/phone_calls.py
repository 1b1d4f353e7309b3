"""The run of calls: many telephones in the menu at once, and how long each step takes."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.errors import expect
from bench.lab import Lab, Shown, opened
from bench.plan import Plan
from bench.quiet import check_was_quiet, wait_until_quiet, watching
from bench.run import about
from bench.server import HOST
from bench.statistics import percentile, rounded
from bench.world import World
from redemption.senders import add_channel

MOST_P99_S = 1.0
"""What is promised of 200 calls at once: no step slower at the 99th percentile."""

_STEPS = ("welcome", "menu", "account", "account_confirm", "pin", "confirm", "done")
_PATIENCE_S = 60.0


@dataclass
class Steps:
    """How long each step took, in seconds, by what the caller heard then."""

    by_state: dict[str, list[float]] = field(default_factory=lambda: {s: [] for s in _STEPS})
    started: float = 0.0
    ended: float = 0.0

    @property
    def all(self) -> list[float]:
        """Return all of them."""
        return [each for times in self.by_state.values() for each in times]

    def result(self) -> dict[str, Any]:
        """Return them as JSON, in ms."""
        steps = {**self.by_state, "all": self.all}
        return {name: _spread_ms(times) for name, times in steps.items()}


def _spread_ms(times: Sequence[float]) -> dict[str, float]:
    return {
        "steps": len(times),
        "p50_ms": rounded(percentile(times, 0.5) * 1e3),
        "p99_ms": rounded(percentile(times, 0.99) * 1e3),
        "max_ms": rounded(max(times) * 1e3),
    }


def run(plan: Plan, shown: Shown) -> dict[str, Any]:
    """Let callers redeem a card each, again and again; return how long their steps took.

    Between two keys each takes the plan's pause, from half to one and a half times: quick hands
    that interrupt every prompt. Who listens to the end is slower, and loads the server less.
    Raises MachineBusy, CannotMeasure, CheckFailed.
    """
    with opened(plan, shown) as lab:
        wait_until_quiet(plan.load_limit)
        lab.with_redis = True
        world = lab.small()
        key = world.db.transact(
            lambda session: add_channel(session, world.keys.get(), world.people.admin, "phones")
        ).key
        port = lab.server(world).port
        progress = lab.shown("calls: one to warm up, then all at once")
        asyncio.run(_all_call(_Phones(world, port, key, "warm"), 1, plan.call_rounds, 0.0))
        progress(1, 2)
        calls = _Phones(world, port, key, "call")
        with watching() as load:
            steps = asyncio.run(_all_call(calls, plan.calls, plan.call_rounds, plan.call_pause_s))
        progress(2, 2)
        check_was_quiet(load, plan.load_limit)
        lab.check()
        return _result(lab, steps, load.foreign)


def _result(lab: Lab, steps: Steps, foreign: float) -> dict[str, Any]:
    plan, seconds = lab.plan, steps.ended - steps.started
    found = steps.result()
    return {
        "calls_at_once": plan.calls,
        "pause_s": plan.call_pause_s,
        "seconds": rounded(seconds),
        "steps_per_s": rounded(len(steps.all) / seconds),
        "foreign_load": rounded(foreign, 2),
        "steps": found,
        "holds": found["all"]["p99_ms"] <= MOST_P99_S * 1e3,
        "about": about(plan, lab.root) | {"postgresql": lab.postgres.describe()},
    }


@dataclass
class _Phones:
    """What every caller of a run has in hand."""

    world: World
    port: int
    key: str = field(repr=False)
    label: str
    steps: Steps = field(default_factory=Steps)


async def _all_call(phones: _Phones, count: int, rounds: int, pause_s: float) -> Steps:
    numbers = phones.world.supply.take(count * rounds)
    expect(len(numbers) == count * rounds, "there are not enough cards for so many calls")
    steps = phones.steps
    steps.started = time.perf_counter()
    async with asyncio.timeout(rounds * (len(_STEPS) * 2 * pause_s + _PATIENCE_S)):
        await asyncio.gather(
            *(
                _caller(phones, numbers[i * rounds : (i + 1) * rounds], pause_s)
                for i in range(count)
            )
        )
    steps.ended = time.perf_counter()
    return steps


async def _caller(phones: _Phones, numbers: Sequence[int], pause_s: float) -> None:
    """One telephone: a call for each card, on one connection as a gateway holds them."""
    draw = random.Random(numbers[0])  # noqa: S311 - when keys are pressed, no secret
    await asyncio.sleep(draw.uniform(0, pause_s * len(_STEPS)))  # they are at different steps
    reader, writer = await asyncio.open_connection(HOST, phones.port)
    try:
        for number in numbers:
            for turn, keys in enumerate(_keys(phones.world, number), 1):
                request = _request(phones, number, turn, keys)
                started = time.perf_counter()
                writer.write(request)
                reply = await _reply(reader)
                state = _STEPS[turn - 1]
                expect(reply["state"] == state, f"a caller is at {reply['state']}, not at {state}")
                phones.steps.by_state[state].append(time.perf_counter() - started)
                await asyncio.sleep(pause_s * draw.uniform(0.5, 1.5))
            expect(reply["result"]["amount_fen"] > 0, "a call has no receipt")
            phones.world.acknowledged += 1
    finally:
        writer.close()
        await writer.wait_closed()


def _keys(world: World, number: int) -> tuple[str | None, ...]:
    return None, "2", "1", f"{world.account(number)}#", "1", f"{world.deck.digits(number)}#", "#"


def _request(phones: _Phones, number: int, turn: int, keys: str | None) -> bytes:
    event = {"kind": "start"} if keys is None else {"kind": "input", "value": keys}
    caller = f"+86138{number % 10**8:08d}"
    body = json.dumps({"turn": turn, "channel": "ivr", "from": caller, "event": event})
    return (
        f"POST /api/v1/dialogues/{phones.label}-{number}/turns HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Authorization: Bearer {phones.key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _reply(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    expect(head[9:12] == b"200", f"a step was answered {head[9:12].decode()}")
    reply: dict[str, Any] = json.loads(body)
    return reply
