"""How money is spread over bills: examples, and what holds for all sums and bills."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.allocation import Allocation, Bill, allocate, arrears
from tests.accounts.bills import DUE_ON, RATES, a_bill, bill_lists, classes, days

TEN_LATE = DUE_ON + timedelta(days=10)
amounts = st.integers(0, 4_000_000)


def _allocate(amount_fen: int, *bills: Bill, on: date = TEN_LATE, minimum: int = 100) -> Allocation:
    return allocate(amount_fen, bills, "residential", on, RATES, minimum)


def _after(bills: list[Bill], allocation: Allocation) -> list[Bill]:
    paid = {payment.bill_after.id: payment.bill_after for payment in allocation.payments}
    return [paid.get(bill.id, bill) for bill in bills]


def test_the_late_fee_is_paid_before_the_principal() -> None:
    done = _allocate(5_000, a_bill(100_000))
    (payment,) = done.payments
    assert (payment.charged_fee_fen, payment.paid_fee_fen, payment.paid_principal_fen) == (
        1_000,
        1_000,
        4_000,
    )
    assert payment.bill_after == a_bill(
        100_000,
        paid_principal_fen=4_000,
        charged_fee_fen=1_000,
        paid_fee_fen=1_000,
        fee_counted_to=TEN_LATE,
    )


def test_the_oldest_due_date_is_paid_first_then_the_lower_number() -> None:
    young = a_bill(1_000, DUE_ON + timedelta(days=5), number=1)
    old_second = a_bill(1_000, DUE_ON, number=3)
    old_first = a_bill(1_000, DUE_ON, number=2)
    done = _allocate(100_000, young, old_second, old_first)
    assert [payment.bill_before.id for payment in done.payments] == [2, 3, 1]


def test_bills_that_the_money_does_not_reach_are_untouched() -> None:
    first, second = a_bill(100_000, number=1), a_bill(100_000, number=2)
    done = _allocate(101_000, first, second)
    assert [payment.bill_before.id for payment in done.payments] == [1]
    assert done.payments[0].bill_after.state == "paid"
    assert (done.paid_fen, done.late_fee_paid_fen, done.rest_fen) == (101_000, 1_000, 0)


def test_a_sum_below_the_fee_leaves_the_unpaid_fee_standing() -> None:
    (payment,) = _allocate(300, a_bill(100_000)).payments
    assert payment.bill_after.fee_due_fen == 700
    assert payment.bill_after.principal_due_fen == 100_000
    assert payment.bill_after.fee_counted_to == TEN_LATE


def test_later_days_run_on_the_rest_without_a_fee_on_the_fee_or_a_second_minimum() -> None:
    part = _allocate(99_400, a_bill(100_000, DUE_ON)).payments[0].bill_after
    assert (part.principal_due_fen, part.fee_due_fen) == (1_600, 0)
    (payment,) = _allocate(5_000, part, on=TEN_LATE + timedelta(days=5)).payments
    assert payment.charged_fee_fen == 8
    assert payment.bill_after.state == "paid"


def test_a_bill_not_yet_due_is_paid_without_a_fee() -> None:
    done = _allocate(12_000, a_bill(12_000), on=DUE_ON - timedelta(days=20))
    assert (done.late_fee_paid_fen, done.rest_fen) == (0, 0)
    assert done.payments[0].bill_after.state == "paid"


def test_a_bill_out_with_a_bank_is_left_alone_and_the_money_waits() -> None:
    with_bank = a_bill(10_000, number=1, state="with_bank")
    younger = a_bill(1_000, DUE_ON + timedelta(days=30), number=2)
    done = _allocate(5_000, with_bank, younger)
    assert [payment.bill_before.id for payment in done.payments] == [2]
    assert (done.rest_fen, done.waits_for_bank) == (4_000, True)


def test_nothing_waits_for_a_bank_when_no_money_is_left() -> None:
    done = _allocate(500, a_bill(10_000), a_bill(10_000, number=2, state="with_bank"))
    assert (done.rest_fen, done.waits_for_bank) == (0, False)


def test_without_bills_everything_is_prepaid_balance() -> None:
    assert _allocate(5_000) == Allocation((), 0, 0, 5_000, waits_for_bank=False)


def test_a_quote_of_an_earlier_day_never_takes_back_counted_days() -> None:
    bill = a_bill(100_000, charged_fee_fen=500, fee_counted_to=TEN_LATE)
    (payment,) = _allocate(100, bill, on=TEN_LATE - timedelta(days=1)).payments
    assert payment.charged_fee_fen == 0
    assert payment.bill_after.fee_counted_to == TEN_LATE


def test_a_negative_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        _allocate(-1, a_bill())


def test_arrears_tell_what_is_with_the_bank_apart() -> None:
    bills = [a_bill(100_000, number=1), a_bill(7_000, number=2, state="with_bank")]
    owed = arrears(bills, "residential", TEN_LATE, RATES, 100)
    assert (owed.principal_fen, owed.fee_fen, owed.total_fen) == (100_000, 1_000, 101_000)
    assert owed.with_bank_fen == 7_000


@given(amounts, bill_lists(), classes, days, st.integers(0, 200))
def test_every_fen_is_either_paid_or_rest_and_no_bill_is_overpaid(
    amount: int, bills: list[Bill], account_class: str, on: date, minimum: int
) -> None:
    done = allocate(amount, bills, account_class, on, RATES, minimum)
    parts = [payment.paid_fee_fen + payment.paid_principal_fen for payment in done.payments]
    assert done.paid_fen + done.rest_fen == amount
    assert done.paid_fen == sum(parts)
    assert all(part > 0 for part in parts)
    for bill in _after(bills, done):
        assert bill.principal_due_fen >= 0 and bill.fee_due_fen >= 0
        assert bill.principal_due_fen + bill.fee_due_fen > 0 or bill.state == "paid"


@given(amounts, bill_lists(), classes, days)
def test_money_rests_only_when_no_open_bill_is_left(
    amount: int, bills: list[Bill], account_class: str, on: date
) -> None:
    done = allocate(amount, bills, account_class, on, RATES, 100)
    still_open = any(bill.state == "open" for bill in _after(bills, done))
    assert done.rest_fen == 0 or not still_open


@given(bill_lists(), classes, days)
def test_paying_the_arrears_clears_exactly_the_open_bills(
    bills: list[Bill], account_class: str, on: date
) -> None:
    owed = arrears(bills, account_class, on, RATES, 100)
    done = allocate(owed.total_fen, bills, account_class, on, RATES, 100)
    after = _after(bills, done)
    assert done.rest_fen == 0
    assert {bill.state for bill in after} <= {"paid", "with_bank"}
    assert [b for b in after if b.state == "with_bank"] == [
        b for b in bills if b.state == "with_bank"
    ]


@given(amounts, amounts, bill_lists(), classes, days)
def test_paying_in_two_parts_on_one_day_is_paying_at_once(
    first: int, second: int, bills: list[Bill], account_class: str, on: date
) -> None:
    assume(first + second > 0)
    once = allocate(first + second, bills, account_class, on, RATES, 100)
    part = allocate(first, bills, account_class, on, RATES, 100)
    rest = allocate(second, _after(bills, part), account_class, on, RATES, 100)
    assert _after(_after(bills, part), rest) == _after(bills, once)
    assert part.paid_fen + rest.paid_fen == once.paid_fen
    assert part.late_fee_paid_fen + rest.late_fee_paid_fen == once.late_fee_paid_fen


@given(amounts, amounts, bill_lists(), classes, days)
def test_more_money_never_pays_less(
    amount: int, more: int, bills: list[Bill], account_class: str, on: date
) -> None:
    little = allocate(amount, bills, account_class, on, RATES, 100)
    much = allocate(amount + more, bills, account_class, on, RATES, 100)
    assert little.paid_fen <= much.paid_fen
    assert little.rest_fen <= much.rest_fen
    assert little.late_fee_paid_fen <= much.late_fee_paid_fen


@given(bill_lists(), classes, days, st.integers(0, 400))
def test_arrears_never_fall_as_days_pass(
    bills: list[Bill], account_class: str, on: date, later: int
) -> None:
    now = arrears(bills, account_class, on, RATES, 100)
    then = arrears(bills, account_class, on + timedelta(days=later), RATES, 100)
    assert now.principal_fen == then.principal_fen
    assert now.total_fen <= then.total_fen


@given(amounts, bill_lists(), classes, days)
def test_the_order_in_which_bills_are_listed_does_not_matter(
    amount: int, bills: list[Bill], account_class: str, on: date
) -> None:
    forwards = allocate(amount, bills, account_class, on, RATES, 100)
    backwards = allocate(amount, reversed(bills), account_class, on, RATES, 100)
    assert forwards == backwards
