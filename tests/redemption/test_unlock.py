"""Callers who are locked out, and how an operator lets one in again; alarms as lists show them."""

import pytest

from audit.invariants_callers import CALLERS
from audit.verify import check_all
from core.db import Database
from core.errors import InvalidInput
from core.keyfile import Keys
from redemption.alarms import list_alarms
from redemption.engine import Redeemer
from redemption.requests import Caller, Code
from redemption.throttle import Limits
from redemption.unlock import CallerNotLocked, CallerUnknown, unlock_caller, view_caller
from staff.events import list_events
from staff.permissions import Actor, Forbidden
from tests.clocks import FakeClock
from tests.factories import make_electricity_account, make_member
from tests.redemption.cards import PHONE, Card, make_cards, redeem
from vouchers.pins import Pin, draw

WHO = f"tel:{PHONE}"


def _send(redeemer: Redeemer, card: Card | Pin) -> Code:
    return redeemer.redeem([redeem(card, "4200000001", caller=Caller(WHO))])[0].answer.code


def _guess(redeemer: Redeemer, times: int) -> None:
    for _ in range(times):
        _send(redeemer, draw())


@pytest.fixture
def operator(db: Database, redeemer: Redeemer) -> Actor:
    """Somebody of customer service; the account that all guesses name is there."""
    del redeemer
    with db.write() as session:
        make_electricity_account(session, "4200000001")
        return make_member(session, "customer_service")


def test_an_unlocked_caller_redeems_again(
    db: Database, redeemer: Redeemer, operator: Actor, keys: Keys
) -> None:
    with db.write() as session:
        (card,) = make_cards(session, keys.get(), 1)
    _guess(redeemer, 5)
    assert _send(redeemer, card) is Code.CALLER_LOCKED
    with db.write() as session:
        unlock_caller(session, operator, WHO, "typing error")
    assert _send(redeemer, card) is Code.REDEEMED


def test_unlocking_begins_the_counts_anew_and_is_on_record(
    db: Database, redeemer: Redeemer, operator: Actor, clock: FakeClock
) -> None:
    _guess(redeemer, 5)
    clock.advance(minutes=5)
    with db.write() as session:
        unlock_caller(session, operator, WHO, "typing error")
    with db.read() as session:
        view = view_caller(session, operator, Limits.of(db.settings), WHO)
        (event,) = list_events(session, subject=f"caller:{WHO}")
        results = check_all(session, CALLERS)
    assert (view.locked, view.tries_left, view.state.wrong_today) == (False, 5, 0)
    assert (view.locks[0].rule, view.locks[0].reason) == ("day", "typing error")
    assert (event.kind, event.username) == ("caller.unlocked", operator.username)
    assert all(result.holds for result in results)


def test_a_lock_after_an_unlocking_is_a_second_one(
    db: Database, redeemer: Redeemer, operator: Actor, clock: FakeClock
) -> None:
    _guess(redeemer, 5)
    clock.advance(hours=1)
    with db.write() as session:
        unlock_caller(session, operator, WHO, "typing error")
    _guess(redeemer, 5)
    with db.read() as session:
        view = view_caller(session, operator, Limits.of(db.settings), WHO)
    assert view.state.locked_rule == "days_72h"
    assert [lock.rule for lock in view.locks] == ["days_72h", "day"]


def test_a_lock_that_ran_out_by_itself_is_not_recorded_as_lifted(
    db: Database, redeemer: Redeemer, operator: Actor, clock: FakeClock
) -> None:
    _guess(redeemer, 5)
    clock.advance(days=1)
    _guess(redeemer, 5)
    with db.write() as session:
        unlock_caller(session, operator, WHO, "typing error")
    with db.read() as session:
        view = view_caller(session, operator, Limits.of(db.settings), WHO)
    assert [(lock.rule, lock.reason) for lock in view.locks] == [
        ("operator", "typing error"),
        ("day", None),
    ]


def test_nobody_is_unlocked_without_need_reason_or_permission(
    db: Database, redeemer: Redeemer, operator: Actor, clock: FakeClock
) -> None:
    with db.write() as session:
        auditor = make_member(session, "auditor")
        with pytest.raises(CallerUnknown):
            unlock_caller(session, operator, WHO, "why not")
    _guess(redeemer, 4)
    with db.write() as session, pytest.raises(CallerNotLocked):
        unlock_caller(session, operator, WHO, "why not")
    _guess(redeemer, 1)
    with db.write() as session:
        with pytest.raises(InvalidInput):
            unlock_caller(session, operator, WHO, "  ")
        with pytest.raises(Forbidden):
            unlock_caller(session, auditor, WHO, "why not")
    clock.advance(days=1)
    with db.write() as session, pytest.raises(CallerNotLocked):
        unlock_caller(session, operator, WHO, "it ran out by itself")


def test_alarms_are_listed_newest_first_page_by_page(
    db: Database, redeemer: Redeemer, operator: Actor, keys: Keys
) -> None:
    with db.write() as session:
        cards = make_cards(session, keys.get(), 3, stage="stocked")
    for card in cards:
        redeemer.redeem([redeem(card, "4200000001")])
    with db.read() as session:
        first = list_alarms(session, operator, limit=2)
        rest = list_alarms(session, operator, first[-1].id)
        with pytest.raises(Forbidden):
            list_alarms(session, Actor(1, 1, "x", "distributor", 1))
    assert [alarm.id for alarm in first + rest] == sorted(
        (alarm.id for alarm in first + rest), reverse=True
    )
    assert len(rest) == 1
    assert {alarm.kind for alarm in first + rest} == {"not_activated_card"}
