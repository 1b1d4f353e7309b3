"""Lists side by side in one process, from one event loop."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts.tables import electricity_account
from core.db import Database
from core.keyfile import Keys
from redemption.batcher import Batcher, lists_at_once
from redemption.engine import Redeemer
from redemption.requests import Code, RedeemRequest
from tests.redemption.cards import redeem, submit
from tests.redemption.test_races import world
from vouchers.lookup import ArgonPool

WAITS_MS = 60_000


@pytest.fixture
def patient(postgresql_db: Database) -> Iterator[Database]:
    """The same database for redemptions that wait long for a row."""
    db = Database(replace(postgresql_db.settings, lock_timeout_ms=WAITS_MS), postgresql_db.clock)
    yield db
    db.dispose()


def test_lists_beside_one_that_waits_for_a_row_are_answered(
    postgresql_db: Database, patient: Database, keys: Keys
) -> None:
    cards, (stuck, free) = world(postgresql_db, keys, 2 + lists_at_once(patient.settings), 2)
    first, *others = [
        redeem(card, stuck if place == 0 else free) for place, card in enumerate(cards)
    ]
    codes = asyncio.run(_beside(postgresql_db, patient, keys, first, others, stuck))
    assert codes == [Code.REDEEMED] * len(cards)


async def _beside(
    db: Database,
    patient: Database,
    keys: Keys,
    first: RedeemRequest,
    others: list[RedeemRequest],
    stuck: str,
) -> list[Code]:
    batcher = Batcher(Redeemer(patient, keys, ArgonPool(patient.settings)))
    with db.write() as session:
        number = electricity_account.c.number
        session.execute(select(number).where(number == stuck).with_for_update())
        waiting = asyncio.create_task(submit(batcher, first))
        for _ in range(3):  # turns of the loop: it is taken up, then its list begins without more
            await asyncio.sleep(0)
        beside = [(await submit(batcher, asked)).answer.code for asked in others]
        assert not waiting.done()
    outcome = await waiting
    await batcher.close()
    return [*beside, outcome.answer.code]
