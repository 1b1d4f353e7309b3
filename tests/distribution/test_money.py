"""What moves of sold cards do to the books, to the fen."""

import pytest

from distribution.errors import (
    AlreadyRedeemed,
    NoContract,
    NothingToMove,
    OverCreditLimit,
    OverStockLimit,
    PrepaidExhausted,
)
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN, Trade

NET_FEN = FACE_FEN - COMMISSION_FEN


def selling(trade: Trade, cards: int, commission_fen: int = COMMISSION_FEN) -> int:
    """Activate a fresh batch under a contract of the city; return its first serial."""
    trade.contract("city", "credit", 10**9, commission_fen)
    first = trade.batch(cards)
    trade.move("seller", "activate", first, first + cards - 1)
    return first


def test_activation_owes_the_net_and_earns_the_commission(trade: Trade) -> None:
    first = selling(trade, 100)
    assert trade.books() == {
        "DISTRIBUTOR_RECEIVABLE": 100 * NET_FEN,
        "COMMISSION_EXPENSE": 100 * COMMISSION_FEN,
        "VOUCHER_LIABILITY": -100 * FACE_FEN,
    }
    (row,) = trade.movements(first, "activate")
    assert (row.price_fen, row.commission_fen) == (FACE_FEN, COMMISSION_FEN)
    assert row.owing_party_id == trade.party_ids["city"]
    assert row.entry_id is not None


def test_the_nearest_party_with_a_contract_owes(trade: Trade) -> None:
    trade.contract("province", "credit", 10**9)
    trade.contract("outlet2", "credit", 10**9)
    one, two = trade.batch(10), trade.batch(10, at="outlet2")
    trade.move("seller", "activate", one, one + 9)
    trade.move("seller2", "activate", two, two + 9)
    owed = {at: trade.owed(at) for at in ("province", "city", "outlet", "outlet2")}
    assert owed == {
        "province": 10 * FACE_FEN,
        "city": 0,
        "outlet": 0,
        "outlet2": 10 * FACE_FEN,
    }


def test_a_commission_of_the_whole_face_leaves_nothing_owed(trade: Trade) -> None:
    selling(trade, 10, FACE_FEN)
    assert trade.books() == {
        "COMMISSION_EXPENSE": 10 * FACE_FEN,
        "VOUCHER_LIABILITY": -10 * FACE_FEN,
    }


def test_nothing_is_activated_without_a_contract(trade: Trade) -> None:
    first = trade.batch(10)
    before = trade.snapshot()
    with pytest.raises(NoContract):
        trade.move("seller", "activate", first, first + 9)
    assert trade.snapshot() == before


def test_credit_ends_exactly_at_its_limit(trade: Trade) -> None:
    trade.contract("city", "credit", 10 * NET_FEN, COMMISSION_FEN)
    first = trade.batch(100)
    trade.move("seller", "activate", first, first + 8)
    before = trade.snapshot()
    with pytest.raises(OverCreditLimit) as caught:
        trade.move("seller", "activate", first + 9, first + 10)
    assert caught.value.details["owed_fen"] == 9 * NET_FEN
    assert trade.snapshot() == before
    trade.move("seller", "activate", first + 9, first + 9)
    assert trade.owed("city") == 10 * NET_FEN


def test_prepaid_uses_up_what_was_paid_and_not_a_fen_more(trade: Trade) -> None:
    trade.contract("outlet", "prepaid", 10**9)
    first = trade.batch(100)
    with pytest.raises(PrepaidExhausted):
        trade.move("seller", "activate", first, first)
    trade.pay("outlet", 3 * FACE_FEN + 4_999)
    with pytest.raises(PrepaidExhausted):
        trade.move("seller", "activate", first, first + 3)
    trade.move("seller", "activate", first, first + 2)
    assert trade.owed("outlet") == -4_999


