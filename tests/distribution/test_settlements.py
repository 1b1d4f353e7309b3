"""Settlements: equal to the books to the fen, closed once, and the same for ever after."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from accounts import ledger
from accounts.ledger import Entry, LedgerCode, Posting
from core.errors import InvalidInput
from distribution.adjustments import NewAdjustment
from distribution.errors import NoContract, NotHolder, PeriodNotOver, PeriodOutOfOrder
from distribution.payments import reverse_payment
from distribution.settlements import (
    Statement,
    close_period,
    list_closed,
    parse_month,
    read_statement,
)
from distribution.tables import settlement, settlement_line
from staff.permissions import Forbidden
from tests.clocks import FakeClock
from tests.distribution.test_races import at_once
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN, Trade

JUNE, JULY, AUGUST = date(2025, 6, 1), date(2025, 7, 1), date(2025, 8, 1)
NET_FEN = FACE_FEN - COMMISSION_FEN


def read(trade: Trade, month: date, who: str = "finance", party: str = "CITY") -> Statement:
    with trade.db.read() as session:
        return read_statement(session, trade.people[who], party, month)


def close(trade: Trade, month: date, who: str = "finance", party: str = "CITY") -> Statement:
    return close_period(trade.db, trade.people[who], party, month)


def busy_june(trade: Trade, clock: FakeClock) -> int:
    """Sell, return, pay, bounce, adjust in June; return the first serial of the cards."""
    trade.contract("city", "credit", 10**9, COMMISSION_FEN)
    first = trade.batch(100)
    trade.move("seller", "activate", first, first + 29)
    trade.move_by_two("agent", "deactivate", first, first + 4)
    clock.advance(days=1)
    trade.move_by_two("seller", "return", first + 5, first + 7)
    trade.move("agent", "receive", first + 5, first + 7)
    trade.pay("city", 50_000, "PAY-1")
    trade.pay("city", 20_000, "PAY-2")
    reverse_payment(trade.db, trade.people["finance"], "PAY-2", "no funds")
    trade.move_by_two("issuer", "void", first + 10, first + 11, reason="misprint")
    trade.adjust("city", "credit", 2 * FACE_FEN, "MEMO-1", reason="two void cards")
    return first


def to_july(clock: FakeClock) -> None:
    """Move to July 1, 09:30 in Shanghai."""
    clock.advance(days=20 - (clock.now.day - 11))


def test_a_months_statement_tells_all_that_changed_what_is_owed(
    trade: Trade, clock: FakeClock
) -> None:
    busy_june(trade, clock)
    found = read(trade, JUNE)
    sums = found.sums
    assert (sums.opening_fen, sums.activations_fen) == (0, 30 * FACE_FEN)
    assert sums.commission_fen == -30 * COMMISSION_FEN
    assert (sums.returns_fen, sums.clawback_fen) == (-8 * FACE_FEN, 8 * COMMISSION_FEN)
    assert (sums.payments_fen, sums.bounced_fen) == (-70_000, 20_000)
    assert (sums.adjustments_fen, sums.other_fen) == (-2 * FACE_FEN, 0)
    assert sums.closing_fen == 22 * NET_FEN - 50_000 - 2 * FACE_FEN == trade.owed("city")
    told = [(line.day.day, line.kind, line.cards, line.amount_fen) for line in found.lines]
    assert told == [
        (11, "activation", 30, 30 * NET_FEN),
        (11, "return", 5, -5 * NET_FEN),
        (12, "return", 3, -3 * NET_FEN),
        (12, "void", None, 0),
        (12, "payment", None, -50_000),
        (12, "payment", None, -20_000),
        (12, "bounced", None, 20_000),
        (12, "adjustment", None, -2 * FACE_FEN),
    ]
    by_kind = {line.kind: line for line in found.lines}
    assert found.holders[by_kind["activation"].holder_id or 0] == "OUTLET"
    assert (by_kind["bounced"].reference, by_kind["bounced"].reason) == ("PAY-2", "no funds")
    assert (by_kind["adjustment"].reference, by_kind["adjustment"].reason) == (
        "MEMO-1",
        "two void cards",
    )
    assert by_kind["void"].value_fen == -2 * FACE_FEN
    assert found.closed_at is None


def test_a_closed_month_is_the_same_for_ever_and_what_comes_later_falls_into_the_next(
    trade: Trade, clock: FakeClock
) -> None:
    first = busy_june(trade, clock)
    to_july(clock)
    closed = close(trade, JUNE)
    assert closed.sums.closing_fen == trade.owed("city")
    assert closed.lines == read(trade, JUNE).lines
    trade.move_by_two("agent", "deactivate", first + 20, first + 21)
    trade.move_by_two("seller", "return", first + 22, first + 24)
    trade.move("agent", "receive", first + 22, first + 24)
    reverse_payment(trade.db, trade.people["finance"], "PAY-1", "no funds")
    trade.adjust("city", "charge", 700, "MEMO-2", concerns_on=date(2025, 6, 20))
    trade.move("seller", "activate", first, first)
    clock.advance(days=40)
    assert read(trade, JUNE) == closed
    july = close(trade, JULY)
    assert july.sums.opening_fen == closed.sums.closing_fen
    assert july.sums.closing_fen == trade.owed("city")
    concerns = {line.kind: line.concerns_on for line in july.lines}
    assert concerns == {"activation": None, "return": JUNE, "bounced": JUNE, "adjustment": JUNE}
    assert [line.cards for line in july.lines if line.kind == "return"] == [5]
    assert read(trade, JUNE) == closed


def test_closing_again_answers_what_stands(trade: Trade, clock: FakeClock) -> None:
    busy_june(trade, clock)
    to_july(clock)
    closed = close(trade, JUNE)
    trade.pay("city", 5)
    assert close(trade, JUNE, "finance2") == closed
    with trade.db.read() as session:
        assert len(session.execute(select(settlement)).all()) == 1


def test_a_month_closed_many_times_at_once_is_closed_once(trade: Trade, clock: FakeClock) -> None:
    busy_june(trade, clock)
    to_july(clock)
    found = at_once([partial(close, trade, JUNE)] * 6)
    assert len({item.digest for item in found}) == 1
    with trade.db.read() as session:
        rows = session.execute(select(settlement)).all()
        lines = session.execute(select(settlement_line)).all()
    assert (len(rows), len(lines)) == (1, 8)


def test_a_month_is_closed_only_when_nothing_can_be_recorded_in_it_any_more(
    trade: Trade, clock: FakeClock
) -> None:
    trade.contract("city", "credit", 10**9)
    to_july(clock)
    clock.advance(hours=-9, minutes=-30)  # midnight
    for seconds in (-1, 0, 59):
        clock.advance(seconds=seconds)
        with pytest.raises(PeriodNotOver):
            close(trade, JUNE)
        clock.advance(seconds=-seconds)
    clock.advance(seconds=60)
    assert close(trade, JUNE).sums.closing_fen == 0


def test_local_midnight_parts_the_months(trade: Trade, clock: FakeClock) -> None:
    trade.contract("city", "credit", 10**9)
    first = trade.batch(10)
    to_july(clock)
    clock.advance(hours=-9, minutes=-30, seconds=-1)
    trade.move("seller", "activate", first, first)
    clock.advance(seconds=1)
    trade.move("seller", "activate", first + 1, first + 2)
    assert read(trade, JUNE).sums.closing_fen == FACE_FEN
    assert read(trade, JULY).sums.closing_fen == 3 * FACE_FEN


def test_months_are_closed_one_after_the_other(trade: Trade, clock: FakeClock) -> None:
    busy_june(trade, clock)
    clock.advance(days=100)
    close(trade, JUNE)
    for month in (AUGUST, date(2025, 5, 1)):
        with pytest.raises(PeriodOutOfOrder):
            close(trade, month)
    quiet = close(trade, JULY)
    assert (quiet.lines, quiet.sums.opening_fen) == ((), quiet.sums.closing_fen)
    with trade.db.read() as session:
        listed = list_closed(session, trade.people["agent"], "CITY")
    assert [item.month for item in listed] == ["2025-06", "2025-07"]


def test_an_entry_made_by_hand_is_told_as_well(trade: Trade, clock: FakeClock) -> None:
    trade.contract("city", "credit", 10**9)
    with trade.db.write() as session:
        owed = Posting(
            LedgerCode.DISTRIBUTOR_RECEIVABLE,
            LedgerCode.SUSPENSE,
            900,
            party_id=trade.party_ids["city"],
        )
        ledger.post(session, [Entry(session.new_id(), "opening", "old", (owed,))], session.zone)
    to_july(clock)
    found = close(trade, JUNE)
    assert (found.sums.other_fen, found.sums.closing_fen) == (900, 900)
    assert (found.lines[0].kind, found.lines[0].reason) == ("other", "opening")


def test_a_late_payment_names_the_month_of_the_bank(trade: Trade, clock: FakeClock) -> None:
    trade.contract("city", "credit", 10**9)
    to_july(clock)
    trade.pay("city", 700, paid_on=date(2025, 6, 30))
    trade.pay("city", 800)
    assert [line.concerns_on for line in read(trade, JULY).lines] == [None, JUNE]
    assert read(trade, JUNE).sums.closing_fen == 0


def test_a_statement_is_shown_to_its_own_branch_and_closed_by_finance(
    trade: Trade, clock: FakeClock
) -> None:
    busy_june(trade, clock)
    trade.contract("outlet2", "prepaid")
    to_july(clock)
    assert read(trade, JUNE, "agent").sums == read(trade, JUNE, "auditor").sums
    assert read(trade, JUNE, "seller2", "OUTLET2").lines == ()
    cases: list[tuple[Callable[[], Any], type[Exception]]] = [
        (partial(read, trade, JUNE, "seller"), NotHolder),
        (partial(read, trade, JUNE, "seller", "OUTLET2"), NotHolder),
        (partial(read, trade, JUNE, "keeper"), Forbidden),
        (partial(read, trade, JUNE, "agent", "OUTLET"), NoContract),
        (partial(close, trade, JUNE, "agent"), Forbidden),
        (partial(close, trade, JUNE, "auditor"), Forbidden),
    ]
    for work, error in cases:
        with pytest.raises(error):
            work()
    close(trade, JUNE)
    close(trade, JUNE, party="OUTLET2")
    with trade.db.read() as session:
        seen = {
            who: [item.party_code for item in list_closed(session, trade.people[who])]
            for who in ("agent", "seller", "seller2")
        }
    assert seen == {"agent": ["CITY", "OUTLET2"], "seller": [], "seller2": ["OUTLET2"]}


@pytest.mark.parametrize(
    "text", ["2025-13", "2025-6", "202506", "1999-12", "2100-01", "", "2025-W1"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    assert parse_month("2025-06") == JUNE
    with pytest.raises(InvalidInput):
        parse_month(text)


def test_an_adjustment_names_no_later_month(trade: Trade) -> None:
    trade.contract("city", "credit", 10**9)
    new = NewAdjustment(
        reference="M",
        party_code="CITY",
        direction="charge",
        amount_fen=1,
        against="suspense",
        reason="trial",
        concerns_on=JULY,
    )
    with pytest.raises(InvalidInput):
        trade.request(new)
