"""Transactions that truly run at once: limits hold, and no card is both used and credited back."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.db import Database, Session
from core.db_errors import is_unique_violation
from core.errors import DomainError
from distribution.errors import OverCreditLimit
from distribution.moves import PendingApproval, move_cards
from distribution.requests import MoveRequest
from redemption.tables import redemption
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import make_batch, make_electricity_account, make_redemption
from tests.waiting import wait_for_lock_waiters
from vouchers.card_facts import LotMoved, ask_for_cards
from vouchers.serials import serial_text

T = TypeVar("T")
KEPT = 4
"""Every so manieth card of the last race is never redeemed."""


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run each in a thread of its own, all released at the same moment."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def outcome(work: Callable[[], object]) -> str:
    """Do it; the code of its refusal, or "done"."""
    try:
        work()
    except DomainError as error:
        return error.code
    return "done"


def redeem_one(db: Database, serial: int, account_number: str) -> bool:
    """Redeem as the engine does: lock the lot, look at the card, write its row; False if not."""

    def work(session: Session) -> bool:
        card = ask_for_cards(session, [serial]).facts()[serial]
        known = select(redemption.c.serial).where(redemption.c.serial == serial)
        used = session.execute(known).first() is not None
        if used or card.stage != "active" or card.hold is not None:
            return False
        make_redemption(session, serial, account_number)
        return True

    while True:
        try:
            return db.transact(work)
        except LotMoved:
            continue
        except IntegrityError as error:
            assert is_unique_violation(error)
            return False


def test_two_activations_at_once_never_pass_the_credit_limit_together(trade: Trade) -> None:
    rounds = 8
    for turn in range(1, rounds + 1):
        trade.contract("city", "credit", turn * 10 * FACE_FEN)
        one, two = trade.batch(10), trade.batch(10, at="outlet2")
        codes = at_once([activation(trade, "seller", one), activation(trade, "seller2", two)])
        assert sorted(codes) == ["done", OverCreditLimit.code]
        assert trade.owed("city") == turn * 10 * FACE_FEN


def activation(trade: Trade, who: str, first: int) -> Callable[[], str]:
    return lambda: outcome(lambda: trade.move(who, "activate", first, first + 9))


def test_two_dispatches_at_once_never_pass_the_stock_limit_together(trade: Trade) -> None:
    trade.contract("city", "consignment", 10 * FACE_FEN)
    batches = [trade.batch(10, at="province") for _ in range(4)]

    def send(first: int) -> str:
        return outcome(lambda: trade.move("keeper", "dispatch", first, first + 9, to="CITY"))

    codes = at_once([partial(send, first) for first in batches])
    assert sorted(codes) == ["done", "over_stock_limit", "over_stock_limit", "over_stock_limit"]


def test_the_same_move_asked_for_many_times_at_once_is_made_once(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9)
    first = trade.batch(10)

    codes = at_once([activation(trade, "seller", first)] * 6)
    assert sorted(codes) == ["done"] + ["wrong_stage"] * 5
    assert trade.owed("city") == 10 * FACE_FEN


def test_moves_of_overlapping_ranges_at_once_keep_the_tiling(trade: Trade) -> None:
    first, chance = trade.batch(200), random.Random(7)  # noqa: S311
    spans = [sorted(chance.sample(range(200), 2)) for _ in range(40)]

    def hold_and_release(span: list[int]) -> None:
        start, stop = first + span[0], first + span[1]
        held = outcome(
            lambda: trade.move("issuer", "hold", start, stop, hold="lost", reason="trial")
        )
        if held == "done":
            trade.move("issuer", "release", start, stop, reason="trial")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hold_and_release, spans))
    assert trade.lots(first) == [(0, 199, "stocked", "outlet", None)]


def test_a_de_activation_waits_for_a_redemption_under_way_and_then_fails(
    postgresql_trade: Trade,
) -> None:
    trade = postgresql_trade
    first = trade.batch(10, "active")
    approval_id = trade.pend("agent", "deactivate", first, first + 9)
    with ThreadPoolExecutor(1) as pool:
        with trade.db.write() as session:
            ask_for_cards(session, [first + 3])
            make_redemption(session, first + 3)
            agreed = pool.submit(outcome, lambda: trade.agree(approval_id))
            wait_for_lock_waiters(trade.db, 1)
        assert agreed.result() == "already_redeemed"
    assert trade.lots(first) == [(0, 9, "active", "outlet", None)]


def test_a_redemption_waits_for_a_move_under_way_and_then_finds_the_card_held(
    postgresql_trade: Trade,
) -> None:
    trade = postgresql_trade
    first = trade.batch(10, "active")
    request = MoveRequest(
        move="hold",
        first_serial=serial_text(first + 2),
        last_serial=serial_text(first + 4),
        hold="stolen",
        reason="report 12",
    )
    with ThreadPoolExecutor(2) as pool:
        with trade.db.write() as session:
            numbers = [make_electricity_account(session) for _ in range(2)]
        with trade.db.write() as session:
            move_cards(session, trade.people["issuer"], request)
            inside = pool.submit(redeem_one, trade.db, first + 3, numbers[0])
            beside = pool.submit(redeem_one, trade.db, first + 9, numbers[1])
            wait_for_lock_waiters(trade.db, 2)
        assert (inside.result(), beside.result()) == (False, True)


def test_no_card_is_redeemed_and_also_credited_back_while_its_lot_moves(trade: Trade) -> None:
    cards = 200
    trade.contract("city", "credit", 10**9)
    with trade.db.write() as session:
        first = make_batch(session, cards, face_fen=FACE_FEN, holder_id=trade.party_ids["outlet"])
        numbers = [make_electricity_account(session) for _ in range(3)]
    trade.move("seller", "activate", first, first + cards - 1)
    stop = threading.Event()

    def keep_redeeming(number: str) -> int:
        chance, done = random.Random(number), 0  # noqa: S311
        while not done or not stop.is_set():
            offset = chance.randrange(cards)
            if offset % KEPT:
                done += redeem_one(trade.db, first + offset, number)
        return done

    with ThreadPoolExecutor(3) as pool:
        redeeming = [pool.submit(keep_redeeming, number) for number in numbers]
        try:
            moved = move_about(trade, first, cards)
        finally:
            stop.set()
        redeemed = sum(future.result() for future in redeeming)
    assert redeemed > 0
    assert moved["deactivate"] > 0
    assert moved["return"] > 0
    check_each_card(trade, first, redeemed)


def move_about(trade: Trade, first: int, cards: int) -> dict[str, int]:
    """De-activate, return, receive, hold, release, activate again, in small random ranges.

    Half of the ranges are single cards that nobody redeems, so that moves succeed to the end.
    """
    chance = random.Random(11)  # noqa: S311
    moved = dict.fromkeys(("deactivate", "return", "hold", "activate"), 0)
    for turn in range(80):
        start = stop = first + chance.randrange(cards // KEPT) * KEPT
        if turn // len(moved) % 2:
            start += chance.randrange(KEPT)
            stop = start + chance.randrange(KEPT)
        name = list(moved)[turn % len(moved)]
        moved[name] += outcome(partial(ROUNDS[name], trade, start, stop)) == "done"
    return moved


def deactivate(trade: Trade, start: int, stop: int) -> None:
    trade.move_by_two("agent", "deactivate", start, stop)


def return_and_send_again(trade: Trade, start: int, stop: int) -> None:
    asked = trade.ask("seller", "return", start, stop)
    if isinstance(asked, PendingApproval):
        trade.agree(asked.approval_id)
    for item in [row for row in trade.lot_rows(start) if row.stage == "in_transit"]:
        cards = (item.first_serial, item.last_serial)
        trade.move("agent", "receive", *cards)
        trade.move("agent", "dispatch", *cards, to="OUTLET")
        trade.move("seller", "receive", *cards)


def hold_and_release(trade: Trade, start: int, stop: int) -> None:
    trade.move("issuer", "hold", start, stop, hold="stolen", reason="trial")
    trade.move("issuer", "release", start, stop, reason="trial")


def activate(trade: Trade, start: int, stop: int) -> None:
    trade.move("seller", "activate", start, stop)


ROUNDS: dict[str, Callable[[Trade, int, int], None]] = {
    "deactivate": deactivate,
    "return": return_and_send_again,
    "hold": hold_and_release,
    "activate": activate,
}


def check_each_card(trade: Trade, first: int, redeemed: int) -> None:
    with trade.db.read() as session:
        used = set(session.execute(select(redemption.c.serial)).scalars())
    assert len(used) == redeemed
    rows = trade.lot_rows(first)
    stage = {serial: row.stage for row in rows for serial in row.cards}
    assert {stage[serial] for serial in used} == {"active"}
    unused = sum(1 for serial, where in stage.items() if where == "active" and serial not in used)
    books = trade.books()
    assert books.get("VOUCHER_LIABILITY", 0) == -unused * FACE_FEN
    assert books["ELECTRICITY_ACCOUNT"] == -redeemed * FACE_FEN
    assert books["DISTRIBUTOR_RECEIVABLE"] == (unused + redeemed) * FACE_FEN
