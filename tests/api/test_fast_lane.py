"""The quick way for redemptions gives the same answers as the call it spares, and only those."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from api.access import Access
from api.fast_lane import BULK_PATH, PATH, FastLane
from api.metrics import Metrics
from api.pause import Pause
from api.refusals import Rendered
from api.runtime import running
from core.clock import system_clock
from redemption.batcher import Batcher
from tests.api.world import World
from vouchers.pins import draw

SLOW = "application/json; charset=utf-8"
FAST = "application/json"


@pytest.mark.parametrize("first", [FAST, SLOW])
@pytest.mark.parametrize("kind", ["good", "unknown", "malformed", "asleep", "no account"])
def test_both_ways_give_the_same_bytes_for_the_same_request(
    client: httpx.Client, world: World, first: str, kind: str
) -> None:
    pin = {
        "malformed": "680419 129695 212190",
        "unknown": draw().digits,
        "asleep": world.card("stocked").pin.digits,
    }.get(kind, world.card().pin.digits)
    account = "9999999999" if kind == "no account" else world.account(owes_fen=100)
    body = msgspec.json.encode({"pin": pin, "account_number": account, "caller": f"{kind}{first}"})
    key = world.as_partner()
    answers = [
        client.post(PATH, content=body, headers=key | {"Content-Type": way})
        for way in (first, FAST, SLOW)
    ]
    assert len({(a.content, a.headers["content-type"]) for a in answers}) == 1
    assert len({a.headers["cache-control"] for a in answers}) == 1
    assert [a.status_code for a in answers[1:]] == [200 if kind == "good" else 422] * 2


@pytest.mark.parametrize("first", [FAST, SLOW])
def test_both_ways_give_the_same_bytes_for_the_same_list(
    client: httpx.Client, world: World, first: str
) -> None:
    account = world.account(owes_fen=100)
    pins = [world.card().pin.digits, draw().digits, "680419129695212190"]
    items = [
        {"key": f"{first} {place} {account}", "pin": pin, "account_number": account}
        for place, pin in enumerate(pins)
    ]
    body = msgspec.json.encode({"items": items})
    key = world.as_partner()
    answers = [
        client.post(BULK_PATH, content=body, headers=key | {"Content-Type": way})
        for way in (first, FAST, SLOW)
    ]
    statuses = [[one["status"] for one in answer.json()["answers"]] for answer in answers]
    assert statuses == [[201, 422, 422], [200, 422, 422], [200, 422, 422]]
    assert len({(a.content, a.headers["content-type"]) for a in answers[1:]}) == 1
    assert len({str(sorted(a.headers)) for a in answers}) == 1


@dataclass
class Asker:
    """Notes what became of its request."""

    answers: list[Rendered] = field(default_factory=list)
    passed_on: int = 0
    is_settled: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, rendered: Rendered) -> None:
        self.answers.append(rendered)
        self.is_settled.set()

    def pass_on(self) -> None:
        self.passed_on += 1
        self.is_settled.set()


def request_to_lane(world: World, change: Callable[[dict[str, Any]], None]) -> Asker:
    """Send one request, or several alike, to a lane; return what became of them."""
    card, account = world.card(), world.account()
    body = msgspec.json.encode({"pin": card.pin.digits, "account_number": account})
    headers = world.as_partner() | {"Content-Type": FAST, "Content-Length": str(len(body))}
    sent: dict[str, Any] = {"path": PATH, "headers": headers, "body": body, "answers": []}
    change(sent)
    return asyncio.run(_through_lane(world, sent))


async def _through_lane(world: World, sent: dict[str, Any]) -> Asker:
    limit = sent.get("queue_limit", world.db.settings.queue_limit)
    settings = replace(world.db.settings, queue_limit=limit)
    headers = [(name.lower().encode(), value.encode()) for name, value in sent["headers"].items()]
    asker = Asker(sent["answers"])
    async with running(settings, system_clock, Metrics()) as runtime:
        runtime.partners.look_up(world.db, world.partner_key)
        lane = FastLane(Access(runtime.metrics), lambda: runtime)
        count = sent.get("at_once", 1)
        arrivals = [lane.arrival(sent["path"].encode(), headers) for _ in range(count)]
        for arrival in arrivals:
            if arrival is None:
                asker.pass_on()
            elif arrival.is_refused_unread:
                lane.refuse(arrival, asker)
            else:
                lane.take(arrival, sent["body"], asker)
        while len(asker.answers) + asker.passed_on < count:
            asker.is_settled.clear()
            await asker.is_settled.wait()
    return asker


def test_a_plain_request_never_reaches_the_application(world: World) -> None:
    asker = request_to_lane(world, lambda _: None)
    assert asker.passed_on == 0
    [answer] = asker.answers
    assert answer.status == 201
    assert msgspec.json.decode(answer.body)["code"] == "redeemed"


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent.update(path="/api/v1/redemptions/many"),
        lambda sent: sent.update(path=BULK_PATH),
        lambda sent: sent.update(path=PATH + "?a=b"),
        lambda sent: sent.update(body=b"{}"),
        lambda sent: sent["headers"].update({"Content-Length": "3000"}),
        lambda sent: sent["headers"].update({"Content-Length": "9" * 5_000}),
        lambda sent: sent["headers"].update({"Content-Length": "+9"}),
        lambda sent: sent["headers"].pop("Content-Length"),
        lambda sent: sent["headers"].pop("Idempotency-Key"),
        lambda sent: sent["headers"].update({"Idempotency-Key": "x" * 129}),
        lambda sent: sent["headers"].update({"Idempotency-Key": "blank and ü"}),
        lambda sent: sent["headers"].update({"IDEMPOTENCY-KEY": "twice"}),
        lambda sent: sent["headers"].update({"Authorization": "Bearer wnp_unknown"}),
        lambda sent: sent["headers"].update({"Authorization": "Basic abc"}),
        lambda sent: sent["headers"].update({"Content-Type": SLOW}),
        lambda sent: sent["headers"].update({"Content-Encoding": "gzip"}),
        lambda sent: sent["headers"].update({"Transfer-Encoding": "chunked"}),
        lambda sent: sent["headers"].update({"Expect": "100-continue"}),
        lambda sent: sent["headers"].update({"Upgrade": "h2c"}),
    ],
)
def test_whatever_is_unusual_is_passed_on(
    world: World, change: Callable[[dict[str, Any]], None]
) -> None:
    asker = request_to_lane(world, change)
    assert (asker.answers, asker.passed_on) == ([], 1)


@pytest.mark.parametrize("path", [PATH, BULK_PATH])
def test_where_the_queue_is_full_a_request_is_told_to_come_later_before_any_work(
    world: World, path: str
) -> None:
    full = {"queue_limit": 0, "path": path, "body": b"never looked at"}
    with capture_logs() as logged:
        asker = request_to_lane(world, lambda sent: sent.update(full))
    assert asker.passed_on == 0
    [answer] = asker.answers
    assert (answer.status, answer.headers) == (503, {"Retry-After": "1"})
    assert msgspec.json.decode(answer.body)["code"] == "try_later"
    assert [(line["event"], line["requests"]) for line in logged] == [("requests_shed", 1)]


def test_a_refusal_of_a_full_queue_leaves_at_the_end_of_the_pause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    sent_before: list[int] = []

    def fill(sent: dict[str, Any]) -> None:
        sent["queue_limit"] = 0
        kept.update(sent)

    def at_its_end(_: Pause, act: Callable[[], None]) -> None:
        sent_before.append(len(kept["answers"]))
        act()

    monkeypatch.setattr(Pause, "at_its_end", at_its_end)
    asker = request_to_lane(world, fill)
    assert sent_before == [0]
    assert [answer.status for answer in asker.answers] == [503]


def test_where_the_queue_fills_while_bodies_come_the_rest_is_refused_without_lines_of_its_own(
    world: World,
) -> None:
    with capture_logs() as logged:
        asker = request_to_lane(world, lambda sent: sent.update(queue_limit=1, at_once=3))
    assert asker.passed_on == 0
    assert sorted(answer.status for answer in asker.answers) == [201, 503, 503]
    told = [line["status"] for line in logged if line["event"] == "request"]
    assert told == [201]


def test_a_fault_of_the_engine_is_logged_and_left_to_the_application(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Batcher, "_redeem", broken)
    with capture_logs() as logged:
        asker = request_to_lane(world, lambda _: None)
    assert (asker.answers, asker.passed_on) == ([], 1)
    assert [line["event"] for line in logged] == ["quick_way_failed"]


def test_a_fault_in_writing_the_answer_is_logged_without_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Rendered:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.fast_lane.render", broken)
    with capture_logs() as logged:
        asker = request_to_lane(world, lambda _: None)
    assert (asker.answers, asker.passed_on) == ([], 1)
    assert [line["event"] for line in logged] == ["quick_way_failed"]
    assert world.partner_key not in repr(logged)


def test_refusals_of_an_overload_share_a_line_in_the_log_and_are_all_counted() -> None:
    access = Access(Metrics())
    with capture_logs() as logged:
        for _ in range(50):
            access.note_shed("partner", "try_later", PATH, 503)
    assert len(logged) == 1
    told = access.metrics.text().decode()
    counted = 'wanneng_redemptions_total{channel="partner",code="try_later",replayed="no"} 50.0'
    assert counted in told
    assert (
        f'wanneng_http_request_seconds_count{{method="POST",route="{PATH}",status="503"}} 50.0'
        in told
    )


def test_measures_of_requests_that_wait_are_put_together_and_none_is_lost() -> None:
    metrics = Metrics()
    metrics.taken_up(3)
    for seconds in (0.0004, 0.3, 99):
        metrics.answered("partner", "redeemed", False, seconds)
    told = metrics.text().decode()
    assert 'wanneng_redemption_seconds_bucket{le="0.001"} 1.0' in told
    assert 'wanneng_redemption_seconds_bucket{le="0.5"} 2.0' in told
    assert 'wanneng_redemption_seconds_bucket{le="+Inf"} 3.0' in told
    assert "wanneng_redemption_seconds_sum 99.3004" in told
    assert "wanneng_redemptions_waiting 0.0" in told
