"""Whatever a whole trade does, stock, books, statements and reports are what a plain model says."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from core.keyfile import Keys
from tests.business.firm import Firm
from tests.business.machine import CARDS, TradeMachine
from tests.clocks import FakeClock
from tests.conftest import DatabaseMaker

BOUNDED = settings(
    max_examples=3,
    stateful_step_count=65,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


MUST_HAPPEN = {"activate", "sell", "sell_electronic", "pay", "bounce", "contract", "redeem"}
MUST_HAPPEN |= {"reverse", "order", "send dispatch", "send return", "received", "deactivate"}
MUST_HAPPEN |= {"count", "remember", "close_month", "activate refused", "redeem refused"}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_trade_leaves_stock_books_statements_and_reports_as_the_model_says(
    make_database: DatabaseMaker, keys: Keys, clock: FakeClock, kind: str
) -> None:
    done: Counter[str] = Counter()

    class Machine(TradeMachine):
        """With a fresh database for each run."""

        def __init__(self) -> None:
            super().__init__(Firm(make_database(kind), keys, clock, CARDS), done)

    run_state_machine_as_test(Machine, settings=BOUNDED)
    assert set(done) >= MUST_HAPPEN, done
