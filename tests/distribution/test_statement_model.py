"""Random trade of an outlet over months: statement, books and a plain model always agree."""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from accounts import ledger
from distribution.actions import ACTIONS
from distribution.adjustments import NewAdjustment
from distribution.commissions import Rate
from distribution.contracts import set_contract
from distribution.parties import party_by_id
from distribution.payments import NewPayment, record_payment, reverse_payment
from distribution.settlements import FINAL_AFTER, Statement, close_period, read_statement
from distribution.tables import party
from staff import approvals
from tests.clocks import FakeClock
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import make_batch, make_party

CARDS = 60
TIERS = ((0, 100), (12, 175))


@dataclass
class Model:
    """What should be true of one outlet: what it owes, its sums by month, its cards."""

    owed_fen: int = 0
    sums: dict[date, dict[str, int]] = field(default_factory=lambda: defaultdict(_nothing))
    opening: dict[date, int] = field(default_factory=dict)
    sold: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    rates: dict[int, int] = field(default_factory=dict)
    payments: dict[str, int] = field(default_factory=dict)

    def add(self, month: date, **parts: int) -> None:
        self.opening.setdefault(month, self.owed_fen)
        for name, fen in parts.items():
            self.sums[month][f"{name}_fen"] += fen
            self.owed_fen += fen

    def sell(self, month: date, cards: range) -> None:
        for card in cards:
            rate = [fen for after, fen in TIERS if after <= max(self.sold[month], 0)][-1]
            self.rates[card] = rate
            self.sold[month] += 1
            self.add(month, activations=FACE_FEN, commission=-rate)

    def take_back(self, month: date, cards: range) -> None:
        for card in cards:
            self.add(month, returns=-FACE_FEN, clawback=self.rates.pop(card))
        self.sold[month] -= len(cards)

    def expected(self, month: date) -> dict[str, int]:
        sums = self.sums[month]
        opening_fen = self.opening.get(month, self.owed_fen)
        closing_fen = opening_fen + sum(sums.values())
        return sums | {"opening_fen": opening_fen, "closing_fen": closing_fen}


def _nothing() -> dict[str, int]:
    names = "activations commission returns clawback payments bounced adjustments other"
    return {f"{name}_fen": 0 for name in names.split()}


