"""The trade as plain facts of cards and parties, by the simplest possible rules.

What the books say follows from where each card's value stands: nothing is posted here.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tests.distribution.model import PARENT, RULES
from tests.distribution.model import Card as PlainCard
from tests.distribution.trade import FACE_FEN

VALUE_ACCOUNTS = {
    "liability": "VOUCHER_LIABILITY",
    "clearing": "RETURNS_CLEARING",
    "suspense": "SUSPENSE",
    "account": "ELECTRICITY_ACCOUNT",
}


@dataclass(frozen=True)
class Price:
    """Who owes for a sold card, and what it earned with it."""

    party: str
    commission_fen: int


@dataclass(frozen=True)
class Card(PlainCard):
    """A card with what a whole business knows of it; `used` holds for replaced ones too."""

    price: Price | None = None
    electronic: bool = False
    replaced: bool = False
    account: str | None = None
    paper: str | None = None
    claimed: bool = False
    held_by_claim: bool = False


@dataclass(frozen=True)
class Terms:
    """A contract; each card of a month after the first `tier_after` earns `tier_fen` more."""

    sale_model: str
    limit_fen: int
    commission_fen: int
    tier_after: int
    tier_fen: int

    def earned(self, sold: int) -> int:
        """What the card after `sold` others earns."""
        return self.commission_fen + (self.tier_fen if sold >= self.tier_after else 0)


@dataclass
class Paper:
    """A consignment."""

    kind: str
    sender: str
    receiver: str
    serials: list[int]
    state: str = "draft"


@dataclass
class Business:
    """All cards by serial, contracts, payments, accounts. Methods tell whether it may be done."""

    cards: dict[int, Card] = field(default_factory=dict)
    contracts: dict[str, Terms] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)
    papers: dict[str, Paper] = field(default_factory=dict)
    claims: dict[str, tuple[str, list[int]]] = field(default_factory=dict)
    months: dict[str, Counter[str]] = field(default_factory=dict)

    def pay(self, party: str, amount_fen: int) -> bool:
        """Take a payment of a party that has a contract."""
        if party in self.contracts:
            self.paid[party] += amount_fen
            self.month(party)["payments_fen"] -= amount_fen
        return party in self.contracts

    def bounce(self, party: str, amount_fen: int) -> None:
        """Let a payment go back."""
        self.paid[party] -= amount_fen
        self.month(party)["bounced_fen"] += amount_fen

    def month(self, party: str) -> Counter[str]:
        """What a party's statement of this month adds up."""
        return self.months.setdefault(party, Counter())

    def statement(self, party: str) -> Counter[str]:
        """A party's statement of this month: what it owed, what changed that, what it owes."""
        found = Counter(self.month(party))
        found["closing_fen"] = found.total()
        return found

    def end_month(self) -> None:
        """Begin a new month with what is owed; cards sold before count for no tier of it."""
        self.months = {p: Counter(opening_fen=self.owed(p)) for p in self.contracts}
        self.sold.clear()

    def move(self, name: str, serials: Iterable[int], to: str = "", hold: str = "") -> bool:
        """Make a move by hand."""
        found = {serial: self.cards[serial] for serial in serials}
        if name in ("receive", "void") and any(card.paper for card in found.values()):
            return False
        return self._move(name, found, to, hold)

    def redeem(self, serial: int, account: str) -> bool:
        """Turn a card into money on an account."""
        done = self._move("redeem", {serial: self.cards[serial]})
        if done:
            self.cards[serial] = replace(self.cards[serial], account=account)
        return done

    def reverse(self, serial: int) -> bool:
        """Take a redemption back: the value waits in suspense, the card stays used."""
        card = self.cards[serial]
        if card.value == "account":
            self.cards[serial] = replace(card, value="suspense")
        return card.value == "account"

    def reissue(self, old: int, new: int) -> bool:
        """Hand out a card for a redemption that was taken back."""
        card = self.cards[old]
        reversed_ = card.account is not None and card.value == "suspense"
        return reversed_ and self._hand_out(old, new, replaced=False)

    def replace_lost(self, old: int, new: int) -> bool:
        """Hand out a card for one that is lost."""
        card = self.cards[old]
        lost = card.stage == "active" and not card.used and card.hold == "lost"
        return lost and self._hand_out(old, new, replaced=True)

    def sell_electronic(self, serial: int, outlet: str) -> None:
        """Let an outlet sell a card that was made just now."""
        self.cards[serial] = Card(holder=outlet, electronic=True)
        assert self._move("activate", {serial: self.cards[serial]}, trusted=True)

    def may_sell_electronic(self, outlet: str) -> bool:
        """Tell whether the contract lets one more electronic card be sold."""
        return self._prices(outlet, 1, electronic=True) is not None

    def send(self, number: str) -> bool:
        """Send a draft: all of its cards go, or none; used ones of a return stay."""
        paper = self.papers[number]
        found = {serial: self.cards[serial] for serial in paper.serials}
        if {card.holder for card in found.values()} != {paper.sender}:
            return False
        name = "return" if paper.kind == "return" else "dispatch"
        if not self._move(name, found, paper.receiver):
            return False
        paper.serials = [serial for serial in paper.serials if not self._left_out(paper, serial)]
        paper.state = "sent"
        for serial in paper.serials:
            self.cards[serial] = replace(self.cards[serial], paper=number, claimed=False)
        return True

    def arrive(
        self, number: str, scanned: Iterable[int], damaged: Iterable[int], *, complete: bool
    ) -> dict[str, list[int]]:
        """Sort what was scanned of a sent consignment, and take in what arrived in order."""
        scans, broken = set(scanned), set(damaged)
        there = [s for s in self.papers[number].serials if s in scans | broken]
        on_the_way = self.on_the_way(number)
        open_now = [serial for serial in on_the_way if not self.cards[serial].claimed]
        now = [serial for serial in there if serial in open_now]
        held = [serial for serial in now if self.cards[serial].hold]
        unfit = [serial for serial in now if serial in broken and serial not in held]
        outcomes = {
            "received": [s for s in now if s not in held and s not in unfit],
            "damaged": unfit,
            "held": held,
            "short": [s for s in open_now if s not in now] if complete else [],
            "repeated": [s for s in there if s not in on_the_way],
            "claimed": [s for s in there if s in on_the_way and self.cards[s].claimed],
        }
        for serial in unfit:
            card = self.cards[serial]
            self.cards[serial] = replace(card, hold="damaged", held_by_claim=True)
        for serial in (*unfit, *held, *outcomes["short"]):
            self.cards[serial] = replace(self.cards[serial], claimed=True)
        self._end("receive", number, outcomes["received"])
        return outcomes

    def answer_claim(self, claim: str, *, found: bool) -> bool:
        """Take the cards of a claim in after all, or make them void."""
        number, serials = self.claims[claim]
        if any(self.cards[serial].paper != number for serial in serials):
            return False
        if found:
            cards = [self.cards[serial] for serial in serials]
            if any(card.hold and not card.held_by_claim for card in cards):
                return False
            for serial in serials:
                self.cards[serial] = replace(self.cards[serial], hold=None)
        self._end("receive" if found else "void", number, serials)
        del self.claims[claim]
        return True

    def on_the_way(self, number: str) -> list[int]:
        """The cards that a consignment still has on the way."""
        return [s for s in self.papers[number].serials if self.cards[s].paper == number]

    def free(self, party: str) -> list[int]:
        """The cards that a party could set apart for an order."""
        drafts = [p for p in self.papers.values() if p.state == "draft" and p.sender == party]
        taken = {serial for paper in drafts for serial in paper.serials}
        return [
            serial
            for serial, card in self.cards.items()
            if (card.stage, card.holder, card.hold) == ("stocked", party, None)
            and serial not in taken
        ]

    def owed(self, party: str) -> int:
        """What a party owes: for every card whose value still stands somewhere, less payments."""
        prices = [card.price for card in self.cards.values() if card.price is not None]
        cards = sum(FACE_FEN - price.commission_fen for price in prices if price.party == party)
        return cards - self.paid[party]

    def books(self) -> dict[str, int]:
        """Debit less credit of each account of the chart that is not 0."""
        values = Counter(card.value for card in self.cards.values() if card.value)
        prices = [card.price for card in self.cards.values() if card.price is not None]
        found = {VALUE_ACCOUNTS[value]: -count * FACE_FEN for value, count in values.items()}
        found["BANK"] = sum(self.paid.values())
        found["COMMISSION_EXPENSE"] = sum(price.commission_fen for price in prices)
        found["DISTRIBUTOR_RECEIVABLE"] = sum(self.owed(party) for party in PARENT)
        return {name: fen for name, fen in found.items() if fen}

    def balance(self, account: str) -> int:
        """What stands on an electricity account, in fen."""
        there = [c for c in self.cards.values() if c.account == account and c.value == "account"]
        return len(there) * FACE_FEN

    def owing(self, party: str) -> str | None:
        """The nearest party at or above with a contract."""
        at: str | None = party
        while at is not None and at not in self.contracts:
            at = PARENT.get(at)
        return at

    def _move(
        self,
        name: str,
        found: dict[int, Card],
        to: str = "",
        hold: str = "",
        *,
        trusted: bool = False,
    ) -> bool:
        electronic = any(card.electronic for card in found.values()) and not trusted
        if electronic and name not in ("deactivate", "hold", "release", "void", "redeem"):
            return False
        new = RULES[name](list(found.values()), to)
        if new is None:
            return False
        after = {s: self._priced(card) for s, card in zip(found, map(_of, new), strict=True)}
        if name == "hold":
            after = {s: replace(c, hold=hold, held_by_claim=False) for s, c in after.items()}
        check = CHECKS.get(name)
        if check is not None and not check(self, found, after):
            return False
        for serial, card in after.items():
            self._write(serial, card)
        return True

    def _write(self, serial: int, card: Card) -> None:
        """Keep a card as it is now; a price that came is a sale, and one that went a return."""
        before = self.cards[serial].price
        for price, sign, names in (
            (card.price if before is None else None, 1, ("activations_fen", "commission_fen")),
            (before if card.price is None else None, -1, ("returns_fen", "clawback_fen")),
        ):
            if price is not None:
                self.month(price.party)[names[0]] += sign * FACE_FEN
                self.month(price.party)[names[1]] -= sign * price.commission_fen
        self.cards[serial] = card

    def _priced(self, card: Card) -> Card:
        """A card without a value is owed for by nobody; a de-activated electronic one is dead."""
        if card.electronic and card.stage == "stocked" and card.value is None:
            card = replace(card, stage="void")
        return card if card.value else replace(card, price=None)

    def _prices(self, holder: str, count: int, *, electronic: bool) -> list[Price] | None:
        """What each of the next cards is sold at, None where the contract does not allow them."""
        party = self.owing(holder)
        if party is None:
            return None
        terms, sold = self.contracts[party], max(self.sold[party], 0)
        prices = [Price(party, terms.earned(sold + place)) for place in range(count)]
        owed = self.owed(party) + sum(FACE_FEN - price.commission_fen for price in prices)
        limit = {"prepaid": 0, "credit": terms.limit_fen}.get(terms.sale_model)
        if electronic and terms.sale_model == "consignment":
            limit = terms.limit_fen
        return prices if limit is None or owed <= limit else None

    def _sell(self, before: dict[int, Card], after: dict[int, Card]) -> bool:
        card = next(iter(before.values()))
        prices = self._prices(card.holder, len(before), electronic=card.electronic)
        if prices is None:
            return False
        for serial, price in zip(sorted(after), prices, strict=True):
            after[serial] = replace(after[serial], price=price)
            self.sold[price.party] += 1
        return True

    def _take_back(self, before: dict[int, Card], after: dict[int, Card]) -> bool:
        for serial, card in before.items():
            if card.price is not None and after[serial].stage != card.stage:
                self.sold[card.price.party] -= 1
        return True

    def _within_stock_limit(self, before: dict[int, Card], after: dict[int, Card]) -> bool:
        sender = self.owing(next(iter(before.values())).holder)
        party = self.owing(next(iter(after.values())).to or "")
        terms = self.contracts.get(party or "")
        if terms is None or terms.sale_model != "consignment" or party == sender:
            return True
        cards = [c for c in (self.cards | after).values() if c.stage in ("stocked", "in_transit")]
        held = sum(1 for c in cards if party in (self.owing(c.holder), self.owing(c.to or "")))
        return held * FACE_FEN <= terms.limit_fen

    def _hand_out(self, old: int, new: int, *, replaced: bool) -> bool:
        card, fresh = self.cards[old], self.cards[new]
        if fresh.stage != "stocked" or fresh.hold or old == new:
            return False
        self.cards[new] = replace(fresh, stage="active", value="liability", price=card.price)
        self.cards[old] = replace(card, used=True, value=None, price=None, replaced=replaced)
        return True

    def _left_out(self, paper: Paper, serial: int) -> bool:
        return paper.kind == "return" and self.cards[serial].used

    def _end(self, name: str, number: str, serials: Iterable[int]) -> None:
        for serial in serials:
            [new] = RULES[name]([self.cards[serial]], "") or []
            self._write(serial, replace(self._priced(_of(new)), paper=None, claimed=False))
        if not self.on_the_way(number):
            self.papers[number].state = "closed"


def _of(card: PlainCard) -> Card:
    assert isinstance(card, Card)
    return card


Check = Callable[[Business, dict[int, Card], dict[int, Card]], bool]
CHECKS: dict[str, Check] = {
    "activate": Business._sell,
    "deactivate": Business._take_back,
    "return": Business._take_back,
    "dispatch": Business._within_stock_limit,
}
