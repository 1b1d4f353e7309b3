"""A terminal on each kind of database."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from accounts.bills import seed_rates
from accounts.ledger import seed_chart
from core.db import Database
from core.keyfile import Keys
from distribution.parties import seed_warehouse
from tests.cli.terminal import Terminal
from vouchers import denominations, key_rotation


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back what a command does to the logging of this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def terminal(db: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal on a database with the rows that `wanneng init` writes."""
    with db.write() as session:
        key_rotation.register(session, keys.get())
        denominations.seed(session, db.settings)
        seed_chart(session)
        seed_rates(session)
        seed_warehouse(session)
    return Terminal(db.settings, monkeypatch)


@pytest.fixture
def sqlite_terminal(sqlite_db: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal on a bare SQLite database, for what does not depend on the kind."""
    del keys
    return Terminal(sqlite_db.settings, monkeypatch)