@dataclass
class Outlet:
    """One outlet of its own in the trade, with a batch of cards, acting as the model says."""

    trade: Trade
    clock: FakeClock
    code: str
    first: int
    model: Model = field(default_factory=Model)
    closed: list[Statement] = field(default_factory=list)

    @property
    def month(self) -> date:
        with self.trade.db.read() as session:
            return session.today.replace(day=1)

    def activate(self, data: st.DataObject) -> None:
        free = [n for n in range(CARDS) if n not in self.model.rates]
        if not free:
            return
        start = data.draw(st.sampled_from(free))
        stop = start
        while stop + 1 in free and stop - start < 15 and data.draw(st.booleans()):
            stop += 1
        self.trade.move("agent", "activate", self.first + start, self.first + stop)
        self.model.sell(self.month, range(start, stop + 1))

    def deactivate(self, data: st.DataObject) -> None:
        if not self.model.rates:
            return
        start = data.draw(st.sampled_from(sorted(self.model.rates)))
        stop = start
        while stop + 1 in self.model.rates and data.draw(st.booleans()):
            stop += 1
        self.trade.move_by_two("agent", "deactivate", self.first + start, self.first + stop)
        self.model.take_back(self.month, range(start, stop + 1))

    def pay(self, data: st.DataObject) -> None:
        amount_fen = data.draw(st.integers(1, 100_000))
        reference = f"{self.code}-{len(self.model.payments)}"
        with self.trade.db.read() as session:
            today = session.today
        new = NewPayment(
            reference=reference, party_code=self.code, amount_fen=amount_fen, paid_on=today
        )
        for _ in range(data.draw(st.integers(1, 2))):  # the same again changes nothing
            record_payment(self.trade.db, self.trade.people["finance"], new)
        self.model.payments[reference] = amount_fen
        self.model.add(self.month, payments=-amount_fen)

    def bounce(self, data: st.DataObject) -> None:
        good = sorted(name for name, fen in self.model.payments.items() if fen)
        if good:
            reference = data.draw(st.sampled_from(good))
            finance = self.trade.people["finance"]
            reverse_payment(self.trade.db, finance, reference, "no funds")
            self.model.add(self.month, bounced=self.model.payments[reference])
            self.model.payments[reference] = 0

    def adjust(self, data: st.DataObject) -> None:
        amount_fen = data.draw(st.integers(1, 5_000))
        direction = data.draw(st.sampled_from(["charge", "credit"]))
        new = NewAdjustment(
            reference=f"{self.code}-M{self.clock.now.timestamp():.0f}",
            party_code=self.code,
            direction=direction,
            amount_fen=amount_fen,
            against=data.draw(st.sampled_from(["suspense", "commission"])),
            reason="agreed",
        )
        approval_id = self.trade.request(new)
        approvals.agree(self.trade.db, self.trade.people["finance2"], approval_id, ACTIONS)
        self.model.add(self.month, adjustments=amount_fen if direction == "charge" else -amount_fen)

    def end_the_month(self, _data: st.DataObject) -> None:
        ended = self.month
        self.clock.advance(days=32 - self.clock.now.day)
        self.clock.advance(seconds=FINAL_AFTER.total_seconds())
        finance = self.trade.people["finance"]
        done = close_period(self.trade.db, finance, self.code, ended)
        assert asdict(done.sums) == self.model.expected(ended)
        self.closed.append(done)

    def check(self) -> None:
        with self.trade.db.read() as session:
            actor, code = self.trade.people["auditor"], self.code
            found = read_statement(session, actor, code, self.month)
            party_id = session.execute(_id_of(code)).scalar_one()
            assert asdict(found.sums) == self.model.expected(self.month)
            assert found.sums.closing_fen == ledger.party_receivable(session, party_id)
            assert found.sums.closing_fen == self.model.owed_fen
            for done in self.closed:
                assert read_statement(session, actor, code, done.starts_on) == done


def _id_of(code: str) -> Any:
    return select(party.c.id).where(party.c.code == code)


def open_outlet(trade: Trade, clock: FakeClock) -> Outlet:
    """Write an outlet of its own with a contract, and cards that it holds."""
    with trade.db.write() as session:
        party_id = make_party(session, "outlet", trade.party_ids["city"])
        code = party_by_id(session, party_id).code.upper()
        session.execute(party.update().where(party.c.id == party_id).values(code=code))
        first = make_batch(session, CARDS, face_fen=FACE_FEN, holder_id=party_id)
        rates = [
            Rate(
                face_fen=FACE_FEN,
                effective_from=date(2025, 1, 1),
                after_cards=after,
                commission_fen=fen,
            )
            for after, fen in TIERS
        ]
        finance = trade.people["finance"]
        set_contract(session, finance, code, "credit", 10**12, rates=rates)
    return Outlet(trade, clock, code, first)


DEEDS = {
    "activate": Outlet.activate,
    "deactivate": Outlet.deactivate,
    "pay": Outlet.pay,
    "bounce": Outlet.bounce,
    "adjust": Outlet.adjust,
    "end the month": Outlet.end_the_month,
}


@given(data=st.data())
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_statement_books_and_model_agree_after_every_deed(
    trade: Trade, clock: FakeClock, data: st.DataObject
) -> None:
    clock.advance(days=1)
    outlet = open_outlet(trade, clock)
    for _ in range(data.draw(st.integers(5, 14))):
        name = data.draw(st.sampled_from([*DEEDS, "activate", "activate"]))
        clock.advance(minutes=data.draw(st.integers(1, 600)))
        DEEDS[name](outlet, data)
        outlet.check()
