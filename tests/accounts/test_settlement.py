"""What an allocation writes: postings, bills, and nothing where a bill moved meanwhile."""

from datetime import date

import pytest

from accounts.allocation import Allocation, Bill, allocate
from accounts.bills import open_bills
from accounts.ledger import LedgerCode
from accounts.settlement import BillMoved, save_bill_payments, settlement_postings
from core.db import Database
from tests.accounts.bills import RATES, a_bill
from tests.accounts.rows import (
    assert_books_agree,
    balance_fen,
    make_account,
    make_bill,
    pay,
    stored_bill,
)

TODAY = date(2025, 4, 10)


def _allocate(amount_fen: int, bills: list[Bill]) -> Allocation:
    return allocate(amount_fen, bills, "residential", TODAY, RATES, 100)


def test_the_fee_is_charged_then_fee_and_principal_are_settled() -> None:
    postings = settlement_postings("4201000001", _allocate(12_192, [a_bill(12_000)]))
    receivable, account = LedgerCode.BILL_RECEIVABLE, LedgerCode.ELECTRICITY_ACCOUNT
    assert [(p.debit, p.credit, p.amount_fen) for p in postings] == [
        (receivable, LedgerCode.LATE_FEE_INCOME, 192),
        (account, receivable, 192),
        (account, receivable, 12_000),
    ]
    assert {(p.account_number, p.bill_id) for p in postings} == {("4201000001", 1)}


def test_a_payment_without_a_fee_posts_no_empty_sums() -> None:
    bill = a_bill(12_000, TODAY)
    (only,) = settlement_postings("4201000001", _allocate(500, [bill]))
    assert (only.credit, only.amount_fen) == (LedgerCode.BILL_RECEIVABLE, 500)


def test_bills_of_many_accounts_are_stored_as_allocated(books: Database) -> None:
    numbers = [make_account(books, f"42010000{n:02d}", balance_fen=60_000) for n in range(3)]
    ids = [make_bill(books, number, 50_000) for number in numbers]
    with books.write() as session:
        bills = open_bills(session, numbers)
        for number, amount in zip(numbers, (60_000, 20_000, 300), strict=True):
            pay(session, number, _allocate(amount, bills[number]))
    stored = [stored_bill(books, bill_id) for bill_id in ids]
    assert [row.state for row in stored] == ["paid", "open", "open"]
    assert [row.paid_fee_fen for row in stored] == [800, 800, 300]
    assert [row.paid_principal_fen for row in stored] == [50_000, 19_200, 0]
    assert {row.charged_fee_fen for row in stored} == {800}
    assert {row.fee_counted_to for row in stored} == {TODAY}
    assert [balance_fen(books, number) for number in numbers] == [9_200, 40_000, 59_700]
    assert_books_agree(books)


def test_a_bill_paid_twice_in_one_transaction_takes_its_last_state(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=60_000)
    bill_id = make_bill(books, number, 50_000)
    with books.write() as session:
        first = _allocate(10_000, open_bills(session, [number])[number])
        second = _allocate(10_000, [first.payments[0].bill_after])
        save_bill_payments(session, [first, second])
    assert stored_bill(books, bill_id).paid_principal_fen == 20_000 - 800


def test_a_bill_that_changed_meanwhile_is_not_overwritten(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=60_000)
    bill_id = make_bill(books, number, 50_000)
    with books.read() as session:
        stale = open_bills(session, [number])[number]
    with books.write() as session:
        pay(session, number, _allocate(10_000, stale))
    with pytest.raises(BillMoved), books.write() as session:
        save_bill_payments(session, [_allocate(20_000, stale)])
    assert stored_bill(books, bill_id).paid_principal_fen == 10_000 - 800
