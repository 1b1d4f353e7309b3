"""Reports of the past are cut into the same lines whatever has been cut and joined since."""

from datetime import datetime

from audit.as_of import latest_final
from audit.reports import catalogue
from audit.reports.catalogue import Wanted
from core.db import Database
from tests.clocks import FakeClock
from tests.distribution.trade import Trade, open_trade


def in_transit(trade: Trade, as_of: datetime) -> list[int]:
    wanted = Wanted(name="in-transit", as_of=as_of)
    with trade.db.read() as session:
        lines = catalogue.page(session, trade.people["finance"], wanted).lines
    return [int(str(line["cards"])) for line in lines]


def test_cards_that_were_on_hold_for_a_while_stay_one_line_of_a_report(
    db: Database, clock: FakeClock
) -> None:
    trade = open_trade(db)
    first = trade.batch(10, at="city")
    trade.move("keeper", "dispatch", first, first + 9, to="OUTLET")
    clock.advance(minutes=1)
    trade.move("issuer", "hold", first + 2, first + 4, hold="lost", reason="trial")
    held_at = clock.now
    clock.advance(minutes=1)
    trade.move("issuer", "release", first + 2, first + 4, reason="trial")
    clock.advance(minutes=2)
    as_of = latest_final(clock.now)
    assert in_transit(trade, as_of) == [10]
    trade.move("keeper", "receive", first, first + 9)
    clock.advance(minutes=2)
    assert in_transit(trade, as_of) == [10]
    assert in_transit(trade, held_at) == [2, 3, 5]
