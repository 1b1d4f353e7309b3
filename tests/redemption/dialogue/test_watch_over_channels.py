"""Abuse is seen over all channels together: by text, by call and by a partner."""

import pytest
from sqlalchemy import select

from core.db import Database
from core.keyfile import Keys
from core.tables import outbox
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texts import answer_text
from redemption.requests import Code, RedeemRequest, caller_of_partner
from redemption.tables import alarm
from redemption.watch import watch
from tests.clocks import FakeClock
from tests.redemption.cards import Card, make_cards
from tests.redemption.dialogue.world import ACCOUNT, GATEWAY, TO_PIN, Phone, rows, wrong_pin
from vouchers.pins import Pin
from vouchers.tables import lot

pytestmark = pytest.mark.usefixtures("household")


@pytest.fixture
def stock(db: Database, keys: Keys) -> list[Card]:
    """Three cards of one pack that were never activated."""
    with db.write() as session:
        return make_cards(session, keys.get(), 3, stage="stocked")


def by_text(deps: DialogueDeps, pin: Pin, number: int) -> None:
    """Send a PIN by text, from one of many numbers."""
    text = f"CZ {ACCOUNT} {pin.digits}"
    reply = answer_text(deps, GATEWAY, f"+8613700{number:06d}", text, f"m-{number}")
    assert reply.code == Code.PIN_UNKNOWN


def by_call(deps: DialogueDeps, pin: Pin, number: int) -> None:
    """Enter a PIN in a call."""
    phone = Phone(deps, f"+8613800{number:06d}")
    phone.press(*TO_PIN, f"{pin.digits}#")
    assert phone.said[0].startswith("pin_unknown")


def by_partner(deps: DialogueDeps, pin: Pin, number: int) -> None:
    """Send a PIN over a partner's interface."""
    request = RedeemRequest(
        channel="api",
        sender="bank",
        key=f"k-{number}",
        caller=caller_of_partner("bank", f"customer-{number}"),
        account_number=ACCOUNT,
        pin=pin,
        sender_wrong_per_hour=1_000,
    )
    assert deps.redeem(request).answer.code is Code.PIN_UNKNOWN


WAYS = (by_text, by_call, by_partner)


def kinds(db: Database) -> list[str]:
    """Return the alarms in order."""
    return [row.kind for row in rows(db, select(alarm.c.kind).order_by(alarm.c.id))]


def test_three_channels_that_try_one_pack_put_it_on_hold(
    deps: DialogueDeps, db: Database, stock: list[Card], clock: FakeClock
) -> None:
    for number, (way, card) in enumerate(zip(WAYS, stock, strict=True)):
        watch(db)
        assert [row.hold for row in rows(db, select(lot.c.hold))] == [None]
        way(deps, card.pin, number)
        clock.advance(minutes=5)
    watch(db)
    assert [row.hold for row in rows(db, select(lot.c.hold))] == ["suspended"]
    assert kinds(db) == ["not_activated_card"] * 3 + ["pack_held"]
    alarms = rows(db, select(outbox.c.body).where(outbox.c.kind == "alarm"))
    assert [row.body.split(":")[0] for row in alarms] == kinds(db)


def test_one_caller_by_text_and_call_is_one_caller(
    deps: DialogueDeps, db: Database, stock: list[Card]
) -> None:
    number = "+8613700000001"
    phone = Phone(deps, number)
    phone.press(*TO_PIN, f"{stock[0].pin.digits}#")
    by_text(deps, stock[1].pin, 1)
    by_partner(deps, stock[2].pin, 1)
    watch(db)
    assert kinds(db) == ["not_activated_card"] * 3


def test_wrong_pins_of_all_channels_together_alarm(deps: DialogueDeps, db: Database) -> None:
    for number in range(19):
        WAYS[number % 3](deps, wrong_pin(), number)
    watch(db)
    assert kinds(db) == []
    by_text(deps, wrong_pin(), 99)
    watch(db)
    assert kinds(db) == ["many_wrong_pins"]


def test_good_cards_of_the_same_minutes_keep_it_quiet(
    deps: DialogueDeps, db: Database, keys: Keys
) -> None:
    with db.write() as session:
        good = make_cards(session, keys.get(), 80)
    for number, card in enumerate(good):
        text = f"CZ {ACCOUNT} {card.pin.digits}"
        reply = answer_text(deps, GATEWAY, f"+8613600{number:06d}", text, f"g-{number}")
        assert reply.code == Code.REDEEMED
    for number in range(20):
        by_text(deps, wrong_pin(), number)
    watch(db)
    assert kinds(db) == []
    by_call(deps, wrong_pin(), 50)
    watch(db)
    assert kinds(db) == ["many_wrong_pins"]
