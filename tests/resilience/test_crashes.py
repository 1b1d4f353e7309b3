"""Killing a worker, and killing PostgreSQL, while redemptions are under way over HTTP."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from accounts.tables import bill, electricity_account
from audit.verify import verify
from redemption.tables import redemption
from tests.api.conftest import furnished
from tests.api.serving import Server, serving
from tests.api.world import World
from tests.conftest import Run
from tests.pin_hunt import command_lines, pins_in_bytes, pins_in_files
from tests.redemption.cards import Card
from tests.resilience.load import Told, ask_again, post, redeem_under
from tests.resilience.stock import sold_cards
from tests.servers import PostgresServer, start_postgres

CARDS = 600


@dataclass
class Site:
    """A PostgreSQL that may be killed, and workers on it."""

    postgres: PostgresServer
    world: World
    server: Server
    directory: Path


@pytest.fixture
def workers() -> int:
    """How many workers there are, unless the test says otherwise."""
    return 2


@pytest.fixture
def site(run: Run, scratch: Path, redis_url: str, workers: int) -> Iterator[Site]:
    postgres = start_postgres(scratch / "pg")
    own = replace(run, postgres=postgres)
    try:
        with (
            furnished(own, scratch, "postgresql", redis_url) as world,
            serving(world.db.settings, scratch / "server.log", workers) as server,
        ):
            yield Site(postgres, world, server, scratch)
    finally:
        postgres.stop()


def kill_a_worker(site: Site) -> None:
    os.kill(site.server.worker_pids()[0], signal.SIGKILL)


def kill_postgres(site: Site) -> None:
    site.postgres.kill()
    site.postgres.start()


@pytest.mark.parametrize(
    ("disaster", "workers"), [(kill_a_worker, 2), (kill_a_worker, 4), (kill_postgres, 2)]
)
def test_every_acknowledged_redemption_is_there_once_after_a_kill(
    site: Site, disaster: Callable[[Site], None]
) -> None:
    cards = sold_cards(site.world, CARDS)
    accounts = [site.world.account(owes_fen=3_000) for _ in range(20)]
    told = redeem_under(site.server, site.world, cards, accounts, lambda: disaster(site))
    site.world.db.dispose()
    assert receipts_stored(site.world).items() >= numbers(told).items()
    ask_again(site.server, site.world, told, accounts)
    assert receipts_stored(site.world) == numbers(told)
    assert len(told.receipts) == CARDS
    assert money(site.world) == CARDS * 5_000
    assert [r.invariant.code for r in verify(site.world.db) if not r.holds] == []
    no_second_effect(site, cards, accounts, told)
    no_pin_anywhere(site, cards)


def numbers(told: Told) -> dict[int, str]:
    """The receipt number that the client of each card saw."""
    return {
        serial: msgspec.json.decode(body)["receipt_number"]
        for serial, body in told.receipts.items()
    }


def receipts_stored(world: World) -> dict[int, str]:
    with world.db.read() as session:
        rows = session.execute(select(redemption.c.serial, redemption.c.receipt_number))
        return {row.serial: row.receipt_number for row in rows}


def money(world: World) -> int:
    """What the cards brought: the balances, and what went into the bills; fen."""
    with world.db.read() as session:
        left = session.execute(select(func.sum(electricity_account.c.balance_fen))).scalar_one()
        paid = session.execute(
            select(func.sum(bill.c.paid_principal_fen + bill.c.paid_fee_fen))
        ).scalar_one()
    return int(left) + int(paid)


def no_second_effect(site: Site, cards: list[Card], accounts: list[str], told: Told) -> None:
    """The same requests once more give the same bytes and change nothing."""
    before = money(site.world)
    with httpx.Client(base_url=site.server.url, timeout=20) as client:
        for card in cards:
            again = post(client, site.world, card, accounts[card.serial % len(accounts)])
            assert again is not None
            assert (again.status_code, again.content) == (200, told.receipts[card.serial])
    assert money(site.world) == before


def no_pin_anywhere(site: Site, cards: list[Card]) -> None:
    """Not in the database's files and log, the server's log, nor in what processes show."""
    pins = [card.pin for card in cards]
    assert pins_in_files([site.directory], pins) == []
    shown = command_lines([os.getpid(), site.server.process.pid])
    assert pins_in_bytes(shown, pins) == []
