"""A redemption that takes longer than a provider waits."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from accounts.tables import electricity_account
from api.app import create_app
from core.tables import outbox
from tests.api.conftest import Crew
from tests.api.test_twiml_sms import message, texted
from tests.api.test_twiml_voice import redeemed, to_confirm
from tests.api.twiml_phone import SMS, TwimlPhone, mobile, post
from tests.api.world import World


@pytest.fixture
def phone(crew: Crew) -> Iterator[TwimlPhone]:
    """A telephone whose recharge may wait for as long as a test holds an account."""
    patient = replace(crew.world.db.settings, lock_timeout_ms=30_000)
    with TestClient(create_app(patient)) as client:
        yield TwimlPhone(client)


def hold(world: World, account: str, held: threading.Event, release: threading.Event) -> None:
    """Keep an account's row to ourselves."""
    row = select(electricity_account).where(electricity_account.c.number == account)
    with world.db.write() as session:
        session.execute(row.with_for_update())
        held.set()
        release.wait(30)


@contextmanager
def held_up(world: World, account: str) -> Iterator[None]:
    """Let nobody recharge an account for a while, in which providers wait for a moment only."""
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(world, account, held, release))
    holder.start()
    try:
        assert held.wait(10)
        with pytest.MonkeyPatch.context() as patch:
            for room in ("twiml_voice", "twiml_sms"):
                patch.setattr(f"api.{room}.DEADLINE_S", 0.4)
            yield
    finally:
        release.set()
        holder.join()


def told_later(world: World, recipient: str, least: int) -> list[str]:
    """Return what was put on its way to a phone, once there is as much."""
    query = select(outbox.c.body).where(outbox.c.recipient == recipient)
    deadline = time.monotonic() + 20
    while True:
        with world.db.read() as session:
            bodies = list(session.execute(query).scalars())
        if len(bodies) >= least:
            return bodies
        assert time.monotonic() < deadline, bodies
        time.sleep(0.02)


def test_the_caller_is_asked_to_wait_and_the_card_is_redeemed_once(
    phone: TwimlPhone, crew: Crew
) -> None:
    card, account = crew.world.card(), crew.world.account()
    to_confirm(phone, account, card.pin.digits)
    with held_up(crew.world, account):
        phone.press("#")
        assert "One moment" in phone.heard and "请稍候" in phone.heard
        assert phone.silent.endswith("ev=wait1")
        phone.wait()
        assert phone.silent.endswith("ev=wait2")
        assert redeemed(crew.world, account) == 0
    for _ in range(20):
        if "50 yuan added" in phone.heard:
            break
        phone.silent = phone.silent.replace("wait3", "wait1").replace("wait2", "wait1")
        phone.wait()
    assert "50 yuan added" in phone.heard
    assert redeemed(crew.world, account) == 1


def test_who_waited_long_is_not_told_that_it_failed(phone: TwimlPhone, crew: Crew) -> None:
    card, account = crew.world.card(), crew.world.account()
    to_confirm(phone, account, card.pin.digits)
    with held_up(crew.world, account):
        phone.press("#").wait().wait().wait()
        assert phone.is_over
        assert "it may be done" in phone.heard


def test_a_text_is_told_that_it_goes_on_and_its_result_is_texted_once(
    phone: TwimlPhone, crew: Crew
) -> None:
    card, account, sender = crew.world.card(), crew.world.account(), mobile()
    sent = message(f"CZ {account} {card.pin.digits}", sender)
    with held_up(crew.world, account), ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: post(phone.client, SMS, sent), range(2)))
        assert [texted(one) for one in answers] == [
            "充值处理中，结果将短信告知，请勿重复提交。"
        ] * 2
        assert redeemed(crew.world, account) == 0
    (receipt,) = told_later(crew.world, sender, 1)
    assert receipt.startswith("充值50.00元")
    assert redeemed(crew.world, account) == 1
    assert texted(post(phone.client, SMS, sent)) == receipt


def test_who_asked_and_is_kept_waiting_is_not_told_of_a_recharge(
    phone: TwimlPhone, crew: Crew
) -> None:
    account, sender = crew.world.account(owes_fen=3_210), mobile()
    with held_up(crew.world, account):
        assert texted(post(phone.client, SMS, message(f"QF {account}", sender))) is None
    (told,) = told_later(crew.world, sender, 1)
    assert "欠费" in told
