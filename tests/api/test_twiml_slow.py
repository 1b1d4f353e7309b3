"""A redemption that takes longer than a provider waits."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from accounts.tables import electricity_account
from api.app import create_app
from tests.api.conftest import Crew
from tests.api.test_twiml_voice import redeemed, to_confirm
from tests.api.twiml_phone import TwimlPhone
from tests.api.world import World


@pytest.fixture
def phone(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwimlPhone]:
    """A telephone of a provider that waits for a moment only."""
    monkeypatch.setattr("api.twiml_voice.DEADLINE_S", 0.4)
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


def test_the_caller_is_asked_to_wait_and_the_card_is_redeemed_once(
    phone: TwimlPhone, crew: Crew
) -> None:
    card, account = crew.world.card(), crew.world.account()
    to_confirm(phone, account, card.pin.digits)
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(crew.world, account, held, release))
    holder.start()
    assert held.wait(10)
    try:
        phone.press("#")
        assert "One moment" in phone.heard and "请稍候" in phone.heard
        assert phone.silent.endswith("ev=wait1")
        phone.wait()
        assert phone.silent.endswith("ev=wait2")
        assert redeemed(crew.world, account) == 0
    finally:
        release.set()
        holder.join()
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
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(crew.world, account, held, release))
    holder.start()
    assert held.wait(10)
    try:
        phone.press("#").wait().wait().wait()
        assert phone.is_over
        assert "it may be done" in phone.heard
    finally:
        release.set()
        holder.join()
