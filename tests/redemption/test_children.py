"""Child processes: they answer as the engine does, and nothing is lost or done twice with them."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from structlog.testing import capture_logs

from accounts.tables import electricity_account
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from redemption import wire
from redemption.batcher import Batcher
from redemption.children import ChildLost, Children, share
from redemption.engine import Redeemer
from redemption.requests import Answer, Code, Outcome, RedeemRequest, caller_of_partner
from redemption.tables import redemption
from tests.redemption.cards import redeem, submit
from tests.redemption.test_races import world
from tests.waiting import waits_for_a_lock
from vouchers.lookup import ArgonPool
from vouchers.pins import draw


def processes() -> list[psutil.Process]:
    """Return the child processes of this one that are alive."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "redemption.child" in str(child.cmdline())
    ]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def children_of(settings: Settings) -> AsyncIterator[Children]:
    """All children of a worker, ready."""
    children = Children(settings)
    children.begin()
    try:
        await until(lambda: children.free == settings.engine_processes)
        yield children
    finally:
        await children.close()


def counted(db: Database) -> int:
    with db.read() as session:
        return int(session.execute(select(func.count()).select_from(redemption)).scalar_one())


def test_a_child_answers_as_the_engine_does_and_ends_with_its_worker(
    postgresql_db: Database, keys: Keys
) -> None:
    cards, (number,) = world(postgresql_db, keys, 2, 1)
    asked = [redeem(cards[0], number, key="a"), redeem(draw(), number), redeem(None, number)]

    async def work() -> list[list[Outcome] | None]:
        async with children_of(replace(postgresql_db.settings, engine_processes=2)) as children:
            assert len(processes()) == 2
            return [await children.redeem(asked), await children.redeem(asked[:1])]

    first, again = asyncio.run(work())
    assert first is not None
    assert [outcome.answer.code for outcome in first] == [
        Code.REDEEMED,
        Code.PIN_UNKNOWN,
        Code.PIN_MALFORMED,
    ]
    assert again == [replace_outcome(first[0], replayed=True)]
    assert processes() == []


def replace_outcome(outcome: Outcome, *, replayed: bool) -> Outcome:
    return Outcome(outcome.answer, replayed, outcome.delay_s, outcome.is_unknown)


def test_a_child_that_dies_while_it_waits_is_replaced(postgresql_db: Database, keys: Keys) -> None:
    cards, (number,) = world(postgresql_db, keys, 1, 1)

    async def work() -> list[Outcome] | None:
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            (victim,) = processes()
            victim.kill()
            await until(lambda: children.free == 0)
            assert await children.redeem([redeem(cards[0], number)]) is None
            await until(lambda: children.free == 1)
            return await children.redeem([redeem(cards[0], number)])

    with capture_logs() as logged:
        outcomes = asyncio.run(work())
    assert outcomes is not None
    assert [outcome.answer.code for outcome in outcomes] == [Code.REDEEMED]
    assert [line["event"] for line in logged] == ["engine_process_lost"]


def beside_a_locked_account(
    db: Database, keys: Keys, work: Callable[[Batcher, RedeemRequest], Awaitable[Outcome]]
) -> tuple[Outcome, Outcome]:
    """Return the answer to a request whose account is locked, and to the same one afterwards."""
    (card,), (number,) = world(db, keys, 1, 1)
    asked = redeem(card, number, key="a")

    async def run() -> tuple[Outcome, Outcome]:
        argon = ArgonPool(db.settings)
        async with children_of(replace(db.settings, engine_processes=1)) as children:
            batcher = Batcher(Redeemer(db, keys, argon), children)
            with db.write() as session:
                account = electricity_account.c.number
                session.execute(select(account).where(account == number).with_for_update())
                during = await work(batcher, asked)
            after = await submit(batcher, asked)
            await batcher.close()
        argon.close()
        return during, after

    return asyncio.run(run())


def test_a_list_whose_child_dies_is_carried_out_again_and_not_called_undone(
    postgresql_db: Database, keys: Keys
) -> None:
    async def kill_meanwhile(batcher: Batcher, asked: RedeemRequest) -> Outcome:
        submitted = asyncio.create_task(submit(batcher, asked))
        await until(lambda: waits_for_a_lock(postgresql_db))
        (victim,) = processes()
        victim.kill()
        return await submitted

    during, after = beside_a_locked_account(postgresql_db, keys, kill_meanwhile)
    assert (during.answer.code, during.is_unknown) == (Code.TRY_LATER, True)
    assert (after.answer.code, after.is_unknown) == (Code.REDEEMED, False)
    assert counted(postgresql_db) == 1


