"""The dialogue on a real engine: SQLite with Redis in memory, PostgreSQL with a real Redis."""

import pytest

from core import redis as core_redis
from core.db import Database
from core.keyfile import Keys
from redemption.dialogue.deps import DialogueDeps
from redemption.engine import Redeemer
from tests.redemption.cards import Card, make_cards
from tests.redemption.dialogue.world import ACCOUNT, HOLDER, Phone, make_household


@pytest.fixture
def deps(
    db: Database, keys: Keys, redeemer: Redeemer, request: pytest.FixtureRequest
) -> DialogueDeps:
    """What a server hands to the dialogue."""
    client = core_redis.connect(db.settings)
    if not db.is_sqlite:
        client = request.getfixturevalue("redis")
    return DialogueDeps(db, client, keys, lambda asked: redeemer.redeem([asked])[0])


@pytest.fixture
def household(db: Database) -> str:
    """An account that owes 31.10 since yesterday, so 32.10 with the least late fee."""
    with db.write() as session:
        make_household(session, ACCOUNT, HOLDER)
    return ACCOUNT


@pytest.fixture
def cards(db: Database, keys: Keys) -> list[Card]:
    """Seven cards of 50 yuan that can be redeemed."""
    with db.write() as session:
        return make_cards(session, keys.get(), 7)


@pytest.fixture
def phone(deps: DialogueDeps, household: str) -> Phone:
    """A call that has just begun."""
    return Phone(deps)
