"""A counter on each kind of database."""

from collections.abc import Iterator

import pytest

from accounts.bills import seed_rates
from accounts.ledger import seed_chart
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from tests.care.counter import Counter, open_counter
from tests.clocks import FakeClock
from tests.factories import make_electricity_account
from vouchers.lookup import ArgonPool


@pytest.fixture
def argon(db: Database) -> Iterator[ArgonPool]:
    """The pool of slow checks."""
    pool = ArgonPool(db.settings)
    yield pool
    pool.close()


@pytest.fixture
def counter(db: Database, keys: Keys, clock: FakeClock, argon: ArgonPool) -> Counter:
    """A counter with cards and two accounts."""
    with db.write() as session:
        seed_chart(session)
        seed_rates(session)
        make_electricity_account(session, "4200000001")
        make_electricity_account(session, "4200000002")
    return open_counter(db, keys, Redeemer(db, keys, argon), clock)
