"""How a sum of money is spread over the bills of one account: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from accounts.bill import Bill
from accounts.late_fee import RateTable, new_fee

__all__ = ["Allocation", "Arrears", "Bill", "BillPayment", "allocate", "arrears"]


class BillPayment(Struct, frozen=True, gc=False):
    """What one sum of money did to one bill, in fen; `charged_fee_fen` is the fee fixed by it."""

    bill_before: Bill
    bill_after: Bill
    charged_fee_fen: int
    paid_fee_fen: int
    paid_principal_fen: int


class Allocation(Struct, frozen=True, gc=False):
    """Where a sum went: `paid_fen + rest_fen` is the whole of it; the rest is prepaid balance.

    `waits_for_bank`: some of the rest would have paid a bill that is out for batch debit.
    """

    payments: tuple[BillPayment, ...]
    paid_fen: int
    late_fee_paid_fen: int
    rest_fen: int
    waits_for_bank: bool


@dataclass(frozen=True, slots=True)
class Arrears:
    """What would clear the open bills, in fen; bills out with a bank are only in `with_bank_fen`.

    `with_bank_fen` holds their unpaid principal and charged fee.
    """

    principal_fen: int
    fee_fen: int
    total_fen: int
    with_bank_fen: int


def allocate(
    amount_fen: int,
    bills: Iterable[Bill],
    account_class: str,
    counted_to: date,
    rates: RateTable,
    minimum_fen: int,
) -> Allocation:
    """Spread a sum over the open bills of one account, late fees counted up to `counted_to`.

    Domain rule: the oldest due date first; within a bill the late fee, then the principal. A bill
    the money reaches has its fee fixed to that day; one it does not reach is untouched.
    """
    if amount_fen < 0:
        raise ValueError("a sum to allocate must not be negative")
    rest_fen, payments, with_bank = amount_fen, [], False
    for bill in sorted(bills, key=lambda bill: (bill.due_on, bill.id)):
        with_bank |= bill.state == "with_bank"
        if bill.state == "open" and rest_fen > 0:
            fee_fen = new_fee(bill, counted_to, account_class, rates, minimum_fen)
            payment = _pay(bill, rest_fen, fee_fen, counted_to)
            payments.append(payment)
            rest_fen -= payment.paid_fee_fen + payment.paid_principal_fen
    return Allocation(
        payments=tuple(payments),
        paid_fen=amount_fen - rest_fen,
        late_fee_paid_fen=sum(payment.paid_fee_fen for payment in payments),
        rest_fen=rest_fen,
        waits_for_bank=with_bank and rest_fen > 0,
    )


def arrears(
    bills: Iterable[Bill], account_class: str, on: date, rates: RateTable, minimum_fen: int
) -> Arrears:
    """Return what would clear the open bills on day `on`; bills not yet due count as well."""
    principal_fen = fee_fen = with_bank_fen = 0
    for bill in bills:
        if bill.state == "open":
            principal_fen += bill.principal_due_fen
            fee_fen += bill.fee_due_fen + new_fee(bill, on, account_class, rates, minimum_fen)
        elif bill.state == "with_bank":
            with_bank_fen += bill.principal_due_fen + bill.fee_due_fen
    return Arrears(principal_fen, fee_fen, principal_fen + fee_fen, with_bank_fen)


def _pay(bill: Bill, money_fen: int, fee_fen: int, day: date) -> BillPayment:
    paid_fee_fen = min(money_fen, bill.fee_due_fen + fee_fen)
    paid_principal_fen = min(money_fen - paid_fee_fen, bill.principal_due_fen)
    after = replace(
        bill,
        charged_fee_fen=bill.charged_fee_fen + fee_fen,
        paid_fee_fen=bill.paid_fee_fen + paid_fee_fen,
        paid_principal_fen=bill.paid_principal_fen + paid_principal_fen,
        fee_counted_to=max(day, bill.fee_counted_to or day),
    )
    if after.principal_due_fen == 0 and after.fee_due_fen == 0:
        after = replace(after, state="paid")
    return BillPayment(bill, after, fee_fen, paid_fee_fen, paid_principal_fen)