def test_consignment_is_limited_by_the_unsold_stock_held_not_by_what_is_owed(trade: Trade) -> None:
    trade.contract("city", "consignment", 10 * FACE_FEN)
    first = trade.batch(100, at="province")
    before = trade.snapshot()
    with pytest.raises(OverStockLimit):
        trade.move("keeper", "dispatch", first, first + 10, to="CITY")
    assert trade.snapshot() == before
    trade.move("keeper", "dispatch", first, first + 5, to="CITY")
    with pytest.raises(OverStockLimit):
        trade.move("keeper", "dispatch", first + 6, first + 10, to="CITY")
    trade.move("agent", "receive", first, first + 5)
    trade.move("agent", "dispatch", first, first + 5, to="OUTLET")
    trade.move("seller", "receive", first, first + 5)
    trade.move("seller", "activate", first, first + 5)
    trade.move("keeper", "dispatch", first + 6, first + 15, to="CITY")
    assert trade.owed("city") == 6 * FACE_FEN


def test_stock_under_a_contract_of_its_own_counts_there_alone(trade: Trade) -> None:
    trade.contract("city", "consignment", 10 * FACE_FEN)
    trade.contract("outlet", "consignment", 5 * FACE_FEN)
    first = trade.batch(10, at="city")
    other = trade.batch(10, at="province")
    with pytest.raises(OverStockLimit):
        trade.move("agent", "dispatch", first, first + 5, to="OUTLET")
    trade.move("agent", "dispatch", first, first + 4, to="OUTLET")
    with pytest.raises(OverStockLimit):
        trade.move("keeper", "dispatch", other, other + 4, to="CITY")
    trade.move("agent", "receive", *returned(trade, first))


def returned(trade: Trade, first: int) -> tuple[int, int]:
    trade.move("seller", "receive", first, first + 4)
    trade.move("seller", "return", first, first + 4)
    return first, first + 4


def test_de_activation_takes_everything_back_at_the_rate_of_the_activation(trade: Trade) -> None:
    first = selling(trade, 100, 150)
    trade.contract("city", "credit", 10**9, 300)
    more = trade.batch(10)
    trade.move("seller", "activate", more, more + 9)
    trade.move_by_two("agent", "deactivate", first, first + 99)
    assert trade.books() == {
        "DISTRIBUTOR_RECEIVABLE": 10 * (FACE_FEN - 300),
        "COMMISSION_EXPENSE": 10 * 300,
        "VOUCHER_LIABILITY": -10 * FACE_FEN,
    }


def test_a_range_sold_at_several_rates_is_credited_piece_by_piece(trade: Trade) -> None:
    first = trade.batch(30)
    for at, commission_fen in ((0, 100), (10, 200), (20, 100)):
        trade.contract("city", "credit", 10**9, commission_fen)
        trade.move("seller", "activate", first + at, first + at + 9)
    assert len(trade.lots(first)) == 1
    trade.move_by_two("agent", "deactivate", first + 5, first + 24)
    pieces = [
        (row.first_serial - first, row.last_serial - first, row.commission_fen)
        for row in trade.movements(first, "deactivate")
    ]
    assert pieces == [(5, 9, 100), (10, 19, 200), (20, 24, 100)]
    assert trade.books() == {
        "DISTRIBUTOR_RECEIVABLE": 10 * (FACE_FEN - 100),
        "COMMISSION_EXPENSE": 10 * 100,
        "VOUCHER_LIABILITY": -10 * FACE_FEN,
    }


def test_a_card_activated_again_is_credited_at_its_latest_rate_and_party(trade: Trade) -> None:
    first = selling(trade, 10, 100)
    trade.move_by_two("agent", "deactivate", first, first + 9)
    trade.contract("outlet", "credit", 10**9, 250)
    trade.move("seller", "activate", first, first + 9)
    trade.move_by_two("agent", "deactivate", first, first + 9)
    (row,) = [r for r in trade.movements(first, "deactivate") if r.commission_fen == 250]
    assert row.owing_party_id == trade.party_ids["outlet"]
    assert trade.books() == {}
    assert trade.owed("city") == trade.owed("outlet") == 0


