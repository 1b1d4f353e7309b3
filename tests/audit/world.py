"""A small world made by the product's own use cases: every kind of row that an audit looks at."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count

import pytest

from accounts import ledger
from accounts.bills import seed_rates, send_to_bank
from accounts.importing import import_accounts, import_bills
from accounts.ledger import Entry, LedgerCode, Posting
from accounts.tables import bill
from api.actions import ACTIONS as EVERY_ACTION
from audit.counters import roll_up
from core.db import Database
from core.keyfile import Keys
from distribution.differences import answer_difference
from distribution.moves import PendingApproval
from distribution.payments import reverse_payment
from distribution.sealed_pins import clear_expired
from distribution.settlements import close_period
from distribution.stock_counts import record_count
from redemption.counter import request_proven_redemption
from redemption.engine import Redeemer
from redemption.reissue import request_reissue
from redemption.requests import Answer, Code, RedeemRequest, caller_of_partner, caller_of_phone
from redemption.reversal import request_reversal
from redemption.unlock import unlock_caller
from staff import approvals
from tests.audit.paper_chapter import paper_chapter
from tests.clocks import FakeClock
from tests.distribution.counter import Shop
from tests.distribution.trade import Trade, open_trade
from tests.vouchers.making import House, open_house
from vouchers.actions import ACTIONS
from vouchers.card_proof import prove_card
from vouchers.generation import GenerationFailed, generate
from vouchers.lookup import ArgonPool
from vouchers.pin_list import Pins
from vouchers.pins import Pin, draw
from vouchers.print_file import PrintedCard
from vouchers.readable import Readable
from vouchers.replacement import request_replacement
from vouchers.serials import parse_serial, serial_text
from vouchers.tables import voucher_hold

ACCOUNTS = """account_number,holder_name,class,phone,region
4200000001,王小明,residential,,4201
4200000002,李工厂,other,,4201
4200000003,赵大,residential,,4201
4200000004,钱二,residential,,4201
"""
BILLS = """account_number,bill_number,period,principal,due_on
4200000001,B1,2025-03,32.10,2025-03-25
4200000001,B2,2025-04,90.00,2025-04-25
4200000002,B3,2025-02,1000.00,2025-02-20
4200000003,B4,2025-05,10.00,2025-05-25
4200000004,B5,2025-05,7.00,2025-05-25
"""


@dataclass
class World:
    """The people and parties, the cards of the big batch, and ways to go on from there."""

    house: House
    trade: Trade
    clock: FakeClock
    redeemer: Redeemer
    cards: Sequence[PrintedCard] = ()
    hybrid: Sequence[PrintedCard] = ()
    keys_used: Iterator[int] = field(default_factory=count)

    @property
    def db(self) -> Database:
        """The database all of it lies in."""
        return self.house.db

    def redeem(self, pin: Pin | None, account: str, phone: str = "+8613800000001") -> Answer:
        """Redeem as a text message would; the clock moves on first."""
        self.clock.advance(minutes=5)
        request = RedeemRequest(
            channel="sms",
            sender="gateway",
            key=f"key-{next(self.keys_used)}",
            caller=caller_of_phone(phone),
            account_number=account,
            pin=pin,
            notify=phone,
        )
        return self.redeemer.redeem([request])[0].answer

    def move(self, who: str, move: str, cards: Sequence[PrintedCard], **more: object) -> None:
        """Move a run of cards, with a second person where one is needed; the clock moves on."""
        self.clock.advance(minutes=5)
        trade = self.trade
        done = trade.ask(who, move, cards[0].serial, cards[-1].serial, **more)
        if isinstance(done, PendingApproval):
            trade.agree(done.approval_id)


@contextmanager
def open_world(db: Database, keys: Keys, clock: FakeClock) -> Iterator[World]:
    """Open a database with people, parties, a contract, accounts and bills, and no card yet."""
    house, trade = open_house(db, keys), open_trade(db)
    with db.write() as session:
        seed_rates(session)
    import_accounts(db, io.BytesIO(ACCOUNTS.encode()))
    import_bills(db, io.BytesIO(BILLS.encode()))
    trade.contract("outlet", "credit", limit_fen=10_000_000, commission_fen=150)
    with closing(ArgonPool(db.settings)) as argon:
        yield World(house, trade, clock, Redeemer(db, keys, argon))


@contextmanager
def whole_world(db: Database, keys: Keys, clock: FakeClock) -> Iterator[World]:
    """Open a database in which everything has happened once, and all of it properly."""
    with open_world(db, keys, clock) as world:
        for chapter in CHAPTERS:
            clock.advance(minutes=30)
            chapter(world)
        yield world


def hand_down(
    world: World,
    to_province: Sequence[PrintedCard],
    to_city: Sequence[PrintedCard],
    to_outlet: Sequence[PrintedCard],
) -> None:
    """Send cards from the warehouse to the outlet; at each stop the last few are not received."""
    for cards, party in ((to_province, "PROVINCE"), (to_city, "CITY"), (to_outlet, "OUTLET")):
        world.move("keeper", "dispatch", cards, to=party)
        world.move("keeper", "receive", cards[: max(len(cards) - 5, 3)])


def _past_months(world: World) -> None:
    """Two months ago an outlet paid, one payment bounced; both months since are closed."""
    trade, clock = world.trade, world.clock
    finance, now = trade.people["finance"], clock.now
    clock.now = datetime(2025, 4, 20, 4, tzinfo=UTC)
    trade.contract("outlet2", "prepaid")
    trade.pay("outlet2", 9_000, "PAST-1")
    trade.pay("outlet2", 4_000, "PAST-2")
    reverse_payment(world.db, finance, "PAST-2", "no funds")
    clock.now = datetime(2025, 5, 2, 4, tzinfo=UTC)
    close_period(world.db, finance, "OUTLET2", date(2025, 4, 1))
    trade.adjust("outlet2", "charge", 500, "MEMO-1", concerns_on=date(2025, 4, 1))
    clock.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    close_period(world.db, finance, "OUTLET2", date(2025, 5, 1))
    clock.now = now


def _printing(world: World) -> None:
    house = world.house
    world.cards = house.cards(60)
    world.hybrid = house.cards(3, 20_000)
    house.generated(5)
    house.approved(5)
    house.order(5)
    refused = house.order(5)
    approvals.refuse(world.db, house.agrees, refused.approval_id, "too many", ACTIONS)
    with pytest.raises(GenerationFailed):
        generate(
            house.db, house.keys, house.asks, house.approved(5), house.warehouse_id, draw=_broken
        )


def _broken(_count: int) -> Pins:
    raise OSError("no more random numbers")


def _selling(world: World) -> None:
    """Sixty cards travel, and some stay behind at each stop; the outlet sells the first of them."""
    cards, move = world.cards, world.move
    move("keeper", "take_into_stock", cards, spoilt=(_text(cards[58]), _text(cards[59])))
    hand_down(world, cards[:50], cards[:45], cards[:35])
    move("seller", "activate", cards[:25])
    move("seller", "dispatch", cards[28:30], to="OUTLET2")
    move("seller2", "receive", cards[28:30])
    move("keeper", "hold", cards[50:52], hold="suspended", reason="counted twice")
    move("keeper", "release", cards[51:52], reason="found")
    move("keeper", "take_into_stock", world.hybrid)
    hand_down(world, world.hybrid, world.hybrid, world.hybrid)
    move("seller", "activate", world.hybrid[:2])


def _redeeming(world: World) -> None:
    assert world.redeem(world.cards[18].pin, "4200000001").code is Code.REDEEMED
    world.clock.advance(minutes=5)
    roll_up(world.db)  # so counters hold one redemption, and all others are the live tail
    accounts = {0: 1, 1: 2, 2: 3, 8: 3, 11: 2}
    for card, account in accounts.items():
        answer = world.redeem(world.cards[card].pin, f"420000000{account}")
        assert answer.code is Code.REDEEMED
    assert world.redeem(world.hybrid[0].pin, "4200000001").code is Code.REDEEMED
    assert world.redeem(world.cards[0].pin, "4200000001").code is Code.VOUCHER_USED
    with world.db.write() as session:
        waiting = session.execute(bill.select().where(bill.c.account_number == "4200000002")).one()
        send_to_bank(session, [waiting.id])


def _returning(world: World) -> None:
    cards, move = world.cards, world.move
    move("seller", "deactivate", cards[5:7])
    move("seller", "activate", cards[5:6])
    assert world.redeem(cards[5].pin, "4200000003").code is Code.REDEEMED
    move("seller", "return", cards[7:10])  # 8 is used and stays
    move("agent", "receive", cards[7:8])
    move("seller", "return", cards[25:26])
    move("issuer", "void", cards[10:14], reason="misprint")  # 11 is used
    move("seller", "return", cards[14:15])
    move("issuer", "void", cards[14:15], reason="torn on the way")
    move("issuer", "void", cards[26:27], reason="torn")
    move("service", "hold", cards[15:17], hold="stolen", reason="burglary")
    with world.db.write() as session:
        row = {"serial": cards[17].serial, "hold": "lost", "reason": "mailed", "at": session.now}
        session.execute(voucher_hold.insert(), row)


def _wrong_pins(world: World) -> None:
    first, second, third, fourth = (f"+861380000010{n}" for n in (1, 2, 3, 4))
    for _ in range(5):
        assert world.redeem(draw(), "4200000001", first).code is Code.PIN_UNKNOWN
    assert world.redeem(draw(), "4200000001", first).code is Code.CALLER_LOCKED
    world.clock.advance(days=1)
    assert world.redeem(draw(), "4200000001", first).code is Code.PIN_UNKNOWN
    assert world.redeem(world.cards[27].pin, "4200000001", second).code is Code.PIN_UNKNOWN
    assert world.redeem(None, "4200000001", second).code is Code.PIN_MALFORMED
    assert world.redeem(world.cards[19].pin, "4200000001", second).code is Code.REDEEMED
    for _ in range(5):
        assert world.redeem(draw(), "4200000001", fourth).code is Code.PIN_UNKNOWN
    with world.db.write() as session:
        service = world.trade.people["service"]
        unlock_caller(session, service, f"tel:{fourth}", "identity checked")
    for caller in (third, third, third, third, third, fourth):
        assert world.redeem(draw(), "4200000001", caller).code is Code.PIN_UNKNOWN
    partner = RedeemRequest(
        channel="api",
        sender="bank",
        key="1",
        caller=caller_of_partner("bank", None),
        account_number="4200000001",
        pin=draw(),
    )
    assert world.redeemer.redeem([partner])[0].answer.code is Code.PIN_UNKNOWN


def _books(world: World) -> None:
    """A distributor pays, another payment bounces, and a wrong entry is mended by its mirror."""
    trade = world.trade
    trade.pay("outlet", 20_000, "BANK-OF-1")
    trade.pay("outlet", 5_000, "BANK-OF-2")
    reverse_payment(world.db, trade.people["finance"], "BANK-OF-2", "no funds")
    far = trade.party_ids["far"]
    with world.db.write() as session:
        carried = Posting(LedgerCode.BANK, LedgerCode.DISTRIBUTOR_RECEIVABLE, 300, party_id=far)
        wrong = Posting(LedgerCode.BANK, LedgerCode.SUSPENSE, 700)
        entries = [
            Entry(session.new_id(), "opening", "carried over", (carried,)),
            Entry(session.new_id(), "correction", "bank 2", (wrong,)),
        ]
        ledger.post(session, entries, session.zone)
        ledger.reverse(session, entries[1].id, "bank 2 again", session.zone)


def _care(world: World) -> None:
    """A lost card is replaced, a redemption reversed and a card issued for it, a card proven."""
    cards, db, people = world.cards, world.db, world.trade.people
    world.move("service", "hold", cards[20:21], hold="lost", reason="told by phone")
    service, told = people["service"], "customer at the counter"
    replaced = request_replacement(db, service, _text(cards[20]), _text(cards[54]), "lost", told)
    receipt = world.redeem(cards[21].pin, "4200000004").receipt_number
    reversed_ = request_reversal(db, service, str(receipt), told)
    for asked in (replaced, reversed_):
        world.clock.advance(minutes=5)
        approvals.agree(db, people["finance"], asked, EVERY_ACTION)
    reissued = request_reissue(db, service, _text(cards[21]), _text(cards[55]), told)
    readable = Readable("?" + cards[22].pin.digits[1:])
    argon = world.redeemer.argon
    prove_card(db, world.house.keys, argon, service, _text(cards[22]), readable)
    proven = request_proven_redemption(db, service, _text(cards[22]), "4200000003", told)
    for asked in (reissued, proven):
        world.clock.advance(minutes=5)
        approvals.agree(db, people["finance"], asked, EVERY_ACTION)


def _tills(world: World) -> None:
    """A till sells a card of plastic, and electronic ones whose PINs end in every way."""
    shop, move = Shop(world.trade, world.house.keys), world.move
    plastic = world.house.cards(3)
    move("keeper", "take_into_stock", plastic)
    hand_down(world, plastic, plastic, plastic)
    shop.electronic(10)
    desk = shop.desk()
    desk.sell(serial=_text(plastic[0]))
    expired = desk.sell_electronic()
    desk.read(expired)
    world.clock.advance(hours=24)
    clear_expired(world.db)
    confirmed, withdrawn, waiting = (desk.sell_electronic() for _ in range(3))
    opened = desk.read(confirmed)
    desk.confirm(confirmed)
    assert world.redeem(opened.pin, "4200000001").code is Code.REDEEMED
    desk.read(waiting)
    serial = parse_serial(desk.read(withdrawn).serial_number)
    world.trade.move_by_two("seller", "deactivate", serial, serial)


def _counting(world: World) -> None:
    """Of what a shop lacks some is held as lost and some found again; a strange card stays open."""
    trade, cards, clock = world.trade, world.cards, world.clock
    keeper = trade.people["keeper"]
    june = record_count(world.db, keeper, "OUTLET2", [_text(cards[28])], "june")
    lost, found, *_ = june.differences
    clock.advance(minutes=5)
    gone = trade.move(
        "service", "hold", lost.first_serial, lost.last_serial, hold="lost", reason="counted"
    )
    clock.advance(minutes=5)
    answer_difference(world.db, keeper, lost.id, "held as lost", gone.movement_ids)
    clock.advance(minutes=5)
    scans = [f"{serial_text(d.first_serial)}-{serial_text(d.last_serial)}" for d in (found, lost)]
    strange = _text(cards[53])
    july = record_count(world.db, keeper, "OUTLET2", [*scans, strange], "july")
    answer_difference(world.db, keeper, found.id, "behind the shelf", recount_id=july.id)


CHAPTERS = (
    *(_past_months, _printing, _selling, _redeeming, _returning, _tills, _wrong_pins, _books),
    *(_care, paper_chapter, _counting),
)


def _text(card: PrintedCard) -> str:
    return serial_text(card.serial)
