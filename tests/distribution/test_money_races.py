"""Payments and prepaid sales that truly run at once: paid once, and never sold below zero."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import func, select

from distribution.payments import NewPayment, record_payment, reverse_payment
from distribution.tables import payment
from tests.distribution.test_races import at_once, outcome
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN, Trade

TILLS = 100
RACERS = 8


def same_payment(trade: Trade, amount_fen: int = 700) -> Callable[[], str]:
    with trade.db.read() as session:
        today = session.today
    new = NewPayment(
        reference="ONE-FOR-EVER", party_code="CITY", amount_fen=amount_fen, paid_on=today
    )

    def work() -> str:
        replayed = record_payment(trade.db, trade.people["finance"], new).replayed
        return "replayed" if replayed else "recorded"

    return work


def payments(trade: Trade) -> int:
    with trade.db.read() as session:
        return int(session.execute(select(func.count()).select_from(payment)).scalar_one())


def test_one_reference_used_many_times_at_once_pays_once(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9)
    told = at_once([same_payment(trade)] * RACERS)
    assert Counter(told) == {"recorded": 1, "replayed": RACERS - 1}
    assert (payments(trade), trade.owed("city")) == (1, -700)


def test_one_reference_with_different_sums_at_once_pays_one_of_them(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9)
    racers = [partial(outcome, same_payment(trade, 700 + n)) for n in range(RACERS)]
    assert sorted(at_once(racers)) == ["done"] + ["reference_used"] * (RACERS - 1)
    assert payments(trade) == 1
    assert 700 <= -trade.owed("city") < 700 + RACERS


def test_one_payment_taken_back_many_times_at_once_is_taken_back_once(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9)
    trade.pay("city", 700, "B-1")
    finance = trade.people["finance"]
    racers = [
        partial(outcome, partial(reverse_payment, trade.db, finance, "B-1", "no funds"))
        for _ in range(RACERS)
    ]
    assert sorted(at_once(racers)) == ["already_reversed"] * (RACERS - 1) + ["done"]
    assert trade.owed("city") == 0


def test_a_hundred_tills_on_one_prepaid_wallet_never_take_it_below_zero(trade: Trade) -> None:
    trade.contract("city", "prepaid", commission_fen=COMMISSION_FEN)
    net_fen, affordable = FACE_FEN - COMMISSION_FEN, 37
    trade.pay("city", affordable * net_fen + net_fen - 1)
    batches = [trade.batch(TILLS // 2), trade.batch(TILLS // 2, at="outlet2")]
    sales = [
        partial(outcome, partial(trade.move, who, "activate", first + n, first + n))
        for n in range(TILLS // 2)
        for who, first in zip(("seller", "seller2"), batches, strict=True)
    ]
    with ThreadPoolExecutor(12) as pool:
        told = Counter(done.result() for done in [pool.submit(sale) for sale in sales])
    assert told == {"done": affordable, "prepaid_exhausted": TILLS - affordable}
    assert trade.owed("city") == -(net_fen - 1)


def test_of_two_last_cards_at_once_only_the_one_that_is_paid_for_is_activated(
    trade: Trade,
) -> None:
    for turn in range(1, 7):
        trade.contract("city", "credit", turn * 10 * FACE_FEN)
        first, second = trade.batch(10), trade.batch(1, at="outlet2")
        racers = [
            partial(outcome, partial(trade.move, "seller", "activate", first, first + 9)),
            partial(outcome, partial(trade.move, "seller2", "activate", second, second)),
        ]
        assert "over_credit_limit" in at_once(racers)
        assert trade.owed("city") <= turn * 10 * FACE_FEN
        if trade.owed("city") != turn * 10 * FACE_FEN:  # the single card was first
            rest = turn * 10 * FACE_FEN - trade.owed("city")
            trade.move("seller", "activate", first, first + rest // FACE_FEN - 1)


def test_a_payment_that_bounces_while_cards_are_sold_on_it_is_never_counted_on_after(
    trade: Trade,
) -> None:
    trade.contract("city", "prepaid")
    finance = trade.people["finance"]
    for turn in range(6):
        trade.pay("city", FACE_FEN, f"B-{turn}")
        first = trade.batch(1)
        sold, taken_back = at_once(
            [
                partial(outcome, partial(trade.move, "seller", "activate", first, first)),
                partial(
                    outcome, partial(reverse_payment, trade.db, finance, f"B-{turn}", "no funds")
                ),
            ]
        )
        assert taken_back == "done"
        assert sold in ("done", "prepaid_exhausted")
        assert trade.owed("city") == (FACE_FEN if sold == "done" else 0)
        if sold == "done":
            trade.pay("city", FACE_FEN)
