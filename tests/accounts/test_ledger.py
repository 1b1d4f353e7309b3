"""The books: what cannot be written, what is written, and how it is read back."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from accounts.balances import BalanceTooLow, add_to_balances
from accounts.ledger import (
    AlreadyReversed,
    Entry,
    EntryTouchesBills,
    EntryTouchesCards,
    EntryUnknown,
    LedgerCode,
    Posting,
    PostingInvalid,
    latest_credits,
    party_receivable,
    post,
    reverse,
    seed_chart,
    statement,
    trial_balance,
)
from accounts.tables import CHART, journal_entry, ledger_account
from core.db import Database
from core.errors import InvalidInput
from tests.accounts.rows import (
    ZONE,
    assert_books_agree,
    balance_fen,
    count,
    make_account,
    make_bill,
    top_up,
)
from tests.clocks import FakeClock
from tests.factories import make_party

BANK, SUSPENSE = LedgerCode.BANK, LedgerCode.SUSPENSE
RECEIVABLE, VOUCHERS = LedgerCode.DISTRIBUTOR_RECEIVABLE, LedgerCode.VOUCHER_LIABILITY


@pytest.mark.parametrize("amount", [0, -1, True, 1.5, 10**15, None])
def test_a_posting_without_a_sum_above_zero_cannot_be_made(amount: Any) -> None:
    with pytest.raises(PostingInvalid):
        Posting(BANK, SUSPENSE, amount)


@pytest.mark.parametrize(
    ("debit", "credit", "names"),
    [
        (BANK, BANK, {}),
        (BANK, RECEIVABLE, {}),
        (VOUCHERS, LedgerCode.ELECTRICITY_ACCOUNT, {}),
        (LedgerCode.BILL_RECEIVABLE, LedgerCode.UTILITY_PAYABLE, {"account_number": "4201000001"}),
        (LedgerCode.BILL_RECEIVABLE, LedgerCode.UTILITY_PAYABLE, {"bill_id": 1}),
    ],
)
def test_a_posting_that_does_not_say_whose_it_is_cannot_be_made(
    debit: LedgerCode, credit: LedgerCode, names: dict[str, Any]
) -> None:
    with pytest.raises(PostingInvalid):
        Posting(debit, credit, 100, **names)


@pytest.mark.parametrize(
    ("event", "reference", "postings", "reverses"),
    [
        ("x", "y", (), None),
        ("", "y", (Posting(BANK, SUSPENSE, 1),), None),
        ("x", "", (Posting(BANK, SUSPENSE, 1),), None),
        ("x", "y", (Posting(BANK, SUSPENSE, 1),), 1),
    ],
)
def test_an_entry_without_postings_event_or_reference_cannot_be_made(
    event: str, reference: str, postings: tuple[Posting, ...], reverses: int | None
) -> None:
    with pytest.raises(PostingInvalid):
        Entry(1, event, reference, postings, reverses)


def test_every_account_of_the_chart_has_a_name_in_both_languages() -> None:
    assert len({code.zh for code in LedgerCode}) == len(LedgerCode)
    assert len({code.en for code in LedgerCode}) == len(LedgerCode)
    assert {code.kind for code in LedgerCode} == {"asset", "liability", "income", "expense"}


def test_the_chart_can_be_seeded_again(books: Database) -> None:
    with books.write() as session:
        seed_chart(session)
    assert count(books, ledger_account) == len(LedgerCode)
    assert sorted(LedgerCode) == list(CHART)


def test_entries_carry_the_local_day_of_their_instant(books: Database, clock: FakeClock) -> None:
    clock.now = datetime(2025, 4, 10, 16, 30, tzinfo=UTC)  # half past midnight there
    with books.write() as session:
        post(session, [Entry(session.new_id(), "x", "y", (Posting(BANK, SUSPENSE, 5),))], ZONE)
    with books.read() as session:
        row = session.execute(select(journal_entry)).one()
    assert (row.business_day, row.at) == (date(2025, 4, 11), clock.now)


def test_debits_and_credits_of_the_trial_balance_are_equal(books: Database) -> None:
    make_account(books, "4201000001", balance_fen=5_000)
    with books.write() as session:
        entries = [
            Entry(session.new_id(), "x", str(n), (Posting(BANK, SUSPENSE, n),)) for n in (1, 2, 3)
        ]
        post(session, entries, ZONE)
    with books.read() as session:
        rows = {row.code: (row.debit_fen, row.credit_fen) for row in trial_balance(session)}
    assert set(rows) == set(LedgerCode)
    assert (rows[BANK], rows[SUSPENSE]) == ((6, 0), (0, 6))
    assert rows[LedgerCode.ELECTRICITY_ACCOUNT] == (0, 5_000)
    assert rows[VOUCHERS] == (5_000, 0)


def test_a_party_owes_what_was_debited_less_what_it_paid(books: Database) -> None:
    with books.write() as session:
        ours, other = make_party(session), make_party(session)
        postings = (
            Posting(RECEIVABLE, VOUCHERS, 9_500, party_id=ours),
            Posting(LedgerCode.COMMISSION_EXPENSE, VOUCHERS, 500, party_id=ours),
            Posting(BANK, RECEIVABLE, 4_000, party_id=ours),
            Posting(BANK, RECEIVABLE, 700, party_id=other),
        )
        post(session, [Entry(session.new_id(), "x", "y", postings)], ZONE)
        assert party_receivable(session, ours) == 5_500
        assert party_receivable(session, other) == -700
        assert party_receivable(session, 12345) == 0


def test_reversing_mirrors_the_postings_and_takes_the_money_back(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=100)
    with books.write() as session:
        entry_id = top_up(session, number, 5_000, BANK)
    with books.write() as session:
        mirror = reverse(session, entry_id, "wrong account", ZONE)
    assert mirror.reverses == entry_id
    assert [(p.debit, p.credit, p.amount_fen) for p in mirror.postings] == [
        (LedgerCode.ELECTRICITY_ACCOUNT, BANK, 5_000)
    ]
    assert balance_fen(books, number) == 100
    assert_books_agree(books)


def test_an_entry_is_reversed_once_and_a_reversal_never(books: Database) -> None:
    number = make_account(books, "4201000001")
    with books.write() as session:
        entry_id = top_up(session, number, 5_000, BANK)
        mirror = reverse(session, entry_id, "first", ZONE)
    for again in (entry_id, mirror.id):
        with pytest.raises(AlreadyReversed), books.write() as session:
            reverse(session, again, "second", ZONE)
    assert count(books, journal_entry) == 2


def test_money_that_is_spent_cannot_be_taken_back(books: Database) -> None:
    number = make_account(books, "4201000001")
    with books.write() as session:
        entry_id = top_up(session, number, 5_000, BANK)
        spent = Posting(LedgerCode.ELECTRICITY_ACCOUNT, SUSPENSE, 4_000, account_number=number)
        post(session, [Entry(session.new_id(), "x", "y", (spent,))], ZONE)
        add_to_balances(session, {number: -4_000})
    with pytest.raises(BalanceTooLow), books.write() as session:
        reverse(session, entry_id, "too late", ZONE)
    assert balance_fen(books, number) == 1_000


def test_an_entry_that_changed_bills_is_not_simply_mirrored(books: Database) -> None:
    number = make_account(books, "4201000001")
    bill_id = make_bill(books, number)
    owed = Posting(LedgerCode.BILL_RECEIVABLE, LedgerCode.UTILITY_PAYABLE, 5, None, number, bill_id)
    with books.write() as session:
        entry = Entry(session.new_id(), "bill imported", "y", (owed,))
        post(session, [entry], ZONE)
    with pytest.raises(EntryTouchesBills), books.write() as session:
        reverse(session, entry.id, "no", ZONE)


def test_an_entry_that_moved_the_value_of_cards_is_not_simply_mirrored(books: Database) -> None:
    number = make_account(books, "4201000001")
    with books.write() as session:
        entry_id = top_up(session, number, 5_000)
    with pytest.raises(EntryTouchesCards), books.write() as session:
        reverse(session, entry_id, "no", ZONE)
    assert balance_fen(books, number) == 5_000


def test_an_unknown_entry_cannot_be_reversed(books: Database) -> None:
    with pytest.raises(EntryUnknown), books.write() as session:
        reverse(session, 1, "no", ZONE)


def test_a_statement_is_read_in_pages_with_a_running_balance(books: Database) -> None:
    number = make_account(books, "4201000001")
    make_account(books, "4201000002", balance_fen=77)
    with books.write() as session:
        for amount in (100, 20, 3, 4_000, 50_000):
            top_up(session, number, amount)
    pages, after = [], 0
    while True:
        with books.read() as session:
            page = statement(session, number, after, 2)
        pages.append([(line.amount_fen, line.balance_fen) for line in page.lines])
        if page.next_after_id is None:
            break
        after = page.next_after_id
    assert pages == [[(100, 100), (20, 120)], [(3, 123), (4_000, 4_123)], [(50_000, 54_123)]]
    assert page.opening_fen == 4_123


def test_the_latest_credits_of_an_account_are_told_newest_first(
    books: Database, clock: FakeClock
) -> None:
    number, other = make_account(books, "4201000001"), make_account(books, "4201000002")
    instants = []
    for to, amount in [(number, 100), (other, 7), (number, 20), (number, 3)]:
        clock.advance(minutes=1)
        with books.write() as session:
            instants.append(session.now)
            top_up(session, to, amount)
    with books.read() as session:
        assert latest_credits(session, number, VOUCHERS, 2) == ((instants[3], 3), (instants[2], 20))
        assert latest_credits(session, number, BANK, 2) == ()


def test_a_statement_ends_without_an_empty_page(books: Database) -> None:
    number = make_account(books, "4201000001", balance_fen=100)
    with books.read() as session:
        page = statement(session, number, limit=1)
        empty = statement(session, "4201000009")
    assert (len(page.lines), page.next_after_id) == (1, None)
    assert (empty.lines, empty.opening_fen, empty.next_after_id) == ((), 0, None)


@pytest.mark.parametrize(("after", "limit"), [(0, 0), (0, 201), (-1, 10), (2**63, 10)])
def test_a_page_has_limits(books: Database, after: int, limit: int) -> None:
    with books.read() as session, pytest.raises(InvalidInput):
        statement(session, "4201000001", after, limit)
