"""Cards are redeemed while their lots are cut, merged, held, taken back and made void."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import pytest
from sqlalchemy import func, select

from accounts.bills import seed_rates
from accounts.ledger import LedgerCode
from accounts.tables import posting
from core.db import Database
from core.errors import DomainError
from core.keyfile import Keys
from distribution.moves import PendingApproval
from redemption.engine import Redeemer
from redemption.requests import Answer, Code, caller_of_partner
from redemption.tables import redemption
from tests.distribution.trade import Trade, open_trade
from tests.factories import make_electricity_account
from tests.redemption.cards import Card, make_cards, redeem
from vouchers.lookup import ArgonPool
from vouchers.serials import SerialRange, batch_of, serial_text
from vouchers.tables import lot, stock_movement

CARDS = 1_000
PARTNER = caller_of_partner("shop", None)


@dataclass
class Sale:
    """1,000 active cards at an outlet, and the people who can move them."""

    trade: Trade
    keys: Keys
    cards: list[Card]
    account: str
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def db(self) -> Database:
        return self.trade.db

    @property
    def first(self) -> int:
        return self.cards[0].serial

    def move(self, who: str, move: str, cards: SerialRange, **more: str) -> bool:
        """Move a range, by two persons where it needs them; tell whether it was done."""
        try:
            done = self.trade.ask(who, move, cards.first, cards.last, **more)
            if isinstance(done, PendingApproval):
                self.trade.agree(done.approval_id)
        except DomainError as error:
            self.refused[error.code] += 1
            return False
        return True


@pytest.fixture
def sale(db: Database, keys: Keys) -> Sale:
    trade = open_trade(db)
    with db.write() as session:
        seed_rates(session)
        account = make_electricity_account(session)
        cards = make_cards(
            session, keys.get(), CARDS, stage="stocked", holder_id=trade.party_ids["outlet"]
        )
    trade.contract("city", "credit", limit_fen=10**9, commission_fen=100)
    trade.move("seller", "activate", cards[0].serial, cards[-1].serial)
    return Sale(trade, keys, cards, account)


def redeem_all(
    sale: Sale, cards: Sequence[Card], stop: Event, until: set[Code]
) -> dict[int, Answer]:
    """Redeem the cards in lists of 20, asking again until each has an answer of `until`."""
    own = Database(sale.db.settings, sale.db.clock)
    argon = ArgonPool(own.settings)
    engine = Redeemer(own, sale.keys, argon)
    answers: dict[int, Answer] = {}
    waiting = list(cards)
    try:
        while waiting:
            some, waiting = waiting[:20], waiting[20:]
            asked = [redeem(card, sale.account, caller=PARTNER) for card in some]
            for card, outcome in zip(some, engine.redeem(asked), strict=True):
                answers[card.serial] = outcome.answer
                if outcome.answer.code not in until:
                    waiting.append(card)
    finally:
        stop.set()
        argon.close()
        own.dispose()
    return answers


def random_range(sale: Sale, dice: random.Random, longest: int) -> SerialRange:
    first = sale.first + dice.randrange(CARDS - longest)
    return SerialRange(first, first + dice.randrange(longest))


def test_no_card_is_unknown_because_its_lot_was_cut_merged_or_held(sale: Sale) -> None:
    stop = Event()
    dice = random.Random(1)  # noqa: S311 - an order, no secret

    def hold_and_release() -> int:
        done = 0
        while not stop.is_set():
            cards = random_range(sale, dice, 50)
            held = sale.move("service", "hold", cards, reason="race", hold="suspended")
            done += held and sale.move("service", "release", cards, reason="race")
        return done

    with ThreadPoolExecutor(2) as pool:
        mover = pool.submit(hold_and_release)
        answers = redeem_all(sale, sale.cards, stop, {Code.REDEEMED, Code.PIN_UNKNOWN})
        assert mover.result() > 0
    assert Counter(answer.code for answer in answers.values()) == {Code.REDEEMED: CARDS}
    with sale.db.read() as session:
        assert session.execute(select(func.count()).select_from(redemption)).scalar_one() == CARDS


def test_no_card_is_both_redeemed_and_credited_back(sale: Sale) -> None:
    stop = Event()
    dice = random.Random(2)  # noqa: S311 - an order, no secret
    moves = Counter[str]()

    def take_back() -> None:
        while not stop.is_set():
            cards = random_range(sale, dice, 12)
            kind = dice.choice(["deactivate", "return", "void"])
            who = {"deactivate": "agent", "return": "seller", "void": "issuer"}[kind]
            moves[kind] += sale.move(who, kind, cards, reason="race")

    answered = {Code.REDEEMED, Code.PIN_UNKNOWN, Code.VOUCHER_VOID}
    with ThreadPoolExecutor(1) as pool:
        mover = pool.submit(take_back)
        answers = redeem_all(sale, sale.cards[::-1], stop, answered)
        mover.result()
    assert moves.total() > 0
    _assert_each_card_went_one_way(sale, answers)


def _assert_each_card_went_one_way(sale: Sale, answers: dict[int, Answer]) -> None:
    with sale.db.read() as session:
        redeemed = set(session.execute(select(redemption.c.serial)).scalars())
        taken_back = [
            SerialRange(row.first_serial, row.last_serial)
            for row in session.execute(
                select(stock_movement).where(
                    stock_movement.c.batch_id == batch_of(sale.first),
                    stock_movement.c.move.in_(("deactivate", "return")),
                )
            )
        ]
        signed = func.sum(posting.c.amount_fen)
        paid_in = session.execute(
            select(signed).where(posting.c.credit == LedgerCode.VOUCHER_LIABILITY)
        ).scalar_one()
        paid_out = session.execute(
            select(signed).where(posting.c.debit == LedgerCode.VOUCHER_LIABILITY)
        ).scalar_one()
        active = _unused_active(list(session.execute(select(lot))), redeemed)
    back = {serial for cards in taken_back for serial in range(cards.first, cards.last + 1)}
    assert redeemed & back == set()
    assert {s for s, a in answers.items() if a.code is Code.REDEEMED} == redeemed
    unknown = {s for s, a in answers.items() if a.code is Code.PIN_UNKNOWN}
    assert unknown <= back, [serial_text(s) for s in sorted(unknown - back)[:5]]
    assert paid_in - paid_out == 5_000 * len(active)


def _unused_active(lots: Sequence[object], redeemed: set[int]) -> set[int]:
    active = {
        serial
        for item in lots
        if item.stage == "active"  # type: ignore[attr-defined]
        for serial in range(item.first_serial, item.last_serial + 1)  # type: ignore[attr-defined]
    }
    return active - redeemed
