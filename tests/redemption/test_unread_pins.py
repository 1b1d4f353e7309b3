"""A request for an account that cannot be credited tells nothing of the PIN that came with it."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs
from sqlalchemy import select, update

from accounts.tables import electricity_account
from core import keyfile
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from redemption.requests import Code
from redemption.tables import request
from tests.factories import make_electricity_account
from tests.redemption.cards import Card, make_cards, redeem
from vouchers.lookup import ArgonPool
from vouchers.pins import draw, hybrid_tag, short_tag
from vouchers.tables import lot, voucher

NOWHERE = "0000000000"


class _Gate:
    """Something slow for the pool, that ends when the test says so."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def run(self) -> bool:
        return self.opened.wait(60)


@pytest.fixture
def full_pool(redeemer: Redeemer) -> Iterator[Redeemer]:
    """An engine whose slow checks have no place left."""
    pool, gate = ArgonPool(replace(redeemer.db.settings, argon2_threads=1, argon2_queue=0)), _Gate()
    assert pool.submit(gate) is not None
    yield Redeemer(redeemer.db, redeemer.keys, pool)
    gate.opened.set()
    pool.close()


@pytest.fixture
def slow_card(db: Database, keys: Keys) -> Card:
    """A card behind argon2id."""
    with db.write() as session:
        return make_cards(session, keys.get(), 1, face_fen=50_000, settings=db.settings)[0]


@pytest.fixture
def closed(db: Database) -> str:
    """An account that is closed."""
    with db.write() as session:
        number = make_electricity_account(session)
        session.execute(update(electricity_account).values(state="closed"))
    return number


def test_no_slow_check_is_begun_for_an_account_that_cannot_be_credited(
    full_pool: Redeemer, db: Database, slow_card: Card, closed: str
) -> None:
    with db.write() as session:
        account = make_electricity_account(session)
    asked = [redeem(slow_card, number) for number in (NOWHERE, closed, account)]
    codes = [outcome.answer.code for outcome in full_pool.redeem(asked)]
    assert codes == [Code.ACCOUNT_UNKNOWN, Code.ACCOUNT_CLOSED, Code.TRY_LATER]


def test_a_locked_card_is_not_looked_at_for_an_unknown_account(
    postgresql_db: Database, keys: Keys
) -> None:
    with postgresql_db.write() as session:
        card = make_cards(session, keys.get(), 1)[0]
    argon = ArgonPool(postgresql_db.settings)
    redeemer = Redeemer(postgresql_db, keys, argon)
    with postgresql_db.write() as session:
        session.execute(select(lot).with_for_update())
        (outcome,) = redeemer.redeem([redeem(card, NOWHERE)])
    assert outcome.answer.code is Code.ACCOUNT_UNKNOWN
    argon.close()


def test_the_stored_answer_holds_the_pin_under_the_key_of_its_card_alone(
    redeemer: Redeemer, db: Database, keys: Keys, slow_card: Card
) -> None:
    made_under = keys.get().current_version
    keyfile.rotate(keys.path)
    redeemer.redeem([redeem(slow_card, NOWHERE)])
    with db.read() as session:
        assert session.execute(select(request.c.key_version)).scalar_one() == made_under


def test_no_pin_is_in_the_stored_answer_where_two_keys_may_be_its_cards(
    redeemer: Redeemer, db: Database, keys: Keys, slow_card: Card
) -> None:
    rotated = keyfile.rotate(keys.path).current
    with db.write() as session:
        other = make_cards(session, keys.get(), 1, face_fen=50_000, settings=db.settings)[0]
        # Another card that shares the 28 bits under the new key by chance.
        same = hybrid_tag(rotated.version, short_tag(rotated, slow_card.pin))
        session.execute(
            update(voucher).where(voucher.c.serial == other.serial).values(pin_tag=same)
        )
    asked = redeem(slow_card, NOWHERE)
    redeemer.redeem([asked])
    with db.read() as session:
        assert session.execute(select(request.c.key_version)).scalar_one() == 0
    assert redeemer.redeem([asked])[0].replayed


def test_another_pin_under_the_same_key_is_a_conflict_all_the_same(
    redeemer: Redeemer, slow_card: Card
) -> None:
    asked = redeem(slow_card, NOWHERE)
    first, again = redeemer.redeem([asked])[0], redeemer.redeem([asked])[0]
    assert (first.answer, again.replayed) == (again.answer, True)
    other = redeemer.redeem([structs.replace(asked, pin=draw())])[0]
    assert other.answer.code is Code.REQUEST_CONFLICT


def test_the_card_is_redeemed_once_the_account_is_there(
    redeemer: Redeemer, db: Database, slow_card: Card
) -> None:
    assert redeemer.redeem([redeem(slow_card, NOWHERE)])[0].answer.code is Code.ACCOUNT_UNKNOWN
    with db.write() as session:
        make_electricity_account(session, NOWHERE)
    assert redeemer.redeem([redeem(slow_card, NOWHERE)])[0].answer.code is Code.REDEEMED
