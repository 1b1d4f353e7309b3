"""A text that names no account is for the sender's own; delivered again it stays what it was."""

import pytest
from sqlalchemy import delete

from core.db import Database
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texter import TextReply
from redemption.dialogue.texts import answer_text
from redemption.tables import caller_binding, redemption
from tests.clocks import FakeClock
from tests.redemption.cards import Card
from tests.redemption.dialogue.world import ACCOUNT, GATEWAY, PHONE, count, make_household, register

OTHER = "0012348888"


def _deliver(deps: DialogueDeps, card: Card, message_id: str = "M-1") -> TextReply:
    return answer_text(deps, GATEWAY, PHONE, card.pin.digits, message_id)


@pytest.fixture
def card(household: str, db: Database, cards: list[Card]) -> Card:
    with db.write() as session:
        make_household(session, OTHER, None)
    return cards[0]


def test_it_gets_its_receipt_again_whatever_is_registered_meanwhile(
    deps: DialogueDeps, db: Database, card: Card, clock: FakeClock
) -> None:
    register(db, ACCOUNT)
    receipt = _deliver(deps, card)
    assert receipt.code == "redeemed"
    clock.advance(minutes=1)
    register(db, OTHER)
    assert _deliver(deps, card) == receipt
    with db.write() as session:
        session.execute(delete(caller_binding))
    assert _deliver(deps, card) == receipt
    assert count(db, redemption) == 1


def test_refused_for_want_of_an_account_it_redeems_nothing_later(
    deps: DialogueDeps, db: Database, card: Card
) -> None:
    refused = _deliver(deps, card)
    assert refused.code == "account_missing"
    register(db, ACCOUNT)
    assert _deliver(deps, card) == refused
    assert count(db, redemption) == 0
    assert _deliver(deps, card, "M-2").code == "redeemed"
