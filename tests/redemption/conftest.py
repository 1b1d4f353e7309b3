"""The engine on both databases."""

from collections.abc import Iterator

import pytest

from accounts.bills import seed_rates
from accounts.ledger import seed_chart
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from vouchers.lookup import ArgonPool


@pytest.fixture
def redeemer(db: Database, keys: Keys) -> Iterator[Redeemer]:
    """An engine as each worker has it."""
    with db.write() as session:
        seed_chart(session)
        seed_rates(session)
    argon = ArgonPool(db.settings)
    yield Redeemer(db, keys, argon)
    argon.close()
