"""S3: the 99th percentile of latency at half of the best rate, open loop on both sides.

Both have customers who come independently of each other and of the answers, and both count from
the instant a request was due.
"""

import statistics

from bench.calls import Calls, one
from bench.errors import expect
from bench.lab import Lab
from bench.load import arrivals, open_loop
from bench.measure import Measure, Sample, Side
from bench.measures.redeem import count, facts
from bench.statistics import percentile, rounded

_SHARE = 0.17
_HALF = 0.5


def _run_server(lab: Lab) -> Sample:
    world, plan = lab.small(), lab.plan
    rates = [rate for name, rate in lab.facts.items() if name.startswith("single_")]
    rate = statistics.median(rates) * _HALF
    budget = int(world.supply.total * _SHARE / lab.runs)
    due = arrivals(rate, plan.seconds, seed=lab.round)[: max(1, min(budget, world.supply.left))]
    numbers = world.supply.take(len(due))
    calls = Calls(world, "latency")
    requests, port = calls.single(numbers), lab.server(world).port
    replies = open_loop(port, requests, due, plan.connections, one)
    count(world, replies, "201")
    calls.check_single(numbers, replies)
    half = percentile(replies.latencies_s, 0.5)
    more = {"rate": rounded(rate), "p50_ms": rounded(half * 1e3)}
    return Sample(percentile(replies.latencies_s, 0.99) * 1e3, more | facts(replies))


def _run_reference(lab: Lab) -> Sample:
    rate, clients = lab.facts["reference"] * _HALF, int(lab.facts["reference_clients"])
    allowance = lab.facts.setdefault("reference_allowance", lab.reference().left / lab.runs)
    expect(allowance > clients, "the reference has no cards left")
    transactions = int(min(rate * lab.plan.seconds, allowance))
    done = lab.reference().latency(clients, rate, transactions)
    return Sample(done.p99_s * 1e3, {"rate": rounded(rate), "clients": clients})


MEASURES = (
    Measure(
        code="S3",
        title="p99 latency at half the rate, over pgbench at half its rate",
        unit="ms",
        over=Side("server p99", _run_server),
        under=Side("reference p99", _run_reference),
        floor=5.0,
        goal=2.0,
        lower_is_better=True,
    ),
)
