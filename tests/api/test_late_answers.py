"""A caller who was told that the result will be texted gets it, whatever it is."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from api import runtime as runtime_module
from api.metrics import Metrics
from api.runtime import Runtime, running
from core.clock import system_clock
from core.tables import outbox
from redemption.late_answers import text_late_reply
from redemption.requests import Outcome, RedeemRequest, caller_of_phone
from tests.api.twiml_phone import mobile
from tests.api.world import World
from tests.redemption.cards import redeem
from vouchers.pins import draw

PHONE = "+8613800004711"


async def _ask_late(world: World, asked: Sequence[RedeemRequest]) -> list[Outcome | None]:
    """Ask as calls do, with no patience at all; return what was told at once."""
    async with running(world.db.settings, system_clock, Metrics()) as runtime:
        told = [await asyncio.to_thread(_one, runtime, request) for request in asked]
        deadline = asyncio.get_running_loop().time() + 20
        while len(_texts(world)) < len(asked):
            assert asyncio.get_running_loop().time() < deadline, _texts(world)
            await asyncio.sleep(0.02)
    return told


def _texts(world: World, phone: str = PHONE) -> list[str]:
    with world.db.read() as session:
        query = select(outbox.c.body).where(outbox.c.recipient == phone)
        return list(session.execute(query).scalars())


def _one(runtime: Runtime, request: RedeemRequest) -> Outcome | None:
    try:
        return runtime.dialogue.redeem(request)
    except TimeoutError:
        return None


def test_a_late_receipt_and_a_late_refusal_are_both_texted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "CALLER_WAITS_S", 0)
    account = world.account()
    plain: dict[str, Any] = {"caller": caller_of_phone(PHONE), "notify": PHONE}
    good = replace(redeem(world.card(), account), channel="ivr", **plain)
    wrong = replace(redeem(draw(), account), channel="ivr", **plain)
    assert asyncio.run(_ask_late(world, [good, wrong])) == [None, None]
    bodies = _texts(world)
    assert len(bodies) == 2
    assert sum("充值失败" in body for body in bodies) == 1
    assert sum("充值50.00元" in body for body in bodies) == 1


def test_a_late_reply_is_texted_once_for_each_message(world: World) -> None:
    phone = mobile()
    texts = [("SM1", "one"), ("SM2", "two")] * 5
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda one: text_late_reply(world.db, "twiml", phone, *one), texts))
    text_late_reply(world.db, "twiml", "BANK", "SM3", "three")
    text_late_reply(world.db, "twiml", phone, "SM4", "")
    assert sorted(_texts(world, phone)) == ["one", "two"]
