"""Consigned stock above its limit: what came back explains it, what was sent does not."""

from dataclasses import dataclass
from typing import Any

import pytest

from audit.invariants_stock import STOCK
from core.db import Database
from distribution.errors import OverStockLimit
from distribution.tables import contract
from tests.clocks import FakeClock
from tests.distribution.trade import FACE_FEN, Trade, open_trade

LIMIT = 10


@dataclass
class Consigned:
    """Thirty cards of the province, of which the city may have ten on consignment."""

    trade: Trade
    clock: FakeClock
    first: int

    def move(self, who: str, move: str, start: int, end: int, **more: Any) -> None:
        """Move cards by their places, some minutes later, with a second person where needed."""
        self.clock.advance(minutes=5)
        serials = (self.first + start, self.first + end)
        by_two = move in ("deactivate", "return")
        (self.trade.move_by_two if by_two else self.trade.move)(who, move, *serials, **more)

    def holds(self, limit: int = LIMIT) -> bool:
        """Tell whether the invariant holds, as if the contract had said `limit` all the time."""
        [known] = [invariant for invariant in STOCK if invariant.code == "consigned_stock"]
        with self.trade.db.write() as session:
            session.execute(contract.update().values(limit_fen=limit * FACE_FEN))
            found = known.check(session)
            session.execute(contract.update().values(limit_fen=LIMIT * FACE_FEN))
        return not found


@pytest.fixture
def consigned(db: Database, clock: FakeClock) -> Consigned:
    """Ten went to the city and on to its outlet, which sold five; five more were sent then."""
    trade = open_trade(db)
    trade.contract("city", "consignment", limit_fen=LIMIT * FACE_FEN)
    made = Consigned(trade, clock, trade.batch(30, at="province"))
    made.move("keeper", "dispatch", 0, 9, to="CITY")
    made.move("agent", "receive", 0, 9)
    made.move("agent", "dispatch", 0, 9, to="OUTLET")
    made.move("seller", "receive", 0, 9)
    made.move("seller", "activate", 0, 4)
    made.move("keeper", "dispatch", 10, 14, to="CITY")
    return made


def test_what_was_sent_past_the_limit_is_found(consigned: Consigned) -> None:
    with pytest.raises(OverStockLimit):
        consigned.move("keeper", "dispatch", 15, 15, to="CITY")
    assert consigned.holds()
    assert not consigned.holds(limit=9)
    consigned.move("agent", "receive", 10, 14)
    consigned.move("agent", "dispatch", 10, 14, to="OUTLET2")  # under one contract: no news
    assert consigned.holds()
    assert not consigned.holds(limit=9)
    consigned.move("seller", "activate", 5, 5)
    assert consigned.holds(limit=9)


def test_what_came_back_since_may_stand_above_the_limit(consigned: Consigned) -> None:
    consigned.move("seller", "deactivate", 0, 1)
    consigned.move("seller", "return", 2, 2)  # sold, on its way back to the city
    assert consigned.holds()
    assert not consigned.holds(limit=9)


def test_what_was_there_before_a_contract_may_stand_above_its_limit(consigned: Consigned) -> None:
    consigned.clock.advance(minutes=5)
    consigned.trade.contract("city", "consignment", limit_fen=LIMIT * FACE_FEN + 1)
    assert consigned.holds(limit=3)
    consigned.move("seller", "activate", 5, 9)
    consigned.move("keeper", "dispatch", 15, 15, to="CITY")
    assert consigned.holds()
    assert not consigned.holds(limit=5)


def test_what_went_under_a_contract_of_its_own_is_no_longer_counted(consigned: Consigned) -> None:
    consigned.clock.advance(minutes=5)
    consigned.trade.contract("outlet", "credit", limit_fen=LIMIT * FACE_FEN)
    assert consigned.holds(limit=4)  # five on the way, sent before
    consigned.move("keeper", "dispatch", 15, 17, to="CITY")
    assert consigned.holds(limit=8)
    assert not consigned.holds(limit=7)
