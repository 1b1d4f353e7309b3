"""The trade that the tests of this package act in."""

import pytest

from core.db import Database
from core.keyfile import Keys
from tests.distribution.counter import Shop, open_shop
from tests.distribution.papers import Papers
from tests.distribution.trade import Trade, open_trade


@pytest.fixture
def trade(db: Database) -> Trade:
    """Parties and people on a fresh database."""
    return open_trade(db)


@pytest.fixture
def postgresql_trade(postgresql_db: Database) -> Trade:
    """Parties and people on a fresh PostgreSQL, for races between transactions."""
    return open_trade(postgresql_db)


@pytest.fixture
def papers(trade: Trade) -> Papers:
    """The papers of the trade."""
    return Papers(trade)


@pytest.fixture
def shop(db: Database, keys: Keys) -> Shop:
    """A trade whose outlet sells on credit, on a fresh database."""
    return open_shop(db, keys)


@pytest.fixture
def postgresql_shop(postgresql_db: Database, keys: Keys) -> Shop:
    """A trade whose outlet sells on credit, on a fresh PostgreSQL."""
    return open_shop(postgresql_db, keys)
