"""Every call, by every role of another party's members, against a party's own things."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from api.actions import ACTIONS
from api.app import create_app
from core.settings import Settings
from distribution.tills import add_till
from staff.permissions import OF_PARTIES, ROLE_PERMISSIONS
from tests.api.foreign import (
    ATTEMPTS,
    Attempt,
    Stranger,
    Victim,
    furnish_victim,
    snapshot,
    strangers,
)
from tests.api.foreign_tills import SALE, SALE_KEY, new_public_key
from tests.api.world import World
from tests.codes import fresh_code
from vouchers.serials import batch_of, serial_text

WITHOUT_STAFF = ("/channels", "/health", "/schema", "/prompts", "/metrics")
"""Pages and gateways: no token of staff opens them, and no party's things stand there."""


LOOK_AT_THE_DECIDER = {"claim", "consignment", "deactivate", "return", "transfer", "void"}
"""Kinds of approvals whose carrying out asks whose party the decider is of."""


@pytest.fixture(scope="session")
def victim(world: World) -> Victim:
    """The party that must be left alone."""
    return furnish_victim(world)


@pytest.fixture(scope="session")
def others(world: World) -> dict[str, Stranger]:
    """The strangers, by role."""
    return strangers(world)


def calls() -> Iterator[tuple[str, str]]:
    """Every method and path of the application, as the description writes paths."""
    for route in create_app(Settings()).routes:
        path = re.sub(r":(str|int|path)}", "}", route.path)
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods:
                if method not in ("OPTIONS", "HEAD"):
                    yield method, path


def test_every_call_of_the_application_is_tried_here() -> None:
    api = {call for call in calls() if call[1].startswith("/api/")}
    assert api == set(ATTEMPTS), "say in tests/api/foreign.py how a stranger would use it"
    rest = {path for _, path in calls() if not path.startswith("/api/")}
    assert [p for p in rest if p not in ("/", "/c") and not p.startswith(WITHOUT_STAFF)] == []


@pytest.mark.parametrize("role", ROLE_PERMISSIONS)
def test_a_stranger_sees_and_moves_nothing_of_another_party(
    client: httpx.Client,
    world: World,
    victim: Victim,
    others: dict[str, Stranger],
    role: str,
) -> None:
    before, stranger = snapshot(world), others[role]

    def told(attempt: Attempt) -> list[str]:
        if attempt.body is not None and "code" in attempt.body:
            # The right code, so that it is not for want of one that nothing happens.
            attempt.body["code"] = fresh_code(world.keys.get(), world.db, stranger.actor)
        return _told(client, attempt, stranger.headers, victim)

    seen = [
        f"{attempt.method} {attempt.url}: {mark}"
        for makes in ATTEMPTS.values()
        for attempt in makes(victim)
        for mark in told(attempt)
    ]
    assert seen == []
    assert snapshot(world) == before


def test_the_same_calls_do_reach_them_for_the_company(
    client: httpx.Client, world: World, victim: Victim
) -> None:
    """So that a call which is refused to everybody proves nothing."""
    reached = {
        call
        for call, makes in ATTEMPTS.items()
        if call[0] == "GET"
        for attempt in makes(victim)
        if _told(client, attempt, world.as_staff("finance"), victim)
    }
    assert ("GET", "/api/v1/vouchers/{serial_number}/timeline") in reached
    assert ("GET", "/api/v1/payments") in reached
    assert ("GET", "/api/v1/reports/{name}") in reached
    assert ("GET", "/api/v1/approvals") in reached
    assert ("GET", "/api/v1/stock-counts/{count_id}") in reached


def test_a_strangers_till_neither_reads_nor_confirms_nor_sells_what_is_anothers(
    client: httpx.Client, world: World, victim: Victim, others: dict[str, Stranger]
) -> None:
    with world.db.write() as session:
        actor, public_key = others["distributor"].actor, new_public_key()
        _, key = add_till(session, actor, "STRANGER-SHOP", "STRANGER-T1", public_key)
    before, sales = snapshot(world), "/api/v1/till/sales"
    url = f"{sales}/{victim.counter.sale}"

    def told(method: str, url: str, body: Any = None, idempotency_key: str = "k") -> Any:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
        answer = client.request(method, url, headers=headers, json=body)
        assert [mark for mark in victim.marks if mark in answer.text] == []
        return answer.json()["code"]

    assert told("GET", url) == "sale_unknown"
    assert told("POST", f"{url}/confirm") == "sale_unknown"
    assert told("POST", sales, SALE, SALE_KEY) == "electronic_sold_out"
    for first in (victim.stocked, victim.active, victim.on_the_way):
        body = {"serial_number": serial_text(first + 1), "language": "zh"}
        assert told("POST", sales, body, f"sell-{first}") == "not_holder"
    assert snapshot(world) == before
    own = {"Authorization": f"Bearer {victim.counter.api_key}"}
    assert client.get(url, headers=own).json()["pin"]["state"] == "sealed"


def test_who_counts_cards_of_another_is_not_told_whose_they_are(
    client: httpx.Client, world: World, victim: Victim, others: dict[str, Stranger]
) -> None:
    first = serial_text(victim.active + 1)
    answer = client.post(
        "/api/v1/stock-counts",
        headers={**others["distributor"].headers, "Idempotency-Key": "found-of-another"},
        json={"party": "STRANGER-SHOP", "found": [first]},
    )
    assert answer.status_code == 201
    (difference,) = answer.json()["differences"]
    assert (difference["first_serial"], difference["kind"]) == (first, "unexpected")
    told = [difference[name] for name in ("booked_stage", "booked_holder", "owner")]
    assert told == [None, None, "STRANGER-SHOP"]
    batch = str(batch_of(victim.active))
    assert [m for m in victim.marks if m in answer.text and m != batch] == []


def test_what_members_of_parties_may_agree_to_looks_at_whose_it_is() -> None:
    kinds = {kind for kind, action in ACTIONS.items() if action.permission in OF_PARTIES}
    assert kinds <= LOOK_AT_THE_DECIDER, "see that carry_out calls require_scope for its decider"


def _told(
    client: httpx.Client, attempt: Attempt, headers: Mapping[str, str], victim: Victim
) -> list[str]:
    """Return what an answer tells of the victim beside what the caller himself sent."""
    answer = client.request(
        attempt.method,
        attempt.url,
        json=attempt.body,
        headers={**headers, **attempt.headers},
    )
    assert answer.status_code < 500, (attempt, answer.text)
    if answer.status_code >= 400:
        sent = f"{attempt.url} {attempt.body}"
        return [mark for mark in victim.marks if mark in answer.text and mark not in sent]
    if attempt.method != "GET":
        return [f"done: {answer.status_code}"]
    return [mark for mark in victim.marks if mark in answer.text]
