"""Customer service by commands: a card's history, damaged, lost and expired cards, reversals."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts.tables import electricity_account
from core.clock import local_day, system_clock
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from redemption.requests import Code
from staff.events import list_events
from tests.care.counter import Counter, open_counter, text
from tests.cli.terminal import Ended, SharedTerminal, Terminal
from tests.clocks import FakeClock
from tests.factories import make_electricity_account
from tests.redemption.cards import Card, make_cards
from vouchers.lookup import ArgonPool
from vouchers.pins import draw


class Desk(SharedTerminal):
    """The terminal of customer service, and the counter that it stands on."""

    counter: Counter

    def ask(self, *args: str, stdin: str = "") -> Any:
        """Ask as customer service; return what was answered."""
        return self.by(self.counter.service).json("voucher", *args, stdin=stdin)

    def refused(self, *args: str, stdin: str = "") -> Ended:
        """Ask as customer service for what is refused."""
        ended = self.by(self.counter.service)("voucher", *args, stdin=stdin)
        assert ended.code != 0, ended
        return ended

    def by_two(self, *args: str) -> None:
        """Ask as customer service; finance agrees."""
        self.agree(self.counter.people["finance"], self.ask(*args)["approval_id"])

    def status(self, card: Card) -> str:
        """What the program says a card is."""
        return str(self.ask("show", text(card))["status"])

    def happened(self, card: Card) -> list[dict[str, Any]]:
        """A card's history."""
        told = self.ask("history", text(card))
        assert told["serial_number"] == text(card)
        return list(told["happenings"])

    def balance(self) -> int:
        """What stands on the customer's electricity account, in fen."""
        number = electricity_account.c.number == self.counter.account
        with self.db.read() as session:
            query = select(electricity_account.c.balance_fen).where(number)
            return int(session.execute(query).scalar_one())


@pytest.fixture
def desk(terminal: Terminal, db: Database, keys: Keys, clock: FakeClock) -> Iterator[Desk]:
    """A terminal beside a counter with sold and unsold cards, and an account."""
    with db.write() as session:
        make_electricity_account(session, "4200000001")
    with closing(ArgonPool(db.settings)) as argon:
        desk = Desk(terminal, db)
        desk.counter = open_counter(db, keys, Redeemer(db, keys, argon), clock)
        yield desk


def test_a_history_tells_what_happened_to_a_card_and_who_looked(desk: Desk) -> None:
    card = desk.counter.sold[0]
    receipt = desk.counter.redeemed(card).receipt_number
    by_event = {each["event"]: each for each in desk.happened(card)}
    assert set(by_event) == {"activate", "exported", "redeemed"}
    assert by_event["activate"]["detail"]["holder"] == "OUTLET"
    assert by_event["redeemed"]["detail"]["receipt_number"] == receipt
    shown = desk.terminal("voucher", "history", text(card)).out
    assert str(receipt) in shown and "redeemed" in shown
    for told in (shown, str(by_event)):
        assert desk.counter.account not in told
    with desk.db.read() as session:
        looks = list_events(session, f"voucher:{text(card)}")
    assert [(look.username, look.detail["what"]) for look in looks] == [("service", "timeline")] * 2


def test_a_history_is_for_those_who_may_look_at_cards_and_of_cards_that_were_made(
    desk: Desk,
) -> None:
    card = text(desk.counter.sold[0])
    assert desk.refused("history", "42251010007001008").error == "not_found"
    assert desk.refused("history", card[:-1]).error == "serial_invalid"
    ended = desk.by(desk.counter.people["seller"])("voucher", "history", card)
    assert (ended.code, ended.error) == (1, "forbidden")


def test_a_damaged_card_is_proven_by_its_digits_and_redeemed_by_two(desk: Desk) -> None:
    card = desk.counter.sold[0]
    early = ("redeem-proven", text(card), "--account", desk.counter.account, "--reason", "torn")
    assert desk.refused(*early).error == "proof_missing"
    half = "??????" + card.pin.digits[6:] + "\n"
    ended = desk.by(desk.counter.service)("voucher", "prove", text(card), stdin=half)
    assert (ended.code, ended.out) == (0, "the card is proven; 4 tries left\n")
    assert card.pin.digits[6:] not in ended.out + ended.err
    desk.by_two(*early)
    assert (desk.status(card), desk.balance()) == ("used", 5_000)
    assert [each["event"] for each in desk.happened(card)][-2:] == ["proven", "redeemed"]


