"""Clients that redeem cards over HTTP, remember what they were told, and ask again if need be."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.api.serving import Server
from tests.api.world import World
from tests.redemption.cards import Card

_PATIENCE_S = 60
_ANSWERED = {200, 201}


@dataclass
class Told:
    """The receipts that clients saw, and the cards whose requests had no answer."""

    receipts: dict[int, bytes] = field(default_factory=dict)
    unanswered: list[Card] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, card: Card, response: httpx.Response | None) -> None:
        """Remember the outcome of one request."""
        with self.lock:
            if response is not None and response.status_code in _ANSWERED:
                self.receipts[card.serial] = response.content
            else:
                self.unanswered.append(card)


def post(client: httpx.Client, world: World, card: Card, account: str) -> httpx.Response | None:
    """Send one redemption under the card's own key; None where no answer came."""
    body = {"pin": card.pin.digits, "account_number": account, "caller": f"c{card.serial}"}
    headers = world.as_partner(f"key-{card.serial}")
    try:
        return client.post("/api/v1/redemptions", json=body, headers=headers)
    except httpx.TransportError:
        return None


def redeem_under(
    server: Server,
    world: World,
    cards: Sequence[Card],
    accounts: Sequence[str],
    disaster: Callable[[], None],
    clients: int = 8,
) -> Told:
    """Redeem the cards once each, with `disaster` striking when a third of them is answered."""
    told = Told()
    due = threading.Event()

    def run(number: int) -> None:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            for card in cards[number::clients]:
                told.note(card, post(client, world, card, accounts[card.serial % len(accounts)]))
                if len(told.receipts) >= len(cards) // 3:
                    due.set()

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(run, number) for number in range(clients)]
        assert due.wait(_PATIENCE_S), "the clients got no answers even before the disaster"
        disaster()
        for future in running:
            future.result()
    return told


def ask_again(server: Server, world: World, told: Told, accounts: Sequence[str]) -> None:
    """Repeat the requests that had no answer, with their keys, until each has one."""
    deadline = time.monotonic() + _PATIENCE_S
    while told.unanswered:
        assert time.monotonic() < deadline, f"{len(told.unanswered)} requests got no answer"
        waiting, told.unanswered = told.unanswered, []
        with httpx.Client(base_url=server.url, timeout=20) as client:
            for card in waiting:
                told.note(card, post(client, world, card, accounts[card.serial % len(accounts)]))
