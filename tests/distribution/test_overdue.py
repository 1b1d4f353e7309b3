"""What is on the way for too long, as of any instant."""

from datetime import datetime, timedelta

from distribution.overdue import Overdue, in_transit_too_long
from tests.clocks import FakeClock
from tests.distribution.papers import Papers, pack
from tests.distribution.trade import FACE_FEN, Trade


def overdue(
    trade: Trade, days: int = 7, at: datetime | None = None, who: str = "keeper"
) -> list[Overdue]:
    with trade.db.read() as session:
        return in_transit_too_long(session, trade.people[who], days, at or session.now)


def test_what_has_not_arrived_after_some_days_is_listed_with_its_consignment(
    papers: Papers, trade: Trade, clock: FakeClock
) -> None:
    first = trade.batch(200, at="city")
    sent = papers.sent(200)
    papers.receive("seller", sent.number, [pack(first)])
    clock.advance(days=7)
    assert overdue(trade) == []
    clock.advance(minutes=1)
    (found,) = overdue(trade)
    assert (found.document, found.sender, found.receiver) == (sent.number, "CITY", "OUTLET")
    assert (found.cards, found.days, found.face_value_fen) == (100, 7, 100 * FACE_FEN)
    assert [item.first - first for item in found.ranges] == [100]
    assert overdue(trade, who="seller2") == []
    assert overdue(trade, who="seller") == [found]


def test_the_answer_for_a_past_instant_never_changes(
    papers: Papers, trade: Trade, clock: FakeClock
) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    clock.advance(days=9)
    instant = clock()
    before = overdue(trade, at=instant)
    clock.advance(days=1)
    papers.receive("seller", sent.number, [pack(first)])
    assert overdue(trade, at=instant) == before != []
    assert overdue(trade) == []
    assert overdue(trade, at=instant - timedelta(days=3)) == []


def test_cards_that_were_moved_by_hand_are_listed_too(trade: Trade, clock: FakeClock) -> None:
    first = trade.batch(100, at="city")
    trade.move("agent", "dispatch", first, first + 99, to="OUTLET", document="DN-7")
    trade.move("seller", "receive", first + 10, first + 19)
    trade.move("issuer", "hold", first + 50, first + 59, hold="lost", reason="look")
    clock.advance(days=8)
    (found,) = overdue(trade)
    assert (found.document, found.cards) == ("DN-7", 90)
    assert [(item.first - first, item.last - first) for item in found.ranges] == [(0, 9), (20, 99)]