def test_a_range_with_a_redeemed_card_is_not_de_activated(trade: Trade) -> None:
    first = selling(trade, 10)
    trade.redeem([first + 4])
    before = trade.snapshot()
    with pytest.raises(AlreadyRedeemed) as caught:
        trade.pend("agent", "deactivate", first, first + 9)
    assert caught.value.code == "already_redeemed"
    assert trade.snapshot() == before


def test_a_card_redeemed_between_asking_and_agreeing_stops_the_de_activation(trade: Trade) -> None:
    first = selling(trade, 10)
    approval_id = trade.pend("agent", "deactivate", first, first + 9)
    trade.redeem([first])
    before = trade.snapshot()
    with pytest.raises(AlreadyRedeemed):
        trade.agree(approval_id)
    assert trade.snapshot() == before


def test_returned_active_cards_are_credited_when_the_parent_has_received_them(
    trade: Trade,
) -> None:
    first = selling(trade, 10)
    trade.move_by_two("seller", "return", first, first + 9)
    assert trade.lots(first) == [(0, 9, "in_transit", "outlet", None)]
    assert trade.owed("city") == 10 * NET_FEN
    assert trade.books()["RETURNS_CLEARING"] == -10 * FACE_FEN
    assert "VOUCHER_LIABILITY" not in trade.books()
    trade.move("agent", "receive", first, first + 3)
    assert trade.owed("city") == 6 * NET_FEN
    assert trade.books()["RETURNS_CLEARING"] == -6 * FACE_FEN
    trade.move("agent", "receive", first + 4, first + 9)
    assert trade.books() == {}
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET")
    trade.move("seller", "receive", first, first + 9)
    assert trade.books() == {}


def test_used_cards_are_cut_out_of_a_return_and_stay_active(trade: Trade) -> None:
    first = selling(trade, 10)
    trade.redeem([first + 2, first + 3])
    moved = trade.move_by_two("seller", "return", first, first + 9)
    assert moved.cards == 8
    assert trade.lots(first) == [
        (0, 1, "in_transit", "outlet", None),
        (2, 3, "active", "outlet", None),
        (4, 9, "in_transit", "outlet", None),
    ]
    assert trade.books()["RETURNS_CLEARING"] == -8 * FACE_FEN
    with pytest.raises(NothingToMove):
        trade.pend("seller", "return", first + 2, first + 3)


def test_a_return_may_hold_stocked_and_active_cards(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9, COMMISSION_FEN)
    first = trade.batch(10)
    trade.move("seller", "activate", first, first + 4)
    trade.move_by_two("seller", "return", first, first + 9)
    assert trade.lots(first) == [(0, 9, "in_transit", "outlet", None)]
    trade.move("agent", "receive", first, first + 9)
    assert trade.books() == {}
    priced = [row.price_fen for row in trade.movements(first, "receive")]
    assert priced == [FACE_FEN, None]


def test_voiding_sold_cards_leaves_only_the_used_ones_in_the_liability(trade: Trade) -> None:
    first = selling(trade, 10)
    trade.redeem([first, first + 9])
    trade.move_by_two("issuer", "void", first, first + 9, reason="forged")
    books = trade.books()
    assert books["SUSPENSE"] == -8 * FACE_FEN
    assert "VOUCHER_LIABILITY" not in books
    assert trade.owed("city") == 10 * NET_FEN


def test_voiding_stock_that_was_never_sold_posts_nothing(trade: Trade) -> None:
    first = trade.batch(10)
    trade.move_by_two("issuer", "void", first, first + 9, reason="burnt")
    assert trade.books() == {}


def test_returned_cards_lost_on_the_way_move_their_value_to_suspense(trade: Trade) -> None:
    first = selling(trade, 10)
    trade.move_by_two("seller", "return", first, first + 9)
    trade.move("agent", "receive", first, first + 5)
    trade.move_by_two("issuer", "void", first + 6, first + 9, reason="lost on the way")
    books = trade.books()
    assert books["SUSPENSE"] == -4 * FACE_FEN
    assert "RETURNS_CLEARING" not in books
    assert trade.owed("city") == 4 * NET_FEN
