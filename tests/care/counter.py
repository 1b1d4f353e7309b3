"""A counter of customer service: sold and unsold cards, an account that owes, and its people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from accounts.tables import bill
from api.actions import ACTIONS
from audit.invariants import INVARIANTS
from audit.verify import check_all
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from redemption.requests import Answer, Code
from staff import approvals
from staff.permissions import Actor
from tests.clocks import FakeClock
from tests.distribution.trade import Trade, open_trade
from tests.factories import make_imported_bill
from tests.redemption.cards import Card, make_cards, redeem
from vouchers.readable import Readable
from vouchers.serials import serial_text

BY_HAND = {"approval_texts", "two_persons", "batch_counts"}
"""Invariants that the rows of test factories break: their batches were made by hand."""


@dataclass
class Counter:
    """Everything a test of customer service needs."""

    db: Database
    keys: Keys
    redeemer: Redeemer
    clock: FakeClock
    trade: Trade
    sold: list[Card]
    spare: list[Card]
    account: str = "4200000001"
    keys_used: int = 0
    people: Mapping[str, Actor] = field(init=False)

    def __post_init__(self) -> None:
        self.people = self.trade.people

    @property
    def service(self) -> Actor:
        """Who stands at the counter."""
        return self.people["service"]

    def agree(self, approval_id: int, who: str = "finance") -> Any:
        """Let another person agree."""
        return approvals.agree(self.db, self.people[who], approval_id, ACTIONS)

    def state_of(self, approval_id: int) -> str:
        """The state of an approval."""
        with self.db.read() as session:
            return approvals.get(session, approval_id).state

    def use(self, card: Card, account: str | None = None) -> Answer:
        """Redeem a card as its holder does."""
        return self.redeemer.redeem([redeem(card, account or self.account)])[0].answer

    def owe(self, fen: int, account: str | None = None) -> int:
        """Bill the account, due on the first of this month; return the bill's id."""
        with self.db.write() as session:
            due_on = session.today.replace(day=1)
            return make_imported_bill(session, account or self.account, fen, due_on)

    def bill(self, bill_id: int) -> Any:
        """A bill as stored."""
        with self.db.read() as session:
            return session.execute(select(bill).where(bill.c.id == bill_id)).one()

    def hold(self, card: Card, kind: str = "lost") -> None:
        """Put a card on hold."""
        self.trade.move("service", "hold", card.serial, card.serial, hold=kind, reason="told")

    def broken(self) -> set[str]:
        """The invariants that do not hold, but for those of the factories."""
        with self.db.read() as session:
            results = check_all(session, INVARIANTS)
        return {r.invariant.code for r in results if not r.holds} - BY_HAND

    def redeemed(self, card: Card, account: str | None = None) -> Answer:
        """Redeem a card that can be redeemed."""
        answer = self.use(card, account)
        assert answer.code is Code.REDEEMED
        return answer


def readable(card: Card, *holes: int) -> Readable:
    """The digits of a card with some that cannot be read."""
    return Readable("".join("?" if i in holes else d for i, d in enumerate(card.pin.digits)))


def text(card: Card) -> str:
    """The serial number as it stands on the card."""
    return serial_text(card.serial)


def open_counter(db: Database, keys: Keys, redeemer: Redeemer, clock: FakeClock) -> Counter:
    """Sell ten cards and keep ten in the warehouse."""
    trade = open_trade(db)
    outlet, warehouse = trade.party_ids["outlet"], trade.party_ids["warehouse"]
    with db.write() as session:
        sold = make_cards(session, keys.get(), 10, holder_id=outlet)
        spare = make_cards(session, keys.get(), 10, stage="stocked", holder_id=warehouse)
    return Counter(db, keys, redeemer, clock, trade, sold, spare)
