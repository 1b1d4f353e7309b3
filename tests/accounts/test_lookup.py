"""What a stranger is told about an account."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.balances import AccountUnknown
from accounts.lookup import account_view, masked_name
from accounts.tables import quote
from core.db import Database
from tests.accounts.bills import DUE_ON
from tests.accounts.rows import count, make_account, make_bill
from tests.accounts.test_balances import HOSTILE


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "**明"),
        ("王明", "*明"),
        ("王", "*"),
        ("欧阳小明", "***明"),
        ("武汉示例面馆有限公司", "****司"),
        ("阿卜杜拉·买买提", "****提"),
        ("\U00030edd某", "*某"),
        ("John Smith", "J*** S***"),
        ("Cher", "C***"),
        ("Anna Maria van der Berg", "A*** B***"),
        ("Иван Петров", "И*** П***"),
        ("王小明\u202e", "**明"),
        ("---", "*"),
        ("", "*"),
    ],
)
def test_a_name_shows_its_holder_enough_and_a_stranger_little(name: str, masked: str) -> None:
    assert masked_name(name) == masked


@given(st.text(max_size=100))
def test_a_masked_name_is_short_and_keeps_at_most_two_characters(name: str) -> None:
    masked = masked_name(name)
    assert 1 <= len(masked) <= 9
    assert len(masked.replace("*", "").replace(" ", "")) <= 2


def test_an_account_shows_arrears_and_hides_name_and_number(books: Database) -> None:
    number = make_account(books, "4201004567", balance_fen=30)
    make_bill(books, number, 100_000, DUE_ON)
    make_bill(books, number, 5_000, DUE_ON + timedelta(days=90))
    make_bill(books, number, 7_000, DUE_ON, state="with_bank")
    with books.read() as session:
        view = account_view(session, books.settings, number)
    assert (view.number_tail, view.masked_name) == ("4567", "**明")
    assert (view.principal_fen, view.late_fee_fen, view.arrears_fen) == (105_000, 1_600, 106_600)
    assert (view.with_bank_fen, view.balance_fen, view.state) == (7_000, 30, "open")
    assert number not in repr(view)
    assert count(books, quote) == 0


@pytest.mark.parametrize("number", ["4209999999", *HOSTILE])
def test_an_account_that_does_not_exist_is_unknown(books: Database, number: str) -> None:
    with books.read() as session, pytest.raises(AccountUnknown):
        account_view(session, books.settings, number)
