"""A bank's statement: good lines in, bad lines told by number and code, safe to run again."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts.csv_lines import HeaderWrong
from distribution import bank_statement
from distribution.bank_statement import BadLine, StatementReport, import_statement
from distribution.payments import reverse_payment
from distribution.tables import payment
from staff.permissions import Forbidden
from tests.distribution.trade import Trade

HEADER = "reference,paid_on,party,amount"


@pytest.fixture
def city(trade: Trade) -> Trade:
    """A trade whose city owes on credit."""
    trade.contract("city", "credit", 10**9)
    return trade


def run(trade: Trade, *lines: str, who: str = "finance") -> StatementReport:
    text = "\n".join([HEADER, *lines, ""])
    return import_statement(trade.db, trade.people[who], BytesIO(text.encode()))


def stored(trade: Trade) -> int:
    with trade.db.read() as session:
        return int(session.execute(select(func.count()).select_from(payment)).scalar_one())


def test_the_same_statement_twice_changes_nothing(city: Trade) -> None:
    lines = [f"R-{n},2025-06-10,CITY,10.00" for n in range(1_200)]
    first = run(city, *lines)
    assert (first.recorded, first.unchanged, first.bad_count) == (1_200, 0, 0)
    before = city.snapshot()
    again = run(city, *lines)
    assert (again.recorded, again.unchanged, again.bad_count) == (0, 1_200, 0)
    assert city.snapshot() == before
    assert city.owed("city") == -1_200_000


def test_each_bad_line_is_told_by_number_and_code_and_spoils_no_other(city: Trade) -> None:
    city.pay("city", 700, "USED")
    report = run(
        city,
        "R-1,2025-06-10,CITY,10.00",
        "R-2,2025-06-10,NOWHERE,10.00",
        "R-3,2025-06-10,OUTLET,10.00",
        "R-4,2025-06-10,CITY,ten",
        "R-5,2025-06-31,CITY,10.00",
        "R-6,2025-06-12,CITY,10.00",
        "r-1,2025-06-10,CITY,10.00",
        "used,2025-06-10,CITY,10.00",
        "R-7,2025-06-10,CITY",
        "R 8,2025-06-10,CITY,10.00",
        "R-9,2025-06-10,,10.00",
        "R-10,2025-06-10,CITY,0.00",
        "R-11,2025-06-10,CITY,10.01",
    )
    assert (report.recorded, report.unchanged, report.bad_count) == (2, 0, 11)
    assert [(bad.line, bad.code) for bad in report.bad_lines] == [
        (3, "party_unknown"),
        (4, "no_contract"),
        (5, "invalid_input"),
        (6, "invalid_input"),
        (7, "invalid_input"),
        (8, "line_repeated"),
        (9, "reference_used"),
        (10, "line_unreadable"),
        (11, "invalid_input"),
        (12, "invalid_input"),
        (13, "invalid_input"),
    ]
    assert report.bad_lines[5] == BadLine(8, "line_repeated", "repeats the reference of line 2")
    assert city.owed("city") == -700 - 1_000 - 1_001


def test_a_bounced_payment_is_not_paid_again_by_the_next_statement(city: Trade) -> None:
    run(city, "R-1,2025-06-10,CITY,10.00")
    reverse_payment(city.db, city.people["finance"], "R-1", "no funds")
    report = run(city, "R-1,2025-06-10,CITY,10.00", "R-2,2025-06-10,CITY,5.00")
    assert (report.recorded, report.unchanged) == (1, 1)
    assert city.owed("city") == -500


def test_a_wrong_header_or_role_leaves_no_trace(city: Trade) -> None:
    before = city.snapshot()
    with pytest.raises(HeaderWrong):
        import_statement(city.db, city.people["finance"], BytesIO(b"a,b\n1,2\n"))
    with pytest.raises(Forbidden):
        run(city, "R-1,2025-06-10,CITY,10.00", who="agent")
    assert city.snapshot() == before


def test_of_many_bad_lines_the_first_are_named_and_all_are_counted(
    city: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_statement, "MAX_BAD_LINES", 5)
    report = run(city, *["x"] * 1_100)
    assert (report.bad_count, [bad.line for bad in report.bad_lines]) == (1_100, [2, 3, 4, 5, 6])


def test_progress_is_told_after_every_500_lines(city: Trade) -> None:
    told: list[tuple[int, int]] = []
    text = "\n".join([HEADER, *(f"R-{n},2025-06-10,CITY,10.00" for n in range(1_100))])
    import_statement(
        city.db,
        city.people["finance"],
        BytesIO(text.encode()),
        progress=lambda lines: told.append((lines, stored(city))),
    )
    assert told == [(500, 500), (1_000, 1_000), (1_100, 1_100)]


def test_two_imports_of_one_statement_at_once_pay_it_once(city: Trade) -> None:
    lines = [f"R-{n},2025-06-10,CITY,10.00" for n in range(1_000)]
    with ThreadPoolExecutor(2) as pool:
        reports = [done.result() for done in [pool.submit(run, city, *lines) for _ in range(2)]]
    assert sum(report.recorded for report in reports) == 1_000
    assert sum(report.unchanged for report in reports) == 1_000
    assert stored(city) == 1_000
    assert city.owed("city") == -1_000_000


def test_the_example_is_imported_without_a_bad_line(city: Trade) -> None:
    example = Path(__file__).parents[2] / "examples" / "payments.csv"
    text = example.read_text(encoding="utf-8").replace(",WH,", ",CITY,").replace("WH-SHOP1", "CITY")
    report = import_statement(city.db, city.people["finance"], BytesIO(text.encode()))
    assert (report.recorded, report.bad_lines) == (2, [])
