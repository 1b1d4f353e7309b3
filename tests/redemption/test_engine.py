"""The engine on real databases: what stands in the tables afterwards."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import NoReturn

import pytest
from msgspec.structs import replace
from sqlalchemy import event, func, select, update
from structlog.testing import capture_logs

from accounts.ledger import LedgerCode
from accounts.tables import bill, electricity_account, journal_entry, posting
from api.redeeming import MAX_ITEMS
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from core.tables import outbox
from redemption.engine import Redeemer
from redemption.requests import (
    Answer,
    Code,
    Outcome,
    Purpose,
    RedeemRequest,
    caller_of_partner,
    caller_of_phone,
)
from redemption.tables import alarm, attempt, caller, caller_lock, redemption, request
from tests.factories import make_bill, make_electricity_account
from tests.redemption.cards import PHONE, Card, make_cards, redeem
from tests.redemption.test_races import world
from vouchers.card_facts import LotMoved
from vouchers.lookup import ArgonPool
from vouchers.pins import draw
from vouchers.tables import lot


@pytest.fixture
def account(db: Database) -> str:
    with db.write() as session:
        return make_electricity_account(session)


@pytest.fixture
def cards(db: Database, keys: Keys) -> list[Card]:
    with db.write() as session:
        return make_cards(session, keys.get(), 20)


def count(db: Database, table: object) -> int:
    with db.read() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def balance(db: Database, number: str) -> int:
    with db.read() as session:
        query = select(electricity_account.c.balance_fen).where(
            electricity_account.c.number == number
        )
        return int(session.execute(query).scalar_one())


def test_a_card_becomes_money_on_the_account_with_its_entry_and_receipt(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    asked = redeem(cards[0], account, notify=PHONE)
    answer = redeemer.redeem([asked])[0].answer
    assert answer.code is Code.REDEEMED
    assert balance(db, account) == 5_000
    with db.read() as session:
        row = session.execute(select(redemption)).one()
        entry = session.execute(
            select(journal_entry).where(journal_entry.c.event == "redemption")
        ).one()
        value = session.execute(select(posting).where(posting.c.entry_id == entry.id)).one()
        message = session.execute(select(outbox)).one()
    assert (row.serial, row.receipt_number) == (cards[0].serial, answer.receipt_number)
    assert (row.entry_id, entry.reference) == (entry.id, answer.receipt_number)
    assert (value.debit, value.credit) == (
        LedgerCode.VOUCHER_LIABILITY,
        LedgerCode.ELECTRICITY_ACCOUNT,
    )
    assert answer.receipt_number is not None
    assert message.recipient == PHONE
    assert answer.receipt_number in message.body


def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    asked = redeem(cards[0], account)
    first = redeemer.redeem([asked])[0]
    again = redeemer.redeem([asked, asked])
    assert [o.answer for o in again] == [first.answer] * 2
    assert [o.replayed for o in again] == [True, True]
    other = replace(asked, pin=cards[1].pin)
    assert redeemer.redeem([other])[0].answer.code is Code.REQUEST_CONFLICT
    assert (count(db, redemption), balance(db, account)) == (1, 5_000)


def test_arrears_are_settled_oldest_first_and_the_books_agree(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    with db.write() as session:
        for fen in (3_210, 4_000):
            make_bill(session, account, fen, session.today + timedelta(days=5))
    answers = [o.answer for o in redeemer.redeem([redeem(c, account) for c in cards[:2]])]
    assert [a.arrears_paid_fen for a in answers] == [5_000, 2_210]
    assert [a.balance_fen for a in answers] == [0, 2_790]
    assert balance(db, account) == 2_790
    with db.read() as session:
        assert set(session.execute(select(bill.c.state)).scalars()) == {"paid"}
        credit = func.sum(posting.c.amount_fen)
        sums = {
            (d, c): int(total)
            for d, c, total in session.execute(
                select(posting.c.debit, posting.c.credit, credit)
                .where(posting.c.account_number == account)
                .group_by(posting.c.debit, posting.c.credit)
            )
        }
    assert sums == {
        (LedgerCode.VOUCHER_LIABILITY, LedgerCode.ELECTRICITY_ACCOUNT): 10_000,
        (LedgerCode.ELECTRICITY_ACCOUNT, LedgerCode.BILL_RECEIVABLE): 7_210,
    }


def test_refused_tries_and_the_lock_are_rows_without_anything_of_the_pin(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    answers = [o.answer.code for o in redeemer.redeem([redeem(draw(), account) for _ in range(7)])]
    assert answers == [Code.PIN_UNKNOWN] * 5 + [Code.CALLER_LOCKED] * 2
    with db.read() as session:
        assert session.execute(select(caller.c.wrong_today)).scalar_one() == 5
        assert session.execute(select(caller_lock.c.rule)).scalar_one() == "day"
    assert count(db, attempt) == 5
    assert count(db, request) == 5
    right = redeemer.redeem([redeem(cards[0], account)])[0].answer
    assert right.code is Code.CALLER_LOCKED
    other = redeem(cards[0], account, caller=caller_of_phone("+8613800000002"))
    assert redeemer.redeem([other])[0].answer.code is Code.REDEEMED


def test_a_caller_gets_a_row_with_his_first_wrong_pin(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    assert redeemer.redeem([redeem(cards[0], account)])[0].answer.code is Code.REDEEMED
    assert count(db, caller) == 0
    both = redeemer.redeem([redeem(draw(), account), redeem(cards[1], account)])
    assert [outcome.answer.code for outcome in both] == [Code.PIN_UNKNOWN, Code.REDEEMED]
    with db.read() as session:
        row = session.execute(select(caller)).one()
    assert (row.wrong_today, row.wrong_in_row) == (1, 0)


def test_a_lock_outlives_the_process_and_ends_at_midnight(
    redeemer: Redeemer, db: Database, keys: Keys, cards: list[Card], account: str
) -> None:
    redeemer.redeem([redeem(draw(), account) for _ in range(5)])
    later = Redeemer(db, keys, redeemer.argon)
    asked = redeem(cards[0], account)
    assert later.redeem([asked])[0].answer.code is Code.CALLER_LOCKED
    with db.write() as session:
        session.execute(update(caller).values(locked_until=session.now))
    assert later.redeem([asked])[0].answer.code is Code.REDEEMED


def test_a_card_not_activated_is_unknown_to_the_caller_and_an_alarm_to_staff(
    redeemer: Redeemer, db: Database, keys: Keys, account: str
) -> None:
    with db.write() as session:
        asleep = make_cards(session, keys.get(), 1, stage="stocked")[0]
    told = redeemer.redeem([redeem(asleep, account)])[0].answer
    unknown = redeemer.redeem([redeem(draw(), account)])[0].answer
    assert (told.code, told.serial, told.tries_left) == (Code.PIN_UNKNOWN, None, 4)
    assert (unknown.code, unknown.serial, unknown.tries_left) == (Code.PIN_UNKNOWN, None, 3)
    with db.read() as session:
        raised = session.execute(select(alarm)).one()
        assert session.execute(select(request.c.serial)).scalars().all() == [None, None]
    assert raised.kind == "not_activated_card"


def test_a_dialogue_looks_a_card_up_by_pin_and_redeems_it_by_serial(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    check = redeem(cards[0], None, purpose=Purpose.CHECK)
    looked = redeemer.redeem([check])[0].answer
    assert (looked.code, looked.face_fen) == (Code.REDEEMABLE, 5_000)
    assert count(db, redemption) == 0
    confirmed = replace(redeem(None, account), serial=cards[0].serial)
    assert redeemer.redeem([confirmed])[0].answer.code is Code.REDEEMED


def test_cards_under_argon2id_are_found_and_wrong_pins_are_not(
    redeemer: Redeemer, db: Database, keys: Keys, account: str
) -> None:
    with db.write() as session:
        slow = make_cards(session, keys.get(), 2, face_fen=50_000, settings=db.settings)
    outcomes = redeemer.redeem([redeem(c.pin, account) for c in slow] + [redeem(draw(), account)])
    assert [o.answer.code for o in outcomes] == [Code.REDEEMED, Code.REDEEMED, Code.PIN_UNKNOWN]
    assert balance(db, account) == 100_000


def test_one_bad_request_does_not_harm_its_neighbours(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    full = "9999999999"
    with db.write() as session:
        make_electricity_account(session, full)
        session.execute(
            update(electricity_account)
            .where(electricity_account.c.number == full)
            .values(balance_fen=10**15 - 1)
        )
    poisoned = redeem(cards[3], account, caller=caller_of_partner("p", "\ud800"))
    list_of = [
        redeem(cards[0], account),
        redeem(cards[1], "0000000000"),
        redeem(cards[2], full),
        poisoned,
        redeem(cards[4], account),
    ]
    codes = [o.answer.code for o in redeemer.redeem(list_of)]
    assert codes == [
        Code.REDEEMED,
        Code.ACCOUNT_UNKNOWN,
        Code.TRY_LATER,
        Code.TRY_LATER,
        Code.REDEEMED,
    ]
    assert balance(db, account) == 10_000


def test_what_is_no_account_number_is_unknown_and_takes_no_list_apart(
    redeemer: Redeemer, cards: list[Card], account: str
) -> None:
    texts = ["", "\0", "42010000\x000", "４２０１０００００１", "9" * 100_000]
    asked = [redeem(card, text) for card, text in zip(cards, texts, strict=False)]
    with capture_logs() as logs:
        good, *others = redeemer.redeem([redeem(cards[-1], account), *asked])
        again = redeemer.redeem(asked)
    assert good.answer.code is Code.REDEEMED
    assert {outcome.answer.code for outcome in others} == {Code.ACCOUNT_UNKNOWN}
    assert [outcome.answer for outcome in again] == [outcome.answer for outcome in others]
    assert logs == []


def test_two_lots_of_one_batch_each_answer_for_their_own_cards(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    cut = cards[10].serial
    with db.write() as session:
        whole = session.execute(select(lot)).one()._asdict()
        session.execute(update(lot).values(last_serial=cut - 1))
        session.execute(lot.insert(), whole | {"first_serial": cut, "hold": "stolen", "version": 2})
    edge = [cards[0], cards[9], cards[10], cards[19]]
    codes = [o.answer.code for o in redeemer.redeem([redeem(c, account) for c in edge])]
    assert codes == [Code.REDEEMED] * 2 + [Code.VOUCHER_ON_HOLD] * 2


def test_cards_of_many_lots_go_through_together(
    redeemer: Redeemer, db: Database, keys: Keys, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write() as session:
        many = [make_cards(session, keys.get(), 2) for _ in range(4)]
    sizes: list[int] = []
    together = Redeemer._in_one_transaction

    def noted(self: Redeemer, requests: Sequence[RedeemRequest]) -> list[Outcome]:
        sizes.append(len(requests))
        return together(self, requests)

    monkeypatch.setattr(Redeemer, "_in_one_transaction", noted)
    outcomes = redeemer.redeem([redeem(card, account) for cards in many for card in cards])
    assert [outcome.answer.code for outcome in outcomes] == [Code.REDEEMED] * 8
    assert sizes == [8]


def test_the_log_tells_by_its_name_why_a_list_does_not_go_through(
    redeemer: Redeemer, cards: list[Card], account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(*_: object) -> None:
        raise LotMoved

    def odd(*_: object) -> None:
        raise ZeroDivisionError

    asked = [redeem(card, account) for card in cards[:2]]
    for fault, name in ((moved, "LotMoved"), (odd, "ZeroDivisionError")):
        monkeypatch.setattr("redemption.engine.load", fault)
        with capture_logs() as lines:
            outcomes = redeemer.redeem(asked)
        assert [outcome.answer.code for outcome in outcomes] == [Code.TRY_LATER] * 2
        told = [(line["event"], line["error"], line.get("exc_info", False)) for line in lines]
        alone = ("redemption_failed", name, fault is odd)
        assert told == [("list_taken_apart", name, False), alone, alone]


def told_of_an_absence(redeemer: Redeemer, asked: Sequence[RedeemRequest]) -> None:
    with capture_logs() as lines:
        outcomes = redeemer.redeem(asked)
    assert outcomes == [Outcome(Answer(code=Code.TRY_LATER))] * len(asked)
    told = [(line["event"], line["size"]) for line in lines]
    assert told == [("list_taken_apart", len(asked)), ("database_away", len(asked))]


def test_where_no_connection_can_be_made_one_of_a_list_asks_for_all(
    redeemer: Redeemer, db: Database, cards: list[Card], account: str
) -> None:
    asked = [redeem(card, account) for card in cards]
    calls: list[object] = []

    def refuse(*_: object) -> NoReturn:
        calls.append(refuse)
        raise db.engine.dialect.loaded_dbapi.OperationalError("nobody answers")

    event.listen(db.engine, "do_connect", refuse)
    db.engine.dispose()
    told_of_an_absence(redeemer, asked)
    event.remove(db.engine, "do_connect", refuse)
    assert len(calls) == 2
    assert {outcome.answer.code for outcome in redeemer.redeem(asked)} == {Code.REDEEMED}


def test_what_was_done_before_the_database_went_away_is_answered(
    redeemer: Redeemer,
    db: Database,
    cards: list[Card],
    account: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = redeem(cards[1], account, caller=caller_of_partner("p", "\ud800"))
    asked = [redeem(cards[0], account), poisoned, redeem(cards[2], account)]
    alone = Redeemer._redeem_alone

    def refuse(*_: object) -> NoReturn:
        raise db.engine.dialect.loaded_dbapi.OperationalError("nobody answers")

    def then_away(self: Redeemer, request: RedeemRequest, is_unknown: bool) -> Outcome:
        outcome = alone(self, request, is_unknown)
        event.listen(db.engine, "do_connect", refuse)
        db.engine.dispose()
        return outcome

    monkeypatch.setattr(Redeemer, "_redeem_alone", then_away)
    outcomes = redeemer.redeem(asked)
    event.remove(db.engine, "do_connect", refuse)
    assert [o.answer.code for o in outcomes] == [Code.REDEEMED, Code.TRY_LATER, Code.TRY_LATER]
    assert balance(db, account) == 5_000


def test_where_another_process_keeps_the_embedded_database_one_of_a_list_waits_for_all(
    sqlite_db: Database, keys: Keys
) -> None:
    held, (account,) = world(sqlite_db, keys, 4)
    asked = [redeem(card, account) for card in held]
    tries: list[str] = []

    @event.listens_for(sqlite_db.engine, "connect")
    def be_short(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=20")

    @event.listens_for(sqlite_db.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql == "BEGIN IMMEDIATE":
            tries.append(sql)

    sqlite_db.engine.dispose()
    redeemer = Redeemer(sqlite_db, keys, ArgonPool(sqlite_db.settings))
    with closing(sqlite3.connect(str(sqlite_db.engine.url.database))) as other:
        other.execute("BEGIN IMMEDIATE")
        told_of_an_absence(redeemer, asked)
    assert len(tries) == 2
    assert {outcome.answer.code for outcome in redeemer.redeem(asked)} == {Code.REDEEMED}
    redeemer.argon.close()


def test_a_bulk_of_slow_cards_has_a_place_for_each() -> None:
    # Nobody should be told "try later" by a server that has nothing else to do.
    places = Settings().argon2_threads + Settings().argon2_queue
    assert places >= MAX_ITEMS
