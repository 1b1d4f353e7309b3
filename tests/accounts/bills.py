"""Small makers and strategies of bills, shared by the tests of the money rules."""

from datetime import date, timedelta

from hypothesis import strategies as st

from accounts.bill import Bill
from accounts.late_fee import Rate

START = date(1996, 10, 8)
RATES = {
    "residential": (Rate(START, 100, 100),),
    "other": (Rate(START, 200, 300),),
}
DUE_ON = date(2025, 3, 25)


def a_bill(
    principal_fen: int = 12_000,
    due_on: date = DUE_ON,
    *,
    number: int = 1,
    paid_principal_fen: int = 0,
    charged_fee_fen: int = 0,
    paid_fee_fen: int = 0,
    fee_counted_to: date | None = None,
    state: str = "open",
) -> Bill:
    return Bill(
        id=number,
        account_number="4201000001",
        principal_fen=principal_fen,
        due_on=due_on,
        paid_principal_fen=paid_principal_fen,
        charged_fee_fen=charged_fee_fen,
        paid_fee_fen=paid_fee_fen,
        fee_counted_to=fee_counted_to,
        state=state,  # type: ignore[arg-type]
    )


days = st.dates(date(2023, 1, 1), date(2027, 12, 31))
classes = st.sampled_from(["residential", "other"])


@st.composite
def bill_lists(draw: st.DrawFn) -> list[Bill]:
    """Up to five bills of one account, some part paid, some with a bank, some not yet due."""
    return [draw(_bills(number)) for number in range(1, draw(st.integers(0, 5)) + 1)]


@st.composite
def _bills(draw: st.DrawFn, number: int) -> Bill:
    principal = draw(st.integers(1, 3_000_000))
    due_on = draw(days)
    state = draw(st.sampled_from(["open", "open", "open", "with_bank"]))
    if draw(st.booleans()):
        return a_bill(principal, due_on, number=number, state=state)
    charged = draw(st.integers(0, 50_000))
    return a_bill(
        principal,
        due_on,
        number=number,
        paid_principal_fen=draw(st.integers(0, principal - 1)),
        charged_fee_fen=charged,
        paid_fee_fen=draw(st.integers(0, charged)),
        fee_counted_to=due_on + timedelta(days=draw(st.integers(-30, 400))),
        state=state,
    )
