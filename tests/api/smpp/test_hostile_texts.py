"""Hostile texts over SMPP get the replies they get everywhere, and end neither line nor process."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from core import redis as core_redis
from core.keyfile import Keys
from core.tables import outbox
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texts import answer_text
from redemption.engine import Redeemer
from redemption.tables import attempt, redemption
from tests.api.hostile import hostile
from tests.api.smpp.centre import DELIVER_RESP, NACK, text
from tests.api.smpp.test_smpp import Texting, texting, until
from vouchers.lookup import ArgonPool
from vouchers.pins import draw

__all__ = ["texting"]

MOST_OCTETS = 254
"""Of a short message; what is longer comes in parts, and other tests bring those."""


@pytest.fixture
def deps(texting: Texting, keys: Keys) -> Iterator[DialogueDeps]:
    """What any other door works with, on the same database."""
    db = texting.world.db
    argon = ArgonPool(db.settings)
    redeemer = Redeemer(db, keys, argon)
    client = core_redis.connect(db.settings)
    yield DialogueDeps(db, client, keys, lambda asked: redeemer.redeem([asked])[0])
    argon.close()


def test_hostile_texts_get_the_replies_of_every_other_door(
    texting: Texting, deps: DialogueDeps
) -> None:
    account = texting.world.account()
    words = [text for one in hostile() for text in (one, f"CZ {account} {one}")]
    words = [one for one in words if len(one.encode("utf-16-be")) <= MOST_OCTETS]
    assert len(words) > 900
    sent = dict(enumerate(words[:: 1 if texting.world.db.is_sqlite else 10]))
    for number, one in sent.items():
        body = text(one.encode("utf-16-be"), coding=8, source=f"861380000{number:04d}")
        assert texting.centre.deliver(body) == [DELIVER_RESP]
    with texting.world.db.read() as session:
        found = session.execute(select(outbox.c.recipient, outbox.c.body))
        replies = {row.recipient: row.body for row in found}
    for number, one in sent.items():
        elsewhere = answer_text(deps, "other", f"+861390000{number:04d}", one, f"M{number}")
        assert replies.get(f"+861380000{number:04d}", "") == elsewhere.text, repr(one[:50])
    assert texting.count(redemption) == 0


@pytest.mark.parametrize("length", range(0, 256, 15))
def test_a_header_that_lies_about_its_length_redeems_nothing(texting: Texting, length: int) -> None:
    card, account = texting.world.card(), texting.world.account()
    said = bytes([length, 0, 3, 7, 2, 1]) + f"CZ {account} {card.pin.digits}".encode()
    (answer,) = texting.centre.deliver(text(said, esm_class=0x40))
    assert answer in (DELIVER_RESP, NACK)
    assert texting.count(redemption) == 0
    texting.centre.deliver(text(f"CZ {account} {card.pin.digits}".encode()))
    assert texting.count(redemption) == 1


def test_a_text_delivered_ten_times_at_once_has_one_effect_and_one_reply(texting: Texting) -> None:
    account = texting.world.account()
    card = text(f"CZ {account} {texting.world.card().pin.digits}".encode())
    wrong = text(f"CZ {account} {draw().digits}".encode(), source="8613800000002")
    for body in (card, wrong):
        assert texting.centre.deliver_at_once(*[body] * 10) == [DELIVER_RESP] * 10
    assert (texting.count(redemption), texting.count(attempt)) == (1, 1)
    until(lambda: len(texting.centre.sent) >= 2)
    assert texting.count(outbox) == 2
