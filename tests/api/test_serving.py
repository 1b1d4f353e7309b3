"""What a worker refuses to start on, what workers share, and what outlives their death."""

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from accounts.ledger import trial_balance
from api.known_partners import ASKED_AGAIN_S, REMEMBERED_S, KnownPartners
from api.runtime import check_start
from core import keyfile
from core.db import Database
from core.errors import ConfigurationError
from core.keyfile import Keys
from migrations import schema
from redemption.senders import SenderUnknown, add_partner, disable_partner
from redemption.tables import redemption
from tests.api.conftest import Crew, furnished
from tests.api.serving import serving
from tests.api.world import World
from tests.conftest import EmptyDatabaseMaker, Run
from tests.factories import make_member
from vouchers import key_rotation


def test_a_worker_starts_on_its_own_furnished_database_only(
    db: Database, keys: Keys, make_empty_database: EmptyDatabaseMaker
) -> None:
    empty = make_empty_database("sqlite" if db.is_sqlite else "postgresql")
    with pytest.raises(ConfigurationError, match="wanneng init"):
        check_start(empty, keys)
    schema.upgrade(empty)
    with empty.write() as session:
        key_rotation.register(session, keys.get())
    check_start(empty, keys)
    foreign = Keys(keys.path.with_name("other.json"))
    with pytest.raises(ConfigurationError, match="key file"):
        check_start(empty, foreign)
    keyfile.create(foreign.path)
    with pytest.raises(ConfigurationError, match="not this database's"):
        check_start(empty, foreign)


def test_a_worker_refuses_a_database_that_loses_commits(
    make_empty_database: EmptyDatabaseMaker, keys: Keys
) -> None:
    db = make_empty_database("postgresql")
    schema.upgrade(db)
    with db.engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        connection.commit()
    db.dispose()
    with pytest.raises(ConfigurationError, match="not durable"):
        check_start(db, keys)


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


def test_an_outage_of_the_database_is_told_and_the_same_key_redeems_after_it(
    run: Run, scratch: Path
) -> None:
    with (
        furnished(run, scratch, "postgresql") as world,
        serving(world.db.settings, scratch / "server.log") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        body = {"pin": world.card().pin.digits, "account_number": world.account()}
        headers = world.as_partner()
        client.get(f"/api/v1/accounts/{body['account_number']}", headers=headers)
        with outage(run, world):
            ready = client.get("/health/ready")
            asked = client.get("/api/v1/reports/inventory", headers=world.as_staff("auditor"))
            refused = client.post("/api/v1/redemptions", headers=headers, json=body)
        assert (ready.status_code, ready.json()["database"]) == (503, "unreachable")
        assert (asked.status_code, asked.json()["code"]) == (503, "database_unavailable")
        assert refused.status_code == 503
        assert refused.json()["code"] in ("try_later", "database_unavailable")
        assert client.get("/health/ready").status_code == 200
        assert client.post("/api/v1/redemptions", headers=headers, json=body).status_code == 201


@contextlib.contextmanager
def outage(run: Run, world: World) -> Generator[None]:
    """Shut everybody out of a database, and let them in again at the end."""
    name = str(world.db.engine.url.database)
    with run.postgres.connect() as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_partners_key_is_remembered_for_seconds_only(db: Database, keys: Keys) -> None:
    now = [0.0]
    partners = KnownPartners(lambda: now[0])
    with db.write() as session:
        admin = make_member(session)
        key = add_partner(session, admin, "bank", 5)
    assert partners.remembered(key) is None
    assert partners.look_up(db, key).name == "bank"
    with db.write() as session:
        disable_partner(session, admin, "bank")
    known = partners.remembered(key)
    assert known is not None and known.name == "bank"
    now[0] += REMEMBERED_S
    assert partners.remembered(key) is None
    with pytest.raises(SenderUnknown):
        partners.look_up(db, key)
    assert partners.remembered(key) is None


def test_a_key_in_use_is_looked_up_again_by_one_for_all(db: Database, keys: Keys) -> None:
    now = [0.0]
    partners = KnownPartners(lambda: now[0])
    with db.write() as session:
        admin = make_member(session)
        key = add_partner(session, admin, "bank", 5)
    assert not partners.is_due(key)
    partners.look_up(db, key)
    now[0] += ASKED_AGAIN_S
    assert [partners.is_due(key) for _ in range(3)] == [True, False, False]
    partners.look_up_again(db, key)
    now[0] += ASKED_AGAIN_S
    assert partners.remembered(key) is not None
    with db.write() as session:
        disable_partner(session, admin, "bank")
    partners.look_up_again(db, key)
    assert partners.remembered(key) is None
