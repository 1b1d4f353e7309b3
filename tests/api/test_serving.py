"""Starting the server: what it refuses, and what its workers share."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from accounts.ledger import trial_balance
from api.serving import check_start, check_workers
from core import keyfile
from core.db import Database
from core.errors import ConfigurationError
from core.keyfile import Keys
from core.settings import Settings
from distribution.parties import seed_warehouse
from migrations import schema
from redemption.tables import redemption
from tests.api.conftest import Crew
from tests.api.world import World
from tests.conftest import EmptyDatabaseMaker
from vouchers import key_rotation


def test_several_workers_need_postgresql_and_a_shared_redis() -> None:
    sqlite = Settings()
    alone = Settings(database_url="postgresql+psycopg://localhost/x")
    check_workers(sqlite, 1)
    check_workers(replace(alone, redis_url="redis://localhost"), 4)
    with pytest.raises(ConfigurationError, match="PostgreSQL"):
        check_workers(sqlite, 2)
    with pytest.raises(ConfigurationError, match="WANNENG_REDIS_URL"):
        check_workers(alone, 2)
    with pytest.raises(ConfigurationError):
        check_workers(alone, 0)


def test_the_server_starts_on_its_own_furnished_database_only(
    db: Database, keys: Keys, make_empty_database: EmptyDatabaseMaker
) -> None:
    kind = "sqlite" if db.is_sqlite else "postgresql"
    empty = make_empty_database(kind)
    with pytest.raises(ConfigurationError, match="wanneng init"):
        check_start(empty.settings)
    schema.upgrade(empty)
    with pytest.raises(ConfigurationError, match="warehouse"):
        check_start(empty.settings)
    with empty.write() as session:
        seed_warehouse(session)
        key_rotation.register(session, keys.get())
    check_start(empty.settings)
    other = replace(empty.settings, key_file=empty.settings.key_file.with_name("other.json"))
    with pytest.raises(ConfigurationError, match="key file"):
        check_start(other)
    keyfile.create(other.key_file)
    with pytest.raises(ConfigurationError, match="not this database's"):
        check_start(other)
    with pytest.raises(ConfigurationError, match="OUTBOX"):
        check_start(replace(empty.settings, outbox_sink="pigeon"))


def test_the_server_refuses_a_database_that_loses_commits(
    make_empty_database: EmptyDatabaseMaker, keys: Keys
) -> None:
    db = make_empty_database("postgresql")
    schema.upgrade(db)
    with db.engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        connection.commit()
    with pytest.raises(ConfigurationError, match="not durable"):
        check_start(db.settings)


def race(client: httpx.Client, world: World, count: int) -> Counter[tuple[int, str]]:
    """Send one card `count` times at once, each under its own key; return the answers."""
    body = {"pin": world.card().pin.digits, "account_number": world.account(), "caller": "racer"}

    def send(_: int) -> tuple[int, str]:
        answer = client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
        return answer.status_code, answer.json()["code"]

    with ThreadPoolExecutor(50) as pool:
        return Counter(pool.map(send, range(count)))


def test_of_200_at_once_one_redeems_through_two_workers(crew: Crew) -> None:
    won = race(crew.client, crew.world, 200)
    assert won == {(201, "redeemed"): 1, (409, "voucher_used"): 199}


def test_of_200_at_once_one_redeems(client: httpx.Client, world: World) -> None:
    assert race(client, world, 200) == {(201, "redeemed"): 1, (409, "voucher_used"): 199}


def test_duplicates_of_one_request_all_get_the_same_receipt(crew: Crew) -> None:
    body = {"pin": crew.world.card().pin.digits, "account_number": crew.world.account()}
    headers = crew.world.as_partner()

    def send(_: int) -> tuple[int, bytes]:
        answer = crew.client.post("/api/v1/redemptions", headers=headers, json=body)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(40)))
    assert len({content for _, content in answers}) == 1
    assert Counter(status for status, _ in answers) == {201: 1, 200: 39}


def test_a_killed_worker_is_replaced_and_lost_answers_are_found_by_their_keys(crew: Crew) -> None:
    account, cards = crew.world.account(), crew.world.cards(60)

    def send(index: int) -> Any:
        body = {"pin": cards[index].pin.digits, "account_number": account}
        headers = crew.world.as_partner(f"kill-{index}")
        try:
            answer = crew.client.post("/api/v1/redemptions", headers=headers, json=body)
        except httpx.TransportError:
            return None
        return answer.json().get("receipt_number")

    victim = crew.server.worker_pids()[-1]
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(send, index) for index in range(len(cards))]
        while not any(job.done() for job in running):
            time.sleep(0.005)
        os.kill(victim, signal.SIGKILL)
        first = [job.result() for job in running]
    again = [send(index) or send(index) for index in range(len(cards))]
    assert None not in again
    assert [(a, b) for a, b in zip(first, again, strict=True) if a not in (None, b)] == []
    with crew.world.db.read() as session:
        redeemed = session.execute(
            select(func.count(), func.count(func.distinct(redemption.c.receipt_number))).where(
                redemption.c.account_number == account
            )
        ).one()
    assert tuple(redeemed) == (60, 60)
    assert trial_is_balanced(crew.world)
    deadline = time.monotonic() + 30
    while victim in crew.server.worker_pids() or len(crew.server.worker_pids()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def trial_is_balanced(world: World) -> bool:
    """Tell whether the books hold as much debit as credit, with nothing lost."""
    with world.db.read() as session:
        rows = trial_balance(session)
    return sum(row.debit_fen for row in rows) == sum(row.credit_fen for row in rows) > 0


def test_any_worker_tells_the_measures_of_all(crew: Crew) -> None:
    before = redeemed_by_all(crew)
    account = crew.world.account()
    for card in crew.world.cards(10):
        body = {"pin": card.pin.digits, "account_number": account}
        httpx.post(
            crew.server.url + "/api/v1/redemptions", headers=crew.world.as_partner(), json=body
        )
    assert [redeemed_by_all(crew) - before for _ in range(4)] == [10.0] * 4


def redeemed_by_all(crew: Crew) -> float:
    """Return the measure of redemptions, from whichever worker takes a new connection."""
    start = 'wanneng_redemptions_total{channel="partner",code="redeemed",replayed="no"} '
    lines = httpx.get(crew.server.url + "/metrics").text.splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))
