"""Accounts as rows: locking, finding, and changing many balances at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError

from accounts.balances import (
    AccountUnknown,
    add_to_balances,
    lock_accounts,
    read_account,
    well_formed,
)
from core.db import Database
from tests.accounts.rows import balance_fen, make_account
from tests.waiting import wait_for_lock_waiters

HOSTILE = [
    "",
    "\0",
    "4201\00000001",
    "\ud800" * 10,
    "４２０１０００００１",
    "9" * 100_000,
    "-420100000",
]


def test_texts_that_are_no_number_never_reach_the_database() -> None:
    assert well_formed([*HOSTILE, "4201000002", "4201000001", "4201000002", "4201000000001"]) == [
        "4201000000001",
        "4201000001",
        "4201000002",
    ]


def test_locked_accounts_come_by_number_and_unknown_ones_are_absent(books: Database) -> None:
    make_account(books, "4201000002", balance_fen=7)
    make_account(books, "4201000000001")
    with books.write() as session:
        found = lock_accounts(session, ["4201000002", "4201000000001", "4209999999", *HOSTILE])
    assert list(found) == ["4201000000001", "4201000002"]
    assert (found["4201000002"].balance_fen, found["4201000002"].state) == (7, "open")


@pytest.mark.parametrize("number", ["4209999999", *HOSTILE])
def test_an_unknown_number_is_said_to_be_unknown(books: Database, number: str) -> None:
    with books.read() as session, pytest.raises(AccountUnknown):
        read_account(session, number)


def test_many_balances_change_in_one_call_and_versions_rise(books: Database) -> None:
    numbers = [make_account(books, f"42010000{n:02d}", balance_fen=100) for n in range(3)]
    with books.write() as session:
        before = lock_accounts(session, numbers)
        add_to_balances(session, {numbers[0]: 50, numbers[1]: -100, numbers[2]: 0})
        after = lock_accounts(session, numbers)
    assert [after[n].balance_fen for n in numbers] == [150, 0, 100]
    assert [after[n].version - before[n].version for n in numbers] == [1, 1, 0]


def test_locked_accounts_are_changed_where_they_lie(books: Database) -> None:
    numbers = [make_account(books, f"42010000{n:02d}", balance_fen=100) for n in range(3)]
    with books.write() as session:
        locked = lock_accounts(session, numbers)
        add_to_balances(session, {numbers[2]: 7, numbers[0]: 50, numbers[1]: 0}, locked)
    assert [balance_fen(books, number) for number in numbers] == [150, 100, 107]


def test_who_waited_for_an_account_changes_what_the_other_left(postgresql_db: Database) -> None:
    number = make_account(postgresql_db, "4201000001", balance_fen=100)

    def add_five() -> None:
        with postgresql_db.write() as session:
            add_to_balances(session, {number: 5}, lock_accounts(session, [number]))

    with ThreadPoolExecutor(1) as other:
        with postgresql_db.write() as session:
            locked = lock_accounts(session, [number])
            waiting = other.submit(add_five)
            wait_for_lock_waiters(postgresql_db, 1)
            add_to_balances(session, {number: 20}, locked)
        waiting.result()
    assert balance_fen(postgresql_db, number) == 125


def test_where_an_account_lay_before_it_was_changed_nothing_is_changed(
    postgresql_db: Database,
) -> None:
    number = make_account(postgresql_db, "4201000001", balance_fen=100)
    with pytest.raises(AccountUnknown), postgresql_db.write() as session:
        locked = lock_accounts(session, [number])
        add_to_balances(session, {number: 5}, locked)
        add_to_balances(session, {number: 5}, locked)
    assert balance_fen(postgresql_db, number) == 100


def test_a_balance_never_goes_below_zero(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=100)
    with pytest.raises(IntegrityError), books.write() as session:
        add_to_balances(session, {number: -101})
    assert balance_fen(books, number) == 100


def test_a_change_for_an_unknown_account_changes_nothing(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=100)
    with pytest.raises(AccountUnknown), books.write() as session:
        add_to_balances(session, {number: 5, "4209999999": 5})
    assert balance_fen(books, number) == 100
