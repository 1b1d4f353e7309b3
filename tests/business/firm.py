"""The same trade carried out by the product: every method tells whether it was done or refused."""

import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from accounts.importing import import_accounts
from api.actions import ACTIONS
from core.db import Database
from core.errors import DomainError
from core.keyfile import Keys
from distribution import claim_answers
from distribution.commissions import Rate
from distribution.consignments import Consignment, allocate_order, cancel_consignment
from distribution.contracts import set_contract
from distribution.moves import PendingApproval
from distribution.payments import reverse_payment
from distribution.receipts import GoodsReceipt
from distribution.settlements import Statement, close_period, read_statement
from distribution.stock_counts import record_count
from redemption.reissue import request_reissue
from redemption.requests import Code
from redemption.reversal import request_reversal
from staff import approvals
from tests.audit.world import open_world
from tests.business.model import Terms
from tests.clocks import FakeClock
from tests.distribution.counter import Desk, Shop
from tests.distribution.papers import Papers, new_reference, span
from tests.distribution.trade import FACE_FEN
from vouchers.pins import Pin
from vouchers.replacement import request_replacement
from vouchers.serials import parse_serial, serial_text

ACCOUNTS = ("4200000017", "4200000018")
_CSV = "account_number,holder_name,class,phone,region\n" + "".join(
    f"{number},孙小红,residential,,4201\n" for number in ACCOUNTS
)
WHO = {"activate": "agent", "deactivate": "agent", "hold": "issuer", "release": "issuer"}
WHO |= {"void": "issuer"}
_phones = count(10_000_000)


