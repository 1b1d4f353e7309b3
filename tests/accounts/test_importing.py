"""Importing: good lines in, bad lines told, cut and run again, on both databases."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts import importing
from accounts.csv_lines import BadLine, HeaderWrong
from accounts.importing import ImportReport, import_accounts, import_bills
from accounts.tables import bill, electricity_account, journal_entry, posting
from core.db import Database
from tests.accounts.rows import assert_books_agree, balance_fen, count, make_account

ACCOUNTS = "account_number,holder_name,class,phone,region"
BILLS = "account_number,bill_number,period,principal,due_on"
EXAMPLES = Path(__file__).parents[2] / "examples"


def _csv(header: str, lines: Iterable[str], encoding: str = "utf-8") -> BytesIO:
    return BytesIO("\n".join([header, *lines, ""]).encode(encoding))


def _account_lines(size: int) -> list[str]:
    return [f"42{n:08d},王小明,residential,,420106" for n in range(size)]


def _report(imported: int = 0, changed: int = 0, unchanged: int = 0) -> ImportReport:
    return ImportReport(imported, changed, unchanged, 0, ())


def test_the_same_file_twice_changes_nothing(books: Database) -> None:
    lines = _account_lines(1_200)
    assert import_accounts(books, _csv(ACCOUNTS, lines)) == _report(imported=1_200)
    with books.read() as session:
        before = session.execute(select(electricity_account)).all()
    assert import_accounts(books, _csv(ACCOUNTS, lines)) == _report(unchanged=1_200)
    with books.read() as session:
        assert session.execute(select(electricity_account)).all() == before


def test_an_account_with_other_data_is_changed_and_keeps_its_money(books: Database) -> None:
    make_account(books, "4201000001", balance_fen=700)
    line = "4201000001,李四,other,13800000001,420502"
    assert import_accounts(books, _csv(ACCOUNTS, [line])) == _report(changed=1)
    with books.read() as session:
        row = session.execute(select(electricity_account)).one()
    assert (row.holder_name, row.account_class, row.phone, row.region) == (
        "李四",
        "other",
        "+8613800000001",
        "420502",
    )
    assert (row.balance_fen, row.state) == (700, "open")
    assert import_accounts(books, _csv(ACCOUNTS, [line])) == _report(unchanged=1)


def test_good_lines_go_in_and_bad_ones_are_told_by_number(books: Database) -> None:
    report = import_accounts(
        books,
        _csv(
            ACCOUNTS,
            [
                "4201000001,王小明,residential,,",
                "123,王小明,residential,,",
                "4201000002,,residential,,",
                "4201000001,王小明,residential,,",
                "4201000003,王小明,residential",
                "4201000004,王小明,residential,,",
            ],
        ),
    )
    assert (report.imported, report.bad_count) == (2, 4)
    assert report.bad_lines == (
        BadLine(3, "account_number must be 10 or 13 digits"),
        BadLine(4, "holder_name must not be empty"),
        BadLine(5, "repeats line 2"),
        BadLine(6, "has 3 values where 5 are needed"),
    )
    assert count(books, electricity_account) == 2


def test_a_repeated_line_is_found_across_commits_and_the_first_one_stands(books: Database) -> None:
    lines = [*_account_lines(700), "4200000000,赵六,residential,,420106"]
    report = import_accounts(books, _csv(ACCOUNTS, lines))
    assert (report.imported, report.bad_lines) == (700, (BadLine(702, "repeats line 2"),))
    again = import_accounts(books, _csv(ACCOUNTS, lines))
    assert (again.imported, again.changed, again.unchanged, again.bad_count) == (0, 0, 700, 1)


def test_a_gbk_file_is_imported_by_naming_its_encoding(books: Database) -> None:
    lines = ["4201000001,王小明,residential,,"]
    wrong = import_accounts(books, _csv(ACCOUNTS, lines, "gbk"))
    assert (wrong.imported, [line.line for line in wrong.bad_lines]) == (0, [2])
    assert import_accounts(books, _csv(ACCOUNTS, lines, "gbk"), "gbk") == _report(imported=1)
    assert import_accounts(books, _csv("\ufeff" + ACCOUNTS, lines)) == _report(unchanged=1)


def test_a_wrong_header_leaves_no_trace(books: Database) -> None:
    with pytest.raises(HeaderWrong):
        import_accounts(books, _csv(ACCOUNTS.replace("class", "kind"), _account_lines(3)))
    with pytest.raises(HeaderWrong):
        import_bills(books, _csv(ACCOUNTS, _account_lines(3)))
    assert count(books, electricity_account) == 0


def test_of_many_bad_lines_the_first_are_named_and_all_are_counted(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_BAD_LINES", 5)
    report = import_accounts(books, _csv(ACCOUNTS, ["x"] * 1_100))
    assert (report.bad_count, [line.line for line in report.bad_lines]) == (1_100, [2, 3, 4, 5, 6])


def test_progress_is_told_after_every_500_lines(books: Database) -> None:
    told: list[tuple[int, int]] = []

    def progress(lines: int) -> None:
        told.append((lines, count(books, electricity_account)))

    import_accounts(books, _csv(ACCOUNTS, _account_lines(1_100)), progress=progress)
    assert told == [(500, 500), (1_000, 1_000), (1_100, 1_100)]


class _Cut(BytesIO):
    """A stream that breaks at a line, as a pulled disk or a killed program would."""

    lines_left = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        if self.lines_left == 0:
            raise OSError("the stream broke")
        self.lines_left -= 1
        return super().readline(size)


def test_an_import_that_was_cut_is_finished_by_running_it_again(books: Database) -> None:
    import_accounts(books, _csv(ACCOUNTS, _account_lines(300)))
    lines = [f"42{n % 300:08d},B{n},2025-03,1.00,2025-03-25" for n in range(1_300)]
    cut = _Cut(_csv(BILLS, lines).getvalue())
    cut.lines_left = 1 + 700
    with pytest.raises(OSError, match="broke"):
        import_bills(books, cut)
    assert (count(books, bill), count(books, journal_entry)) == (500, 500)
    assert import_bills(books, _csv(BILLS, lines)) == _report(imported=800, unchanged=500)
    assert (count(books, bill), count(books, posting)) == (1_300, 1_300)
    assert_books_agree(books)


def _twice_at_once(run: Callable[[], ImportReport]) -> tuple[int, int]:
    with ThreadPoolExecutor(2) as pool:
        reports = [done.result() for done in [pool.submit(run) for _ in range(2)]]
    assert [(report.changed, report.bad_count) for report in reports] == [(0, 0), (0, 0)]
    return sum(r.imported for r in reports), sum(r.unchanged for r in reports)


def test_two_imports_of_one_file_at_once_write_it_once(books: Database) -> None:
    accounts = _account_lines(1_000)
    done = _twice_at_once(lambda: import_accounts(books, _csv(ACCOUNTS, accounts)))
    assert (done, count(books, electricity_account)) == ((1_000, 1_000), 1_000)
    bills = [f"42{n % 50:08d},B{n},2025-03,1.00,2025-03-25" for n in range(1_000)]
    done = _twice_at_once(lambda: import_bills(books, _csv(BILLS, bills)))
    assert (done, count(books, bill), count(books, posting)) == ((1_000, 1_000), 1_000, 1_000)


def test_a_bill_is_posted_and_waits_for_money(books: Database) -> None:
    make_account(books, "4201000001")
    report = import_bills(books, _csv(BILLS, ["4201000001,B1,2025-03,120.00,2025-03-25"]))
    assert report == _report(imported=1)
    with books.read() as session:
        stored = session.execute(select(bill)).one()
        entry = session.execute(select(journal_entry)).one()
        posted = session.execute(select(posting)).one()
    assert (stored.principal_fen, stored.state, stored.period) == (12_000, "open", "2025-03")
    assert (entry.event, entry.reference) == ("bill imported", "B1")
    assert (posted.debit, posted.credit, posted.amount_fen) == (1123, 2202, 12_000)
    assert (posted.account_number, posted.bill_id) == ("4201000001", stored.id)


def test_a_new_bill_is_paid_at_once_from_the_balance(books: Database) -> None:
    make_account(books, "4201000001", balance_fen=50_000)
    lines = [
        "4201000001,B1,2025-03,120.00,2025-05-25",
        "4201000001,B2,2025-02,100.00,2025-03-25",
        "4201000001,B3,2025-04,400.00,2025-06-25",
    ]
    assert import_bills(books, _csv(BILLS, lines)) == _report(imported=3)
    with books.read() as session:
        bills = {row.bill_number: row for row in session.execute(select(bill))}
    assert [bills[n].state for n in ("B1", "B2", "B3")] == ["paid", "paid", "open"]
    assert bills["B2"].paid_fee_fen == 160
    assert bills["B3"].paid_principal_fen == 50_000 - 12_000 - 10_160
    assert balance_fen(books, "4201000001") == 0
    assert_books_agree(books)


def test_bills_run_again_pay_nothing_twice(books: Database) -> None:
    make_account(books, "4201000001", balance_fen=50_000)
    lines = ["4201000001,B1,2025-03,120.00,2025-05-25"]
    for _ in range(2):
        import_bills(books, _csv(BILLS, lines))
    assert balance_fen(books, "4201000001") == 38_000
    assert_books_agree(books)


def test_bad_bills_are_told_and_change_nothing(books: Database) -> None:
    make_account(books, "4201000001")
    import_bills(books, _csv(BILLS, ["4201000001,B1,2025-03,120.00,2025-03-25"]))
    report = import_bills(
        books,
        _csv(
            BILLS,
            [
                "4201000001,B1,2025-03,120.01,2025-03-25",
                "4209999999,B2,2025-03,120.00,2025-03-25",
                "4201000001,B3,2025-03,-1.00,2025-03-25",
                "4201000001,B4,2025-03,0.01,2025-03-25",
            ],
        ),
    )
    assert report.imported == 1
    assert report.bad_lines == (
        BadLine(2, "bill already imported with other content"),
        BadLine(3, "there is no account with this account_number"),
        BadLine(4, "a sum must be written in yuan with two decimals, like 120.00"),
    )
    with books.read() as session:
        assert session.execute(select(func.sum(bill.c.principal_fen))).scalar_one() == 12_001


def test_one_bill_number_may_stand_under_two_accounts(books: Database) -> None:
    make_account(books, "4201000001")
    make_account(books, "4201000002")
    lines = [f"420100000{n},B1,2025-03,120.00,2025-03-25" for n in (1, 2)]
    assert import_bills(books, _csv(BILLS, lines)) == _report(imported=2)


def test_the_lengths_of_numbers_are_a_setting(books: Database) -> None:
    books.settings = replace(books.settings, account_digits="13")
    report = import_accounts(books, _csv(ACCOUNTS, _account_lines(1)))
    assert report.bad_lines == (BadLine(2, "account_number must be 13 digits"),)


def test_the_examples_are_imported_without_a_bad_line(books: Database) -> None:
    accounts = import_accounts(books, EXAMPLES / "accounts.csv")
    bills = import_bills(books, EXAMPLES / "bills.csv")
    assert (accounts.bad_lines, bills.bad_lines) == ((), ())
    assert (accounts.imported, bills.imported) == (30, 32)
    with books.read() as session:
        classes = session.execute(select(electricity_account.c.account_class).distinct())
        lengths = session.execute(
            select(func.length(electricity_account.c.number)).distinct()
        ).scalars()
        assert set(classes.scalars()) == {"residential", "other"}
        assert set(lengths) == {10, 13}
