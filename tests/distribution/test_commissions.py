"""Commission by the contract of the day, by face, by the month's volume; and its history."""

from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from distribution.commissions import Rate, Tier, check_rates, cut_by_tier
from distribution.contracts import contract_versions, set_contract
from distribution.errors import NoContract, NotHolder
from staff.permissions import Forbidden
from tests.clocks import FakeClock
from tests.distribution.test_races import at_once, outcome
from tests.distribution.trade import FACE_FEN, Trade

TODAY = date(2025, 6, 11)

tiers = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=5, unique_by=lambda t: t[0]
).map(lambda rows: [Tier(*row) for row in sorted(rows)])


@given(st.integers(-20, 60), st.integers(1, 60), tiers)
def test_each_card_earns_what_its_place_in_the_month_is_worth(
    sold: int, count: int, found: list[Tier]
) -> None:
    def worth(place: int) -> int:
        before = max(place - 1, 0)
        return next((t.commission_fen for t in reversed(found) if t.after_cards <= before), 0)

    earned = [fen for cards, fen in cut_by_tier(sold, count, found) for _ in range(cards)]
    assert earned == [worth(place) for place in range(sold + 1, sold + count + 1)]
    assert all(cards > 0 for cards, _ in cut_by_tier(sold, count, found))


def earned(trade: Trade, first: int) -> list[tuple[int, int]]:
    """The cards of each activation movement of a batch, and the commission on each."""
    return [
        (row.last_serial - row.first_serial + 1, row.commission_fen)
        for row in trade.movements(first, "activate")
    ]


def test_an_activation_that_passes_a_border_earns_both_rates(trade: Trade) -> None:
    trade.rates("city", (TODAY, 0, 100), (TODAY, 50, 150), (TODAY, 80, 200))
    one, two = trade.batch(40), trade.batch(100, at="outlet2")
    trade.move("seller", "activate", one, one + 39)
    trade.move("seller2", "activate", two, two + 59)
    assert earned(trade, one) == [(40, 100)]
    assert earned(trade, two) == [(10, 100), (30, 150), (20, 200)]
    commission_fen = 50 * 100 + 30 * 150 + 20 * 200
    assert trade.books()["COMMISSION_EXPENSE"] == commission_fen
    assert trade.owed("city") == 100 * FACE_FEN - commission_fen


def test_the_months_count_begins_anew_on_the_first_local_day(
    trade: Trade, clock: FakeClock
) -> None:
    trade.rates("city", (TODAY, 0, 100), (TODAY, 10, 150))
    first = trade.batch(100)
    trade.move("seller", "activate", first, first + 14)
    clock.advance(days=19, hours=14, minutes=29)  # 23:59 of June 30 in Shanghai
    trade.move("seller", "activate", first + 15, first + 15)
    clock.advance(minutes=1)
    trade.move("seller", "activate", first + 16, first + 16)
    assert earned(trade, first) == [(10, 100), (5, 150), (1, 150), (1, 100)]


def test_returned_cards_are_taken_off_the_months_count(trade: Trade) -> None:
    trade.rates("city", (TODAY, 0, 100), (TODAY, 10, 150))
    first = trade.batch(100)
    trade.move("seller", "activate", first, first + 9)
    trade.move_by_two("agent", "deactivate", first, first + 3)
    trade.move_by_two("seller", "return", first + 4, first + 5)
    trade.move("seller", "activate", first + 20, first + 27)
    assert earned(trade, first)[1:] == [(6, 100), (2, 150)]


def test_commission_is_taken_back_at_the_activations_own_rate(
    trade: Trade, clock: FakeClock
) -> None:
    trade.rates("city", (TODAY, 0, 100), (TODAY, 5, 150))
    first = trade.batch(10)
    trade.move("seller", "activate", first, first + 9)
    clock.advance(days=40)
    trade.rates("city", (TODAY, 0, 7))
    trade.move_by_two("agent", "deactivate", first, first + 9)
    assert trade.books() == {}
    taken_back = [row.commission_fen for row in trade.movements(first, "deactivate")]
    assert taken_back == [100, 150]


