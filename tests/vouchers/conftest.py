"""What the tests of making cards share."""

import pytest

from core.db import Database
from core.keyfile import Keys
from tests.vouchers.making import House, open_house


@pytest.fixture
def house(db: Database, keys: Keys) -> House:
    """A fresh database in which cards can be ordered and made; on both databases."""
    return open_house(db, keys)
