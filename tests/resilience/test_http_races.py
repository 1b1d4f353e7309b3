"""One card, 200 requests, two workers: over HTTP, on PostgreSQL."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx

from tests.api.conftest import Crew
from tests.redemption.cards import Card

RACERS = 200


def race(crew: Crew, card: Card, account: str, same_key: bool) -> list[httpx.Response]:
    """Send 200 requests for one card at one moment, each on a connection of its own."""
    start = Barrier(RACERS)

    def run(racer: int) -> httpx.Response:
        body = {"pin": card.pin.digits, "account_number": account, "caller": "one"}
        headers = crew.world.as_partner("one key" if same_key else None)
        with httpx.Client(base_url=crew.server.url, timeout=60) as client:
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
