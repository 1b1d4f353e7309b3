"""Stored bills: reading, quoting, paying from a balance, and bills out with a bank."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select

from accounts.balances import AccountUnknown, lock_accounts
from accounts.bills import (
    BillStateWrong,
    back_from_bank,
    frozen_days,
    open_bills,
    rates,
    seed_rates,
    send_to_bank,
    settle_from_balance,
    tell_arrears,
)
from accounts.late_fee import Rate
from accounts.tables import late_fee_rate, quote
from core.db import Database
from core.errors import ConfigurationError
from tests.accounts.bills import DUE_ON, START
from tests.accounts.rows import (
    assert_books_agree,
    balance_fen,
    count,
    make_account,
    make_bill,
    stored_bill,
)
from tests.accounts.test_balances import HOSTILE
from tests.clocks import FakeClock

LATE_EVENING = datetime(2025, 4, 10, 15, 55, tzinfo=UTC)  # 23:55 in Shanghai


def test_open_bills_come_oldest_due_first_and_paid_ones_not_at_all(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=50_000)
    young = make_bill(books, number, due_on=DUE_ON + timedelta(days=60))
    with_bank = make_bill(books, number, due_on=DUE_ON + timedelta(days=30), state="with_bank")
    paid = make_bill(books, number, 1_000, due_on=DUE_ON)
    with books.write() as session:
        accounts = lock_accounts(session, [number])
        settle_from_balance(session, books.settings, accounts.values())
    with books.read() as session:
        found = open_bills(session, [number, "4209999999", *HOSTILE])
    assert stored_bill(books, paid).state == "paid"
    assert {n: [bill.id for bill in bills] for n, bills in found.items()} == {
        number: [with_bank, young]
    }


def test_seeding_rates_again_keeps_what_was_set(books: Database) -> None:
    with books.write() as session:
        row = {
            "account_class": "other",
            "effective_from": date(2025, 6, 1),
            "due_year_per_100k": 50,
            "later_years_per_100k": 60,
        }
        session.execute(insert(late_fee_rate), [row])
        seed_rates(session)
        assert rates(session) == {
            "residential": [Rate(START, 100, 100)],
            "other": [Rate(START, 200, 300), Rate(date(2025, 6, 1), 50, 60)],
        }


def test_without_rates_no_bill_is_quietly_free_of_fees(books: Database) -> None:
    with books.write() as session:
        session.execute(delete(late_fee_rate).where(late_fee_rate.c.account_class == "other"))
        with pytest.raises(ConfigurationError):
            rates(session)


def test_telling_arrears_freezes_the_late_fee_for_ten_minutes(
    books: Database, clock: FakeClock
) -> None:
    number = make_account(books, "4201000001")
    make_bill(books, number)
    clock.now = LATE_EVENING
    with books.write() as session:
        told = tell_arrears(session, books.settings, number)
    assert (told.principal_fen, told.fee_fen) == (100_000, 1_600)
    with books.read() as session:
        row = session.execute(select(quote)).one()
        before_expiry = LATE_EVENING + timedelta(minutes=9)
        assert (row.fee_fen, row.counted_to) == (1_600, date(2025, 4, 10))
        assert frozen_days(session, [number], before_expiry) == {number: date(2025, 4, 10)}
        assert frozen_days(session, [number], LATE_EVENING + timedelta(minutes=10)) == {}


def test_asking_again_after_midnight_neither_lengthens_nor_loses_the_older_quote(
    books: Database,
    clock: FakeClock,
) -> None:
    number = make_account(books, "4201000001")
    make_bill(books, number)
    fees = []
    for minutes in (0, 9):
        clock.now = LATE_EVENING + timedelta(minutes=minutes)
        with books.write() as session:
            fees.append(tell_arrears(session, books.settings, number).fee_fen)
    assert fees == [1_600, 1_700]
    with books.read() as session:
        days = [
            frozen_days(session, [number], LATE_EVENING + timedelta(minutes=m)).get(number)
            for m in (9, 11, 20)
        ]
    assert days == [date(2025, 4, 10), date(2025, 4, 11), None]


def test_no_quote_is_written_where_no_fee_was_told(books: Database) -> None:
    number = make_account(books, "4201000001")
    make_bill(books, number, due_on=date(2025, 5, 1))
    with books.write() as session:
        assert tell_arrears(session, books.settings, number).fee_fen == 0
    assert count(books, quote) == 0


@pytest.mark.parametrize("number", ["4209999999", *HOSTILE])
def test_arrears_of_an_unknown_account_are_an_error(books: Database, number: str) -> None:
    with books.write() as session, pytest.raises(AccountUnknown):
        tell_arrears(session, books.settings, number)


def test_a_balance_pays_open_bills_and_the_books_agree(books: Database) -> None:
    rich = make_account(books, "4201000001", balance_fen=200_000)
    poor = make_account(books, "4201000002", balance_fen=500)
    none = make_account(books, "4201000003")
    bills = [make_bill(books, number, 100_000) for number in (rich, poor, none)]
    with books.write() as session:
        accounts = lock_accounts(session, [rich, poor, none])
        assert settle_from_balance(session, books.settings, accounts.values()) == 102_100
    assert [stored_bill(books, i).state for i in bills] == ["paid", "open", "open"]
    assert [balance_fen(books, n) for n in (rich, poor, none)] == [98_400, 0, 0]
    assert_books_agree(books)


def test_settling_again_changes_nothing(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=200_000)
    make_bill(books, number)
    paid = []
    for _ in range(2):
        with books.write() as session:
            accounts = lock_accounts(session, [number]).values()
            paid.append(settle_from_balance(session, books.settings, accounts))
    assert paid == [101_600, 0]


def test_a_bill_with_a_bank_waits_and_is_paid_when_it_comes_back(
    books: Database, clock: FakeClock
) -> None:
    number = make_account(books, "4201000001", balance_fen=200_000)
    bill_id = make_bill(books, number)
    with books.write() as session:
        send_to_bank(session, [bill_id])
        accounts = lock_accounts(session, [number]).values()
        assert settle_from_balance(session, books.settings, accounts) == 0
    assert stored_bill(books, bill_id).state == "with_bank"
    clock.advance(days=2)
    with books.write() as session:
        back_from_bank(session, books.settings, [bill_id])
    assert stored_bill(books, bill_id).state == "paid"
    assert balance_fen(books, number) == 200_000 - 101_800
    assert_books_agree(books)


def test_only_open_bills_go_to_a_bank_all_or_none(books: Database) -> None:
    number = make_account(books, "4201000001")
    first, second = make_bill(books, number), make_bill(books, number)
    with books.write() as session:
        send_to_bank(session, [first])
    for wrong in ([second, first], [second, 12345]):
        with books.write() as session, pytest.raises(BillStateWrong):
            send_to_bank(session, wrong)
    with books.write() as session, pytest.raises(BillStateWrong):
        back_from_bank(session, books.settings, [first, second])
    assert stored_bill(books, second).state == "open"
    assert stored_bill(books, first).state == "with_bank"