def test_a_dated_rate_begins_on_its_day_and_ends_the_one_before(
    trade: Trade, clock: FakeClock
) -> None:
    trade.rates("city", (date(2025, 6, 12), 0, 10), (date(2025, 6, 14), 0, 30))
    first = trade.batch(10)
    for day in range(4):
        trade.move("seller", "activate", first + day, first + day)
        clock.advance(days=1)
    assert earned(trade, first) == [(1, 0), (1, 10), (1, 10), (1, 30)]


def test_a_face_without_a_rate_earns_nothing(trade: Trade) -> None:
    trade.rates("city")
    first = trade.batch(10)
    trade.move("seller", "activate", first, first)
    assert earned(trade, first) == [(1, 0)]


def test_activations_at_once_share_the_months_count(trade: Trade) -> None:
    trade.rates("city", (TODAY, 0, 100), (TODAY, 50, 150))
    batches = [("seller", trade.batch(30)), ("seller2", trade.batch(30, at="outlet2"))]
    told = at_once(
        [
            partial(outcome, partial(trade.move, who, "activate", first, first + 29))
            for who, first in batches
        ]
    )
    assert told == ["done", "done"]
    assert trade.books()["COMMISSION_EXPENSE"] == 50 * 100 + 10 * 150


def test_each_change_of_a_contract_is_kept_with_what_was_owed_then(
    trade: Trade, clock: FakeClock
) -> None:
    trade.contract("city", "credit", 10**9, 150)
    first = trade.batch(10)
    trade.move("seller", "activate", first, first)
    clock.advance(days=1)
    trade.contract("city", "prepaid")
    with trade.db.read() as session:
        old, new = contract_versions(session, trade.people["agent"], "CITY")
    assert (old.version, old.sale_model, old.limit_fen, old.owed_fen) == (1, "credit", 10**9, 0)
    assert (new.version, new.sale_model, new.limit_fen, new.rates) == (2, "prepaid", 0, ())
    assert new.owed_fen == FACE_FEN - 150
    assert old.rates == (Rate(face_fen=FACE_FEN, effective_from=TODAY, commission_fen=150),)
    assert (new.at - old.at).days == 1


def test_the_same_terms_again_write_no_version(trade: Trade) -> None:
    for _ in range(2):
        trade.rates("city", (TODAY, 0, 100), (TODAY, 50, 150))
    with trade.db.read() as session:
        assert len(contract_versions(session, trade.people["finance"], "CITY")) == 1


def test_a_contract_is_shown_to_its_own_branch_only(trade: Trade) -> None:
    trade.contract("city", "credit", 1)
    for who, code, error in (
        ("seller", "CITY", NotHolder),
        ("keeper", "CITY", Forbidden),
        ("agent", "OUTLET", NoContract),
    ):
        with pytest.raises(error), trade.db.read() as session:
            contract_versions(session, trade.people[who], code)


@pytest.mark.parametrize(
    "rates",
    [
        [(TODAY, 0, FACE_FEN + 1)],
        [(TODAY, 0, -1)],
        [(TODAY, -1, 5)],
        [(date(1999, 12, 31), 0, 5)],
        [(date(2100, 1, 1), 0, 5)],
        [(TODAY, 10**9 + 1, 5)],
        [(TODAY, 0, 5), (TODAY, 0, 6)],
        [(TODAY, n, 5) for n in range(1_001)],
    ],
)
def test_rates_that_cannot_stand_are_refused(
    trade: Trade, rates: list[tuple[date, int, int]]
) -> None:
    with pytest.raises(InvalidInput):
        trade.rates("city", *rates)
    with pytest.raises(NoContract), trade.db.read() as session:
        contract_versions(session, trade.people["finance"], "CITY")


def test_flat_commission_and_a_rate_of_the_same_day_do_not_stand_together(trade: Trade) -> None:
    rate = Rate(face_fen=FACE_FEN, effective_from=TODAY, commission_fen=5)
    check_rates([rate])
    with pytest.raises(InvalidInput), trade.db.write() as session:
        set_contract(
            session, trade.people["finance"], "CITY", "credit", 5, {FACE_FEN: 6}, rates=[rate]
        )
