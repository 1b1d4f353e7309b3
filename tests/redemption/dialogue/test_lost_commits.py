"""What is told where the database goes away at the commit itself, and stays away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection, event, func, select

import core.pipeline
from core.db import Database
from core.keyfile import Keys
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texts import answer_text
from redemption.engine import Redeemer
from redemption.late_answers import text_late_answer
from redemption.requests import Code
from redemption.tables import redemption
from tests.redemption.cards import Card, redeem
from tests.redemption.dialogue.world import (
    ACCOUNT,
    GATEWAY,
    PHONE,
    TO_PIN,
    Phone,
    count,
    texts_sent,
)
from tests.redemption.test_races import world
from vouchers.lookup import ArgonPool


@contextmanager
def away(db: Database, *, from_commit: bool) -> Iterator[None]:
    """Let no new connection be made; those there are end at a writer's next commit, or now."""

    def refuse(*_: object) -> NoReturn:
        raise db.engine.dialect.loaded_dbapi.OperationalError("nobody answers")

    def commit_and_vanish(connection: Connection) -> None:
        if connection.get_execution_options().get("wanneng_reads"):
            return
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        driver.close()
        db.engine.pool.dispose()

    event.listen(db.engine, "do_connect", refuse)
    if from_commit:
        event.listen(db.engine, "commit", commit_and_vanish)
    else:
        db.engine.dispose()
    try:
        yield
    finally:
        event.remove(db.engine, "do_connect", refuse)
        if from_commit:
            event.remove(db.engine, "commit", commit_and_vanish)


def test_a_lost_commit_is_told_apart_and_the_same_key_finds_the_truth(
    redeemer: Redeemer, db: Database, cards: list[Card], household: str
) -> None:
    redeemer.redeem([redeem(cards[0], household)])  # so that numbers are leased
    asked = [redeem(card, household) for card in cards[1:3]]
    with away(db, from_commit=True):
        lost = redeemer.redeem(asked)
    assert [(o.answer.code, o.is_unknown) for o in lost] == [(Code.TRY_LATER, True)] * 2
    found = redeemer.redeem(asked)
    assert [(o.answer.code, o.replayed) for o in found] == [(Code.REDEEMED, True)] * 2
    assert not any(outcome.is_unknown for outcome in found)


def test_a_trip_that_committed_and_was_not_answered_is_found_done(
    postgresql_db: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards, (number,) = world(postgresql_db, keys, 3, 1)
    argon = ArgonPool(postgresql_db.settings)
    redeemer = Redeemer(postgresql_db, keys, argon)
    redeemer.redeem([redeem(cards[0], number)])  # so that numbers are leased
    exchange = core.pipeline._exchange
    lost: list[bool] = []

    def exchanged_and_vanished(pgconn: PGconn) -> Any:
        results = yield from exchange(pgconn)
        if results[-1].command_status == b"COMMIT" and not lost:
            lost.append(True)
            raise psycopg.OperationalError("nobody answers")
        return results

    monkeypatch.setattr("core.pipeline._exchange", exchanged_and_vanished)
    asked = [redeem(card, number) for card in cards[1:]]
    found = redeemer.redeem(asked)
    assert lost
    assert [(o.answer.code, o.replayed) for o in found] == [(Code.REDEEMED, True)] * 2
    with postgresql_db.read() as session:
        assert session.execute(select(func.count()).select_from(redemption)).scalar_one() == 3
    argon.close()


def test_an_outage_before_the_commit_is_known_to_have_done_nothing(
    redeemer: Redeemer, db: Database, cards: list[Card], household: str
) -> None:
    redeemer.redeem([redeem(cards[0], household)])
    with away(db, from_commit=False):
        (outcome,) = redeemer.redeem([redeem(cards[1], household)])
    assert (outcome.answer.code, outcome.is_unknown) == (Code.TRY_LATER, False)


def test_a_text_whose_commit_was_lost_is_not_told_that_nothing_was_done(
    deps: DialogueDeps, db: Database, cards: list[Card], household: str
) -> None:
    deps.redeem(redeem(cards[0], household))
    text = f"CZ#{household}#{cards[1].pin.digits}#"
    with away(db, from_commit=True):
        reply = answer_text(deps, GATEWAY, PHONE, text, "M1")
    assert reply.code == "fault"
    assert "可能已受理" in reply.text
    assert answer_text(deps, GATEWAY, PHONE, text, "M1").text.startswith("充值50.00元")
    assert count(db, redemption) == 2


def test_a_call_whose_commit_was_lost_ends_with_the_advice_to_check(
    deps: DialogueDeps, db: Database, phone: Phone, cards: list[Card]
) -> None:
    deps.redeem(redeem(cards[0], ACCOUNT))
    phone.press(*TO_PIN, cards[1].pin.digits)
    with away(db, from_commit=True):
        phone.press("#")
    assert phone.said == ["fault", "goodbye"]
    assert phone.last.end
    assert count(db, redemption) == 2


def test_a_late_answer_that_nobody_knows_is_texted_as_such(
    redeemer: Redeemer, db: Database, cards: list[Card], household: str
) -> None:
    redeemer.redeem([redeem(cards[0], household)])
    asked = replace(redeem(cards[1], household), notify=PHONE)
    with away(db, from_commit=True):
        (outcome,) = redeemer.redeem([asked])
    text_late_answer(db, asked, outcome)
    assert "可能已受理" in dict(texts_sent(db)[-1:])[PHONE]