def test_a_list_that_was_committed_and_whose_answer_was_lost_is_found_done(
    postgresql_db: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    (card,), (number,) = world(postgresql_db, keys, 1, 1)
    asked = redeem(card, number)

    async def work() -> Outcome:
        argon = ArgonPool(postgresql_db.settings)
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            (child,) = children._free
            monkeypatch.setattr(child, "data_received", lambda _: child.abandon())
            batcher = Batcher(Redeemer(postgresql_db, keys, argon), children)
            outcome = await submit(batcher, asked)
            await batcher.close()
        argon.close()
        return outcome

    outcome = asyncio.run(work())
    assert (outcome.answer.code, outcome.replayed) == (Code.REDEEMED, True)
    assert counted(postgresql_db) == 1


def test_what_a_child_says_was_not_done_is_believed(postgresql_db: Database, keys: Keys) -> None:
    during, after = beside_a_locked_account(
        postgresql_db, keys, lambda batcher, asked: submit(batcher, asked)
    )
    assert (during.answer.code, during.is_unknown) == (Code.TRY_LATER, False)
    assert (after.answer.code, after.is_unknown) == (Code.REDEEMED, False)
    assert counted(postgresql_db) == 1


def test_children_come_when_lists_meet_and_not_before(postgresql_db: Database, keys: Keys) -> None:
    cards, (stuck, free) = world(postgresql_db, keys, 4, 2)
    alone, waits, beside, later = (
        redeem(card, number) for card, number in zip(cards, (free, stuck, free, free), strict=True)
    )

    async def work() -> list[Code]:
        argon = ArgonPool(postgresql_db.settings)
        patient = Database(replace(postgresql_db.settings, lock_timeout_ms=60_000))
        children = Children(postgresql_db.settings)
        batcher = Batcher(Redeemer(patient, keys, argon), children)
        outcomes = [await submit(batcher, alone)]
        assert children._kept == []
        with postgresql_db.write() as session:
            account = electricity_account.c.number
            session.execute(select(account).where(account == stuck).with_for_update())
            waiting = asyncio.create_task(submit(batcher, waits))
            await until(lambda: waits_for_a_lock(postgresql_db))
            outcomes.append(await submit(batcher, beside))
            await until(lambda: children.free == postgresql_db.settings.engine_processes)
            outcomes.append(await submit(batcher, later))
        outcomes.append(await waiting)
        await batcher.close()
        await children.close()
        argon.close()
        patient.dispose()
        return [outcome.answer.code for outcome in outcomes]

    assert asyncio.run(work()) == [Code.REDEEMED] * 4
    assert counted(postgresql_db) == 4


def test_a_signal_to_stop_reaches_the_worker_and_not_the_child(
    postgresql_db: Database, keys: Keys
) -> None:
    (card,), (number,) = world(postgresql_db, keys, 1, 1)

    async def work() -> list[Outcome] | None:
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            (child,) = processes()
            for each in (signal.SIGTERM, signal.SIGINT):
                os.kill(child.pid, each)
            return await children.redeem([redeem(card, number)])

    outcomes = asyncio.run(work())
    assert outcomes is not None
    assert [outcome.answer.code for outcome in outcomes] == [Code.REDEEMED]


def test_a_child_that_cannot_start_is_told_of_and_asked_for_nothing(settings: Settings) -> None:
    broken = replace(settings, database_url="postgresql+psycopg://nobody@/x", timezone="UTC")

    async def work() -> None:
        children = Children(replace(broken, engine_processes=1))
        object.__setattr__(children._settings, "timezone", "Nowhere/At_all")
        children.begin()
        await until(lambda: any(line["event"] == "engine_process_lost" for line in logged))
        assert await children.redeem([redeem(draw(), "4200000001")]) is None
        await children.close()

    with capture_logs() as logged:
        asyncio.run(work())


def test_a_lost_child_is_not_given_a_list(postgresql_db: Database) -> None:
    async def work() -> None:
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            (child,) = children._free
            child.connection_lost(None)
            with pytest.raises(ChildLost):
                await children.redeem([redeem(None, "4200000001")])

    asyncio.run(work())


@pytest.mark.parametrize("odd", [{"key": "\ud800"}, {"serial": 2**70}], ids=["text", "number"])
def test_what_cannot_travel_is_left_to_a_thread(
    postgresql_db: Database, odd: dict[str, object]
) -> None:
    async def work() -> None:
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            asked = redeem(None, "4200000001", **{"key": "a", **odd})  # type: ignore[arg-type]
            assert await children.redeem([asked]) is None
            assert children.free == 1

    asyncio.run(work())


def test_a_child_whose_list_nobody_waits_for_any_more_is_replaced(
    postgresql_db: Database, keys: Keys
) -> None:
    (card,), (number,) = world(postgresql_db, keys, 1, 1)
    asked = redeem(card, number)

    async def work() -> list[Outcome] | None:
        async with children_of(replace(postgresql_db.settings, engine_processes=1)) as children:
            with postgresql_db.write() as session:
                account = electricity_account.c.number
                session.execute(select(account).where(account == number).with_for_update())
                abandoned = asyncio.create_task(children.redeem([asked]))
                await until(lambda: waits_for_a_lock(postgresql_db))
                abandoned.cancel()
                await asyncio.wait([abandoned])
            await until(lambda: children.free == 1)
            return await children.redeem([redeem(None, number)])

    outcomes = asyncio.run(work())
    assert outcomes is not None
    assert [outcome.answer.code for outcome in outcomes] == [Code.PIN_MALFORMED]


def test_a_child_gets_its_part_of_the_slow_hashes(settings: Settings) -> None:
    worker = replace(settings, argon2_threads=6, engine_processes=3)
    assert share(worker).argon2_threads == 2
    assert share(replace(worker, argon2_threads=1)).argon2_threads == 1


requests = st.builds(
    RedeemRequest,
    channel=st.text(),
    sender=st.text(),
    key=st.text(),
    caller=st.builds(caller_of_partner, st.text(), st.none() | st.text()),
    account_number=st.none() | st.text(),
    pin=st.none() | st.builds(draw),
    serial=st.none() | st.integers(0, 10**16),
    notify=st.none() | st.text(),
    sender_wrong_per_hour=st.none() | st.integers(0, 10**9),
)
outcomes = st.builds(
    Outcome,
    st.builds(
        Answer,
        code=st.sampled_from(Code),
        at=st.none() | st.just(datetime(2026, 6, 11, 9, 30, 0, 123456, tzinfo=UTC)),
        balance_fen=st.none() | st.integers(0, 2**62),
        silent=st.booleans(),
    ),
    st.booleans(),
    st.integers(0, 60),
    st.booleans(),
)


@given(st.lists(requests), st.lists(outcomes))
def test_requests_and_answers_travel_as_they_are(
    asked: list[RedeemRequest], told: list[Outcome]
) -> None:
    assert wire.requests_of(wire.requests_to(asked)) == asked
    assert wire.outcomes_of(wire.outcomes_to(told)) == told


@pytest.mark.parametrize("pin", [680419129695212192, b"680419129695212192"])
def test_only_a_pin_travels_as_one(pin: object) -> None:
    asked = redeem(draw(), "4200000001")
    with pytest.raises(TypeError):
        wire.requests_to([replace_pin(asked, object())])
    with pytest.raises(msgspec.ValidationError):
        wire.requests_of(msgspec.msgpack.encode([{**sent(asked), "pin": pin}]))


def replace_pin(asked: RedeemRequest, pin: object) -> RedeemRequest:
    return msgspec.structs.replace(asked, pin=pin)


def sent(asked: RedeemRequest) -> dict[str, object]:
    (fields,) = msgspec.msgpack.decode(wire.requests_to([asked]), type=list[dict[str, object]])
    return fields


def test_settings_travel_as_they_are(settings: Settings) -> None:
    assert wire.settings_of(wire.settings_to(settings)) == settings


def test_a_child_ends_when_nobody_holds_the_other_end_of_its_socket() -> None:
    from redemption.children import _end, _start

    ours, theirs = socket.socketpair()
    process = _start(theirs)
    ours.close()
    _end(process)
    assert process.returncode == 0
