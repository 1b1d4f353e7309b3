"""S1, S2, S4, S5: redemptions a second over HTTP, against the hand-written function.

All of them share their rounds: the reference with each number of clients, then one card a request,
fifty a request, all into one account, and one card a request in the large world.
"""

from collections.abc import Callable
from typing import Any

from bench.calls import ITEMS, Calls, many, one
from bench.errors import expect
from bench.flavours import BARE, OWN, Flavour
from bench.lab import CARDS, Lab
from bench.load import Replies, closed_loop
from bench.measure import Measure, Sample, Side
from bench.measures.naive import TABLE
from bench.statistics import rounded
from bench.world import World

PAST = 3_000_000
_REFERENCE_SHARE = 0.7
"""Of the reference's cards; the rest is left to the measure of latency."""
_SHARES = {"single": 0.17, "bulk": 0.3, "hot": 0.17, "large": 0.4}
"""Which part of a world's cards a side may use in all its rounds; some are left for repeats."""
_FIRST_TRANSACTIONS = 1_000


def _prepare_reference(lab: Lab) -> None:
    expect(lab.reference().left > 0, "the reference has no cards")


def _prepare_own(lab: Lab) -> None:
    expect(lab.reference(OWN).left > 0, "the reference has no cards")


def _run_reference(lab: Lab) -> Sample:
    rates = {clients: _rate(lab, BARE, clients) for clients in lab.plan.clients}
    best = max(rates, key=lambda clients: rates[clients])
    lab.facts["reference"], lab.facts["reference_clients"] = rates[best], best
    shown = {str(clients): rounded(rate) for clients, rate in rates.items()}
    return Sample(rates[best], {"clients": best, "rates": shown})


def _run_own(lab: Lab) -> Sample:
    clients = int(lab.facts["reference_clients"])
    return Sample(_rate(lab, OWN, clients), {"clients": clients})


def _rate(lab: Lab, flavour: Flavour, clients: int) -> float:
    """Redeem for about half the seconds of a side: so many transactions as the last rate says."""
    plan, name = lab.plan, f"{flavour.database}_{clients}"
    budget = int(plan.cards(CARDS) * _REFERENCE_SHARE / lab.runs / len(plan.clients))
    expected = lab.facts.get(name)
    wanted = _FIRST_TRANSACTIONS if expected is None else expected * plan.seconds / 2
    done = lab.reference(flavour).rate(clients, max(clients, min(budget, int(wanted))))
    lab.facts[name] = done.rate
    return done.rate


def _small(lab: Lab) -> World:
    return lab.small()


def _large(lab: Lab) -> World:
    found = lab.large(PAST)
    lab.postgres.run(f"DROP TABLE IF EXISTS {TABLE}", found.name)
    return found


def _prepare(world_of: Callable[[Lab], World]) -> Callable[[Lab], None]:
    return lambda lab: _answers(lab, world_of(lab))


def _answers(lab: Lab, world: World) -> None:
    expect(lab.server(world).process.poll() is None, "the server has ended")


def _run_single(lab: Lab) -> Sample:
    return _run_ones(lab, lab.small(), "single")


def _run_hot(lab: Lab) -> Sample:
    return _run_ones(lab, lab.small(), "hot")


def _run_large(lab: Lab) -> Sample:
    return _run_ones(lab, lab.large(PAST), "large")


def _run_ones(lab: Lab, world: World, name: str) -> Sample:
    plan, hot = lab.plan, name == "hot"
    numbers = world.supply.take(_budget(lab, world, name))
    calls = Calls(world, name)
    requests = calls.single(numbers, hot=hot)
    port = lab.server(world).port
    replies = closed_loop(port, requests, plan.connections, plan.seconds, one)
    count(world, replies, "201")
    calls.check_single(numbers, replies, hot=hot)
    if name == "single" and not lab.warming:
        lab.facts[f"single_{lab.round}"] = replies.rate
    return Sample(replies.rate, facts(replies))


def _run_bulk(lab: Lab) -> Sample:
    plan, world = lab.plan, lab.small()
    numbers = world.supply.take(_budget(lab, world, "bulk"))
    calls = Calls(world, "bulk")
    requests, port = calls.bulk(numbers), lab.server(world).port
    replies = closed_loop(port, requests, plan.bulk_connections, plan.seconds, many)
    count(world, replies, "200")
    expect(replies.acknowledged == replies.sent * ITEMS, "not all cards of a request were redeemed")
    calls.check_bulk(numbers, replies)
    return Sample(replies.rate, facts(replies))


def _budget(lab: Lab, world: World, name: str) -> int:
    return max(ITEMS, int(world.supply.total * _SHARES[name] / lab.runs))


def count(world: World, replies: Replies, status: str) -> None:
    """Add what was acknowledged to the world's sum; all replies must have this status."""
    world.acknowledged += replies.acknowledged
    expect(
        set(replies.statuses) == {status},
        f"not every request was answered with {status}: {dict(replies.statuses)}",
    )


def facts(replies: Replies) -> dict[str, Any]:
    """Return what else is worth knowing of a load."""
    return {
        "requests": replies.sent,
        "seconds": rounded(replies.seconds),
        "generator_cpu_us_per_request": rounded(replies.cpu_s / replies.sent * 1e6, 3),
        "generator_cpu_share_of_a_core": rounded(replies.cpu_s / replies.seconds, 3),
    }


REFERENCE = Side("reference", _run_reference, _prepare_reference)
OWN_TABLES = Side("reference in the product's tables", _run_own, _prepare_own)
SINGLE = Side("single", _run_single, _prepare(_small))
BULK = Side("bulk", _run_bulk, _prepare(_small))
HOT = Side("one account", _run_hot, _prepare(_small))
LARGE = Side("large", _run_large, _prepare(_large))
_UNIT = "redemptions/s"

MEASURES = (
    Measure(
        code="S1",
        title="one card a request, over the hand-written function",
        unit=_UNIT,
        over=SINGLE,
        under=REFERENCE,
        beside=(OWN_TABLES,),
        floor=0.5,
        goal=1.0,
    ),
    Measure(
        code="S2",
        title="fifty cards a request, over the hand-written function",
        unit=_UNIT,
        over=BULK,
        under=REFERENCE,
        floor=1.5,
        goal=3.0,
    ),
    Measure(
        code="S4",
        title="all into one account, over S1",
        unit=_UNIT,
        over=HOT,
        under=SINGLE,
        floor=0.7,
        goal=0.9,
    ),
    Measure(
        code="S5",
        title="10M cards and 3M redemptions, over S1 at 1M",
        unit=_UNIT,
        over=LARGE,
        under=SINGLE,
        floor=0.75,
        goal=0.95,
    ),
)
