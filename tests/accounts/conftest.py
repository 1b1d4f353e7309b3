"""A database whose books are ready, at a known instant."""

import pytest

from accounts.bills import seed_rates
from accounts.ledger import seed_chart
from core.db import Database
from tests.accounts.rows import NOON
from tests.clocks import FakeClock


@pytest.fixture
def books(db: Database, clock: FakeClock) -> Database:
    """The database with chart and rates; it is NOON until the clock is moved."""
    clock.now = NOON
    with db.write() as session:
        seed_chart(session)
        seed_rates(session)
    return db
