"""What the values of an import line may be."""

from datetime import date

import pytest

from accounts.import_rows import NewAccount, NewBill, parse_account, parse_bill
from core.errors import InvalidInput

ACCOUNT = {
    "account_number": "4201000001",
    "holder_name": "王小明",
    "class": "residential",
    "phone": "138 0000 0001",
    "region": "420106",
}
BILL = {
    "account_number": "4201000001",
    "bill_number": "B202503001",
    "period": "2025-03",
    "principal": "120.00",
    "due_on": "2025-03-25",
}


def test_an_account_line_is_read_with_its_phone_in_international_form() -> None:
    assert parse_account(ACCOUNT, (10, 13)) == NewAccount(
        "4201000001", "王小明", "residential", "+8613800000001", "420106"
    )


def test_phone_and_region_may_be_empty() -> None:
    parsed = parse_account(ACCOUNT | {"phone": "", "region": ""}, (10, 13))
    assert (parsed.phone, parsed.region) == (None, None)


def test_a_bill_line_is_read_in_fen() -> None:
    expected = NewBill("4201000001", "B202503001", "2025-03", 12_000, date(2025, 3, 25))
    assert parse_bill(BILL, (10, 13)) == expected
    assert parse_bill(BILL | {"period": "202503"}, (10, 13)) == expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("account_number", ""),
        ("account_number", "420100000"),
        ("account_number", "42010000011"),
        ("account_number", "４２０１００００01"),
        ("account_number", "4201000 01"),
        ("account_number", "-420100001"),
        ("account_number", "4.2010E+09"),
        ("account_number", "9" * 400),
        ("holder_name", ""),
        ("holder_name", "王" * 101),
        ("holder_name", "王\x1b[31m明"),
        ("holder_name", "王\n明"),
        ("class", ""),
        ("class", "Residential"),
        ("class", "industrial"),
        ("phone", "12"),
        ("phone", "call me"),
        ("phone", "99900000000"),
        ("phone", "9" * 400),
        ("phone", "02787654321 ext. 5"),
        ("region", "x" * 51),
        ("region", "42\x0001"),
    ],
)
def test_a_wrong_value_of_an_account_names_its_column(column: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=column):
        parse_account(ACCOUNT | {column: value}, (10, 13))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("account_number", "123"),
        ("bill_number", ""),
        ("bill_number", "B" * 41),
        ("bill_number", "B\t1"),
        ("period", ""),
        ("period", "2025-13"),
        ("period", "2025-00"),
        ("period", "03/2025"),
        ("period", "２０２５-03"),
        ("due_on", ""),
        ("due_on", "2025-02-29"),
        ("due_on", "20250325"),
        ("due_on", "25.03.2025"),
        ("due_on", "2025-3-25"),
        ("due_on", "2025-W12-2"),
        ("due_on", "1989-12-31"),
        ("due_on", "2100-01-01"),
        ("due_on", "0000-00-00"),
    ],
)
def test_a_wrong_value_of_a_bill_names_its_column(column: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=column):
        parse_bill(BILL | {column: value}, (10, 13))


@pytest.mark.parametrize(
    "value",
    ["", "120", "120.0", "-120.00", "1,200.00", "0.00", "1e5", "１２.00", "9" * 400 + ".00"],
)
def test_a_principal_is_yuan_with_two_decimals_above_zero(value: str) -> None:
    with pytest.raises(InvalidInput):
        parse_bill(BILL | {"principal": value}, (10, 13))


def test_only_the_lengths_that_are_set_are_account_numbers() -> None:
    assert parse_account(ACCOUNT, (10,)).number == "4201000001"
    with pytest.raises(InvalidInput, match="13 digits"):
        parse_account(ACCOUNT, (13,))
