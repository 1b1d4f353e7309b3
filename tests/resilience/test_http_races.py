"""One card, 200 requests, and one, two or four workers: over HTTP, on PostgreSQL."""

import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from tests.api.conftest import Crew, crewed
from tests.conftest import Run
from tests.redemption.cards import Card

RACERS = 200
NO_TLS = ssl.create_default_context()
"""Each client would load the certificates of the world for itself."""


@pytest.fixture(scope="module", params=[1, 2, 4])
def crew(
    run: Run, house_directory: Path, worker_id: str, request: pytest.FixtureRequest
) -> Iterator[Crew]:
    """So many workers on a database of their own."""
    with crewed(run, house_directory, worker_id, request.param) as made:
        yield made


def race(crew: Crew, card: Card, account: str, same_key: bool) -> list[httpx.Response]:
    """Send 200 requests for one card at one moment, each on a connection of its own."""
    start = Barrier(RACERS)

    def run(racer: int) -> httpx.Response:
        body = {"pin": card.pin.digits, "account_number": account, "caller": "one"}
        headers = crew.world.as_partner("one key" if same_key else None)
        with httpx.Client(base_url=crew.server.url, timeout=60, verify=NO_TLS) as client:
            start.wait()
            response = client.post("/api/v1/redemptions", json=body, headers=headers)
            while response.status_code == 503:
                response = client.post("/api/v1/redemptions", json=body, headers=headers)
            return response

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))


def test_200_requests_at_once_redeem_one_card_once(crew: Crew) -> None:
    answers = race(crew, crew.world.card(), crew.world.account(), same_key=False)
    assert Counter(response.status_code for response in answers) == {201: 1, 409: 199}
    codes = Counter(response.json().get("code") for response in answers)
    assert codes["voucher_used"] == 199


def test_200_deliveries_of_one_request_get_one_receipt(crew: Crew) -> None:
    answers = race(crew, crew.world.card(), crew.world.account(), same_key=True)
    assert len({response.content for response in answers}) == 1
    assert Counter(response.status_code for response in answers) == {201: 1, 200: 199}


def test_lists_that_share_cards_redeem_each_once(crew: Crew) -> None:
    cards, account = [crew.world.card() for _ in range(3)], crew.world.account()
    start = Barrier(RACERS // 10)

    def run(racer: int) -> list[int]:
        order = cards[racer % 3 :] + cards[: racer % 3]  # no two alike in their locks' order
        items = [
            {"key": f"{racer} {card.serial}", "pin": card.pin.digits, "account_number": account}
            for card in order
        ]
        with httpx.Client(base_url=crew.server.url, timeout=60, verify=NO_TLS) as client:
            start.wait()
            answer = client.post(
                "/api/v1/redemptions/bulk", json={"items": items}, headers=crew.world.as_partner()
            )
        return [one["status"] for one in answer.json()["answers"]]

    with ThreadPoolExecutor(RACERS // 10) as pool:
        told = Counter(status for each in pool.map(run, range(RACERS // 10)) for status in each)
    assert told == {201: 3, 409: 3 * (RACERS // 10 - 1)}