def test_wrong_digits_are_told_with_the_tries_that_are_left(desk: Desk) -> None:
    card = text(desk.counter.sold[0])
    for left in (4, 3):
        tried = desk.ask("prove", card, stdin=f"{draw().digits}\n")
        assert tried == {"proven": False, "tries_left": left}
    short = desk.refused("prove", card, stdin="123456\n")
    assert (short.code, short.error) == (2, "readable_digits_invalid")
    assert "123456" not in short.out + short.err
    assert desk.refused("prove", card).error == "usage"  # no digits
    assert desk.ask("prove", card, stdin=f"{draw().digits}\n")["tries_left"] == 2


def test_a_lost_card_is_replaced_only_once_it_is_on_hold(desk: Desk) -> None:
    old, new = desk.counter.sold[0], desk.counter.spare[0]
    args = ("replace", text(old), "--new", text(new), "--ground", "lost", "--reason", "by phone")
    assert desk.refused(*args).error == "not_replaceable"
    desk.counter.hold(old)
    desk.by_two(*args)
    assert [desk.status(card) for card in (old, new)] == ["replaced", "active"]
    assert desk.counter.use(new).code is Code.REDEEMED
    assert desk.refused(*args).error == "not_replaceable"
    assert desk.refused(*args[:5], "eaten", *args[6:]).error == "usage"


def test_an_expired_card_is_good_again_until_the_day_named(desk: Desk, keys: Keys) -> None:
    outlet = desk.counter.trade.party_ids["outlet"]
    with desk.db.write() as session:
        (card,) = make_cards(
            session, keys.get(), 1, holder_id=outlet, expires_on=date(2020, 12, 31)
        )
    assert desk.status(card) == "expired"
    # The program asks the machine what day it is.
    day = str(local_day(system_clock(), desk.db.settings.zone) + timedelta(days=400))
    args = ("extend", text(card), "--until", day, "--reason", "forgotten")
    assert desk.ask(*args) == {"serial_number": text(card), "expires_on": day}
    assert desk.status(card) == "active"
    assert desk.refused(*args).error == "not_replaceable"  # no longer expired
    assert desk.refused(*args[:3], "2027-02-30", *args[4:]).error == "usage"


def test_a_redemption_is_taken_back_and_a_card_handed_out_for_it_by_two(desk: Desk) -> None:
    card, new = desk.counter.sold[0], desk.counter.spare[0]
    receipt = str(desk.counter.redeemed(card).receipt_number)
    reissue = ("reissue", text(card), "--new", text(new), "--reason", "wrong account")
    assert desk.refused(*reissue).error == "not_reissuable"
    reverse = ("reverse", receipt, "--reason", "wrong account")
    desk.by_two(*reverse)
    assert (desk.balance(), desk.status(card)) == (0, "used")
    assert desk.refused(*reverse).error == "already_reversed"
    desk.by_two(*reissue)
    assert desk.status(new) == "active"
    assert desk.refused(*reissue).error == "not_reissuable"
    assert desk.counter.broken() == set()


def test_what_needs_two_persons_tells_so_and_changes_nothing_yet(desk: Desk) -> None:
    card = desk.counter.sold[0]
    receipt = str(desk.counter.redeemed(card).receipt_number)
    args = ("voucher", "reverse", receipt, "--reason", "wrong account")
    asked = desk.by(desk.counter.service)(*args)
    assert asked.code == 0 and "waits for a second person" in asked.out
    assert "wanneng approval agree" in asked.err
    assert desk.balance() == 5_000
    ended = desk.by(desk.counter.people["keeper"])(*args)
    assert (ended.code, ended.error) == (1, "forbidden")
