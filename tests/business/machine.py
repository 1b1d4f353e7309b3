"""Random trade: each rule does one thing in the product and in the model, and compares the two."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any, TypeVar
from zlib import crc32

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from audit.as_of import latest_final
from audit.counters import roll_up
from audit.verify import verify
from distribution.settlements import Statement
from tests.business.comparing import all_reports, compare, sums_of
from tests.business.firm import ACCOUNTS, Firm
from tests.business.model import Business, Card, Paper, Terms
from tests.distribution.model import PARENT, RULES
from tests.distribution.trade import FACE_FEN

CARDS = 30
PLACES = ("outlet", "outlet", "outlet2", "city", "province")
MOVES = (
    "dispatch",
    "receive",
    "return",
    "deactivate",
    "hold",
    "release",
    "hold",
    "release",
    "void",
)
SHELVES = (("province", 30), ("city", 28), ("outlet", 18))
"""How many of the first cards came down so far before the trade begins."""

OWING = ("city", "outlet", "outlet2")
SALE_MODELS = ("prepaid", "credit", "consignment")
LIMITS_FEN = (3 * FACE_FEN, 12 * FACE_FEN, 10_000_000, 10_000_000)
ACTIONS: tuple[str, ...] = (
    "move",
    "move",
    "move",
    "activate",
    "activate",
    "sell_at_the_till",
    "sell_electronic",
)
ACTIONS += ("pay", "pay", "bounce", "contract", "redeem", "redeem", "reverse", "hand_out")
ACTIONS += ("order", "draw_up", "send", "send", "arrive", "arrive", "answer_claim", "count")
ACTIONS += ("remember", "close_month")
SNAPSHOTS, MONTHS = 2, 2

T = TypeVar("T")
Allowed = Callable[[Card], bool]
_references = count(1)


class TradeMachine(RuleBasedStateMachine):
    """A trade that nobody planned."""

    def __init__(self, firm: Firm, done: Counter[str]) -> None:
        """Bring some cards down to the outlet, which has a contract, as the city has."""
        super().__init__()
        self.firm, self.done, self.drawn = firm, done, 0
        self.amounts: dict[str, tuple[str, int]] = {}
        self.closed: dict[tuple[str, date], Statement] = {}
        self.remembered: list[tuple[datetime, dict[str, Any]]] = []
        serials = sorted(firm.pins)
        self.model = Business(cards={s: Card(holder="warehouse") for s in serials})
        for place, cards in SHELVES:
            for name in ("dispatch", "receive"):
                self._both("move", name, serials[:cards], place)
        self._set_contract("outlet", Terms("credit", 10_000_000, 150, 8, 30))
        self._set_contract("city", Terms("consignment", 10_000_000, 100, 5, 20))

    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        """Do one thing of those that there is something to do about.

        One rule for all, for hypothesis would leave half of many rules out of each run.
        """
        there_is = {
            "bounce": self.amounts,
            "send": self._papers("draft"),
            "arrive": self._papers("sent"),
            "answer_claim": self.model.claims,
            "reverse": self._any(lambda card: card.value == "account"),
            "close_month": len(self.closed) < MONTHS * len(self.model.contracts),
            "remember": len(self.remembered) < SNAPSHOTS,
        }
        possible = [name for name in ACTIONS if there_is.get(name, True)]
        getattr(self, self._pick(data, possible))(data)

    def move(self, data: st.DataObject) -> None:
        """Move, hold, release or void a range by hand."""
        name, to = self._pick(data, MOVES), self._pick(data, PLACES)
        hold = self._pick(data, ("lost", "stolen", "lost"))
        span = self._span(data, lambda card: RULES[name]([card], to) is not None)
        self._both("move", name, span, to, hold)

    def activate(self, data: st.DataObject) -> None:
        """Activate a range under whatever contract there is."""
        span = self._span(data, lambda card: RULES["activate"]([card], "") is not None)
        self._both("move", "activate", span)

    def sell_at_the_till(self, data: st.DataObject) -> None:
        """Sell one card of plastic at the outlet's till."""
        serial = self._span(data, lambda card: card.holder == "outlet")[0]
        at_home = self.model.cards[serial].holder == "outlet"
        expected = at_home and self.model.move("activate", [serial])
        assert self.firm.sell(serial) == expected
        self._count("sell", expected)

    def sell_electronic(self, _data: st.DataObject) -> None:
        """Sell an electronic card."""
        serial = self.firm.sell_electronic()
        assert (serial is not None) == self.model.may_sell_electronic("outlet")
        self._count("sell_electronic", serial is not None)
        if serial is not None:
            self.model.sell_electronic(serial, "outlet")

    def pay(self, data: st.DataObject) -> None:
        """Pay for some cards; a party without a contract of its own cannot."""
        at, cards = self._pick(data, OWING), self._pick(data, range(1, 7))
        reference, amount = f"BK-{next(_references)}", cards * FACE_FEN
        done = self.firm.pay(at, amount, reference)
        assert done == self.model.pay(at, amount)
        self._count("pay", done)
        if done:
            self.amounts[reference] = (at, amount)
            assert not self.firm.pay(at, amount + 1, reference)

    def bounce(self, data: st.DataObject) -> None:
        """Take a payment back, once."""
        reference = self._pick(data, sorted(self.amounts))
        at, amount = self.amounts.pop(reference)
        assert self.firm.bounce(reference)
        self.model.bounce(at, amount)
        self._count("bounce", True)
        assert not self.firm.bounce(reference)

    def contract(self, data: st.DataObject) -> None:
        """Agree on other terms."""
        at = self._pick(data, ("city", "outlet"))
        terms = Terms(
            sale_model=self._pick(data, SALE_MODELS),
            limit_fen=self._pick(data, LIMITS_FEN),
            commission_fen=self._pick(data, (0, 100, 150)),
            tier_after=self._pick(data, range(2, 10)),
            tier_fen=25,
        )
        self._set_contract(at, terms)
        self._count("contract", True)

    def redeem(self, data: st.DataObject) -> None:
        """Redeem a card, mostly one that can be."""
        serial = self._span(data, lambda card: card.stage == "active" and not card.used)[0]
        self._both("redeem", serial, self._pick(data, ACCOUNTS))

    def reverse(self, data: st.DataObject) -> None:
        """Take a redemption back."""
        self._both("reverse", self._span(data, lambda card: card.value == "account")[0])

    def hand_out(self, data: st.DataObject) -> None:
        """Hand out a card for a lost one, or for a redemption that was taken back."""
        new = self._span(data, lambda card: card.stage == "stocked" and not card.hold)[0]
        if not self._any(lambda c: c.stage == "active" and not c.used and c.hold == "lost"):
            old = self._span(data, lambda c: c.account is not None and c.value == "suspense")[0]
            self._both("reissue", old, new)
        else:
            old = self._span(data, lambda c: c.stage == "active" and c.hold == "lost")[0]
            self._both("replace_lost", old, new)

    def order(self, data: st.DataObject) -> None:
        """Order cards and have them set apart."""
        buyer, cards = self._pick(data, OWING), self._pick(data, range(1, 6))
        supplier = PARENT[buyer]
        free = self.model.free(supplier)
        made = self.firm.order(buyer, cards)
        assert (made is not None) == (len(free) >= cards)
        self._count("order", made is not None)
        if made is not None:
            serials = [s for line in made.lines for s in line.cards]
            assert set(serials) <= set(free)
            assert len(serials) == cards
            self.model.papers[made.number] = Paper("dispatch", supplier, buyer, serials)

    def draw_up(self, data: st.DataObject) -> None:
        """Set a range apart, from where it is."""
        kind = self._pick(data, ("dispatch", "transfer", "return", "return"))
        span = self._span(data, lambda card: card.stage in ("stocked", "active"))
        sender = self.model.cards[span[0]].holder
        if kind == "return":
            to = PARENT.get(sender)
        else:
            to = {"city": "outlet2", "outlet": "outlet2", "outlet2": "outlet"}.get(sender, "city")
        made = self.firm.draw_up(kind, span, sender, to) if to else None
        if made is not None and to:
            self.model.papers[made.number] = Paper(kind, sender, to, list(span))

    def send(self, data: st.DataObject) -> None:
        """Send a draft, or give it up."""
        number = self._pick(data, self._papers("draft"))
        done = self.firm.send(number)
        assert done == self.model.send(number)
        self._count(f"send {self.model.papers[number].kind}", done)
        if not done:
            assert self.firm.cancel(number)
            self.model.papers[number].state = "cancelled"

    def arrive(self, data: st.DataObject) -> None:
        """Scan some of a consignment, some of it damaged, and perhaps say that this is all."""
        number, complete = self._pick(data, self._papers("sent")), self._pick(data, (1, 1, 0)) == 1
        there = st.sampled_from(self.model.papers[number].serials)
        good = data.draw(st.lists(there, min_size=1, unique=True))
        damaged = data.draw(st.lists(there, max_size=1))
        receipt = self.firm.arrive(number, good, damaged, complete=complete)
        outcomes = self.model.arrive(number, good, damaged, complete=complete)
        assert {name: cards for name, cards in outcomes.items() if cards} == {
            name: [s for item in ranges for s in item]
            for name, ranges in receipt.outcomes.items()
            if ranges
        }
        for name, cards in outcomes.items():
            self._count(name, bool(cards))
        claims = {claim: self.firm.claimed(claim) for claim in receipt.claims}
        expected = sorted(outcomes["damaged"] + outcomes["held"] + outcomes["short"])
        assert sorted(s for serials in claims.values() for s in serials) == expected
        self.model.claims |= {claim: (number, cards) for claim, cards in claims.items()}

    def answer_claim(self, data: st.DataObject) -> None:
        """Take claimed cards in after all, or make them void."""
        claim, found = self._pick(data, sorted(self.model.claims)), self._pick(data, (True, False))
        done = self.firm.answer_claim(claim, found=found)
        assert done == self.model.answer_claim(claim, found=found)
        self._count("claim received" if found else "claim void", done)

    def count(self, data: st.DataObject) -> None:
        """Count a shelf: what was found against what the books have there."""
        at = self._pick(data, OWING)
        found = self._span(data, lambda card: card.holder == at)
        booked = {s for s, c in self.model.cards.items() if (c.stage, c.holder) == ("stocked", at)}
        missing, unexpected = self.firm.count(at, found)
        assert (missing, unexpected) == (booked - set(found), set(found) - booked)
        self._count("count", True)

    def close_month(self, _data: st.DataObject) -> None:
        """Close the month of those who owe; it never changes again."""
        month = self.firm.next_month()
        for at in sorted(self.model.contracts):
            closed = self.firm.close_month(at, month)
            assert sums_of(closed) == self.model.statement(at)
            self.closed[at, month] = closed
        self.model.end_month()
        self._count("close_month", True)

    def remember(self, _data: st.DataObject) -> None:
        """Keep all reports as they are, and let the counters catch up."""
        as_of = latest_final(self.firm.clock.now)
        self.remembered.append((as_of, all_reports(self.firm, as_of)))
        roll_up(self.firm.db)
        self._count("remember", True)

    @invariant()
    def agrees(self) -> None:
        """Stock, books, balances and reports are what the model says."""
        self.firm.clock.advance(minutes=2)
        compare(self.firm, self.model)

    def teardown(self) -> None:
        """The past is reported as it was, closed months are as closed, every invariant holds."""
        try:
            for as_of, before in self.remembered:
                assert all_reports(self.firm, as_of) == before
            for (at, month), closed in self.closed.items():
                assert self.firm.statement(at, month) == closed
            assert {r.invariant.code: r.offences for r in verify(self.firm.db) if not r.holds} == {}
        finally:
            self.firm.stack.close()

    def _both(self, what: str, *given: Any) -> None:
        """Do it in the product and in the model: both do it, or both refuse."""
        expected = getattr(self.model, what)(*given)
        assert getattr(self.firm, what)(*given) == expected, (what, given)
        self._count(given[0] if what == "move" else what, expected)

    def _papers(self, state: str) -> list[str]:
        return [number for number, paper in self.model.papers.items() if paper.state == state]

    def _any(self, allowed: Allowed) -> bool:
        return any(allowed(card) for card in self.model.cards.values())

    def _count(self, what: str, done: bool) -> None:
        self.done[what if done else f"{what} refused"] += 1

    def _set_contract(self, at: str, terms: Terms) -> None:
        self.firm.contract(at, terms)
        self.model.contracts[at] = terms

    def _pick(self, data: st.DataObject, choices: Sequence[T]) -> T:
        """Draw one of them, all alike: hypothesis by itself would mostly draw the first."""
        self.drawn += 1
        mixed = f"{self.drawn} {data.draw(st.integers(0, 9999))}"
        return choices[crc32(mixed.encode()) % len(choices)]

    def _span(self, data: st.DataObject, allowed: Allowed) -> Sequence[int]:
        """Draw a range: mostly of cards beside each other that are allowed, sometimes any."""
        runs: list[list[int]] = []
        cards = self.model.cards
        for serial in sorted(cards):
            if not allowed(cards[serial]):
                continue
            before = cards[runs[-1][-1]] if runs and runs[-1][-1] == serial - 1 else None
            at = (cards[serial].holder, cards[serial].to)
            if before is not None and (before.holder, before.to) == at:
                runs[-1].append(serial)
            else:
                runs.append([serial])
        if not runs or self._pick(data, range(8)) == 7:
            runs = [[serial for serial in sorted(cards) if not cards[serial].electronic]]
        run = self._pick(data, runs)
        start = self._pick(data, range(len(run)))
        return run[start : start + self._pick(data, range(1, 6))]