class Firm:
    """A company with some cards, its parties, a till and two electricity accounts."""

    def __init__(self, db: Database, keys: Keys, clock: FakeClock, cards: int) -> None:
        """Open it, all cards in the warehouse."""
        self.stack = ExitStack()
        self.world = self.stack.enter_context(open_world(db, keys, clock))
        self.db, self.clock, self.trade = db, clock, self.world.trade
        self.papers = Papers(self.trade)
        import_accounts(db, io.BytesIO(_CSV.encode()))
        self.opening = self.trade.books()
        printed = self.world.house.cards(cards)
        self.pins: dict[int, Pin] = {card.serial: card.pin for card in printed}
        self.receipts: dict[int, str] = {}
        self.world.move("keeper", "take_into_stock", printed)
        shop = Shop(self.trade, keys)
        shop.electronic()
        self.desk: Desk = shop.desk()

    def move(self, name: str, serials: Sequence[int], to: str = "", hold: str = "") -> bool:
        """Make a move by hand, with a second person where it needs one."""
        more: dict[str, Any] = {"to": self.trade.code(to)} if name == "dispatch" else {}
        if name in ("hold", "release", "void"):
            more["reason"] = "trial"
        if name == "hold":
            more["hold"] = hold
        who = WHO.get(name, "keeper")
        return tried(
            lambda: self._agreed(self.trade.ask(who, name, serials[0], serials[-1], **more))
        )

    def contract(self, at: str, terms: Terms) -> None:
        """Give a party other terms."""
        with self.db.write() as session:
            tiers = ((0, 0), (terms.tier_after, terms.tier_fen))
            rates = [
                Rate(
                    face_fen=FACE_FEN,
                    effective_from=session.today,
                    after_cards=after,
                    commission_fen=terms.commission_fen + more_fen,
                )
                for after, more_fen in tiers
            ]
            finance, code = self.trade.people["finance"], self.trade.code(at)
            set_contract(session, finance, code, terms.sale_model, terms.limit_fen, rates=rates)

    def pay(self, at: str, amount_fen: int, reference: str) -> bool:
        """Record a payment."""
        return tried(lambda: self.trade.pay(at, amount_fen, reference))

    def bounce(self, reference: str) -> bool:
        """Take a payment back."""
        finance = self.trade.people["finance"]
        return tried(lambda: reverse_payment(self.db, finance, reference, "no funds"))

    def redeem(self, serial: int, account: str) -> bool:
        """Redeem by text message, each from a telephone of its own."""
        answer = self.world.redeem(self.pins[serial], account, f"+86139{next(_phones)}")
        if answer.code is Code.REDEEMED:
            self.receipts[serial] = str(answer.receipt_number)
        return answer.code is Code.REDEEMED

    def reverse(self, serial: int) -> bool:
        """Take a redemption back."""
        number = self.receipts.get(serial, "0" * 14)
        service = self.trade.people["service"]
        return tried(lambda: self._agree(request_reversal(self.db, service, number, "wrong")))

    def reissue(self, old: int, new: int) -> bool:
        """Hand out a card for a redemption that was taken back."""
        return self._hand_out(
            lambda service: request_reissue(self.db, service, *_two(old, new), "r")
        )

    def replace_lost(self, old: int, new: int) -> bool:
        """Hand out a card for a lost one."""
        return self._hand_out(
            lambda service: request_replacement(self.db, service, *_two(old, new), "lost", "told")
        )

    def sell(self, serial: int) -> bool:
        """Sell a card of plastic at the till."""
        return tried(lambda: self.desk.sell(serial=serial_text(serial)))

    def sell_electronic(self) -> int | None:
        """Sell an electronic card at the till; return its serial."""
        try:
            opened = self.desk.read(self.desk.sell_electronic())
        except DomainError:
            return None
        serial = parse_serial(opened.serial_number)
        self.pins[serial] = opened.pin
        return serial

    def order(self, buyer: str, cards: int) -> Consignment | None:
        """Order, approve and allocate; None where the supplier has too few free cards."""
        number = self.papers.ordered(cards, buyer, "keeper")
        try:
            return allocate_order(self.db, self.trade.people["keeper"], number)
        except DomainError:
            return None

    def draw_up(
        self, kind: str, serials: Sequence[int], sender: str, to: str
    ) -> Consignment | None:
        """Set a range apart."""
        more = {"sender_code": self.trade.code(sender), "receiver_code": self.trade.code(to)}
        try:
            return self.papers.drawn_up("keeper", kind, serials[0], serials[-1], **more)
        except DomainError:
            return None

    def send(self, number: str) -> bool:
        """Send a draft."""
        return tried(lambda: self.papers.send("keeper", number))

    def cancel(self, number: str) -> bool:
        """Give up a draft."""
        keeper = self.trade.people["keeper"]
        return tried(lambda: cancel_consignment(self.db, keeper, number, "not now"))

    def arrive(
        self, number: str, good: Iterable[int], damaged: Iterable[int], *, complete: bool
    ) -> GoodsReceipt:
        """Receive what was scanned, card by card."""
        scans = [[span(s, s) for s in part] for part in (good, damaged)]
        return self.papers.receive("keeper", number, *scans, complete=complete)

    def claimed(self, claim: str) -> list[int]:
        """The cards of a claim."""
        [cards] = [item.cards for item in self.papers.claims() if item.number == claim]
        return list(cards)

    def answer_claim(self, claim: str, *, found: bool) -> bool:
        """Take the cards of a claim in after all, or make them void by two persons."""
        people = self.trade.people
        if found:
            work = claim_answers.answer_received
            return tried(lambda: work(self.db, people["keeper"], claim, "in the van"))
        void = claim_answers.request_void

        def by_two() -> None:
            asked = void(self.db, people["finance2"], claim, "never found", "PROVINCE")
            self._agree(asked.approval_id)

        return tried(by_two)

    def count(self, at: str, found: Sequence[int]) -> tuple[set[int], set[int]]:
        """Count a shelf; return the cards that are missing and those that are unexpected."""
        seen, keeper = [span(found[0], found[-1])], self.trade.people["keeper"]
        sheet = record_count(self.db, keeper, self.trade.code(at), seen, new_reference())
        cards: dict[str, set[int]] = {"missing": set(), "unexpected": set()}
        for item in sheet.differences:
            cards[item.kind] |= set(range(item.first_serial, item.last_serial + 1))
        return cards["missing"], cards["unexpected"]

    def next_month(self) -> date:
        """Let the month end; return it."""
        with self.db.read() as session:
            month = session.today.replace(day=1)
            following = (month + timedelta(days=31)).replace(day=1)
            self.clock.now = datetime.combine(following, time(0, 2), session.zone).astimezone(UTC)
        return month

    def close_month(self, at: str, month: date) -> Statement:
        """Close a party's month."""
        return close_period(self.db, self.trade.people["finance"], self.trade.code(at), month)

    def statement(self, at: str, month: date | None = None) -> Statement:
        """A party's statement, by default of the month that is not over."""
        with self.db.read() as session:
            wanted = month or session.today.replace(day=1)
            finance, code = self.trade.people["finance"], self.trade.code(at)
            return read_statement(session, finance, code, wanted)

    def _hand_out(self, ask: Callable[[Any], int]) -> bool:
        return tried(lambda: self._agree(ask(self.trade.people["service"])))

    def _agreed(self, done: object) -> None:
        if isinstance(done, PendingApproval):
            self._agree(done.approval_id)

    def _agree(self, approval_id: int) -> None:
        approvals.agree(self.db, self.trade.people["finance"], approval_id, ACTIONS)


def tried(work: Callable[[], object]) -> bool:
    """Do it; False where the product refuses."""
    try:
        work()
    except DomainError:
        return False
    return True


def _two(old: int, new: int) -> tuple[str, str]:
    return serial_text(old), serial_text(new)
