"""Payments: once for ever by the bank's reference, what they let be sold, and what bounces."""

from datetime import date

import pytest
from sqlalchemy import select

from accounts.ledger import AlreadyReversed
from core.errors import InvalidInput
from distribution.errors import (
    NoContract,
    NotHolder,
    PartyUnknown,
    PaymentUnknown,
    PrepaidExhausted,
    ReferenceUsed,
)
from distribution.payments import (
    NewPayment,
    Payment,
    list_payments,
    record_payment,
    reverse_payment,
)
from staff.permissions import Forbidden
from staff.tables import audit_event
from tests.distribution.trade import FACE_FEN, Trade


def paid(trade: Trade, **other: object) -> NewPayment:
    facts = {
        "reference": "ICBC-1",
        "party_code": "CITY",
        "amount_fen": 12_345,
        "paid_on": date(2025, 6, 10),
    }
    return NewPayment(**(facts | other))  # type: ignore[arg-type]


@pytest.fixture
def city(trade: Trade) -> Trade:
    """A trade whose city owes on credit."""
    trade.contract("city", "credit", 10**9)
    return trade


def listed(trade: Trade, who: str, party: str | None = None) -> list[Payment]:
    with trade.db.read() as session:
        return list_payments(session, trade.people[who], party)


def test_a_payment_goes_from_the_bank_to_what_the_party_owes(city: Trade) -> None:
    done = record_payment(city.db, city.people["finance"], paid(city))
    assert (done.replayed, done.payment.party_code, done.payment.reversed_at) == (
        False,
        "CITY",
        None,
    )
    assert city.owed("city") == -12_345
    assert city.books() == {"BANK": 12_345, "DISTRIBUTOR_RECEIVABLE": -12_345}
    with city.db.read() as session:
        kinds = session.execute(select(audit_event.c.kind)).scalars().all()
    assert kinds.count("payment.recorded") == 1


def test_the_same_payment_again_is_answered_with_what_is_stored(city: Trade) -> None:
    first = record_payment(city.db, city.people["finance"], paid(city))
    before = city.snapshot()
    again = record_payment(city.db, city.people["finance2"], paid(city, reference=" icbc-1 "))
    assert (again.replayed, again.payment) == (True, first.payment)
    assert city.snapshot() == before


@pytest.mark.parametrize(
    "other", [{"amount_fen": 12_346}, {"party_code": "OUTLET"}, {"paid_on": date(2025, 6, 9)}]
)
def test_a_used_reference_stands_for_no_other_payment(
    city: Trade, other: dict[str, object]
) -> None:
    city.contract("outlet", "prepaid")
    record_payment(city.db, city.people["finance"], paid(city))
    before = city.snapshot()
    with pytest.raises(ReferenceUsed):
        record_payment(city.db, city.people["finance"], paid(city, **other))
    assert city.snapshot() == before


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"party_code": "NOBODY"}, PartyUnknown),
        ({"party_code": "NUL\x00"}, PartyUnknown),
        ({"party_code": "OUTLET"}, NoContract),
        ({"amount_fen": 0}, InvalidInput),
        ({"amount_fen": -5}, InvalidInput),
        ({"amount_fen": 10**15}, InvalidInput),
        ({"paid_on": date(2025, 6, 12)}, InvalidInput),
        ({"paid_on": date(1999, 12, 31)}, InvalidInput),
        ({"reference": ""}, InvalidInput),
        ({"reference": "X" * 65}, InvalidInput),
        ({"reference": "A B"}, InvalidInput),
        ({"reference": "１２３"}, InvalidInput),
    ],
)
def test_a_payment_that_cannot_be_is_refused_and_changes_nothing(
    city: Trade, other: dict[str, object], error: type[Exception]
) -> None:
    before = city.snapshot()
    with pytest.raises(error):
        record_payment(city.db, city.people["finance"], paid(city, **other))
    assert city.snapshot() == before
    assert listed(city, "finance") == []


@pytest.mark.parametrize("who", ["seller", "agent", "keeper", "auditor", "service", "issuer"])
def test_only_finance_records_and_reverses_payments(city: Trade, who: str) -> None:
    city.pay("city", 100, "ICBC-2")
    with pytest.raises(Forbidden):
        record_payment(city.db, city.people[who], paid(city))
    with pytest.raises(Forbidden):
        reverse_payment(city.db, city.people[who], "ICBC-2", "trial")
    assert city.owed("city") == -100


def test_a_prepaid_outlet_sells_on_what_it_has_paid_and_no_further(trade: Trade) -> None:
    trade.contract("outlet", "prepaid")
    first = trade.batch(10)
    trade.pay("outlet", 2 * FACE_FEN)
    trade.move("seller", "activate", first, first + 1)
    with pytest.raises(PrepaidExhausted):
        trade.move("seller", "activate", first + 2, first + 2)
    trade.pay("outlet", FACE_FEN)
    trade.move("seller", "activate", first + 2, first + 2)
    assert trade.owed("outlet") == 0


def test_a_bounced_payment_is_mirrored_and_stops_prepaid_sales(trade: Trade) -> None:
    trade.contract("outlet", "prepaid")
    first = trade.batch(10)
    kept = trade.pay("outlet", FACE_FEN)
    trade.pay("outlet", FACE_FEN, "ICBC-9")
    done = reverse_payment(trade.db, trade.people["finance"], "icbc-9", "no funds")
    assert (done.reversed_at is None, done.reason) == (False, "no funds")
    assert trade.owed("outlet") == -FACE_FEN
    trade.move("seller", "activate", first, first)
    with pytest.raises(PrepaidExhausted):
        trade.move("seller", "activate", first + 1, first + 1)
    assert [item.reason for item in listed(trade, "finance")] == [None, "no funds"]
    assert listed(trade, "finance")[0] == kept


def test_a_bounced_payment_may_leave_a_debt_where_the_money_was_used(trade: Trade) -> None:
    trade.contract("outlet", "prepaid")
    first = trade.batch(10)
    trade.pay("outlet", FACE_FEN, "ICBC-9")
    trade.move("seller", "activate", first, first)
    reverse_payment(trade.db, trade.people["finance"], "ICBC-9", "no funds")
    assert trade.owed("outlet") == FACE_FEN


def test_the_reference_of_a_bounced_payment_stays_used(city: Trade) -> None:
    finance = city.people["finance"]
    record_payment(city.db, finance, paid(city))
    reverse_payment(city.db, finance, "ICBC-1", "no funds")
    before = city.snapshot()
    again = record_payment(city.db, finance, paid(city))
    assert (again.replayed, again.payment.reason) == (True, "no funds")
    with pytest.raises(ReferenceUsed):
        record_payment(city.db, finance, paid(city, amount_fen=1))
    with pytest.raises(AlreadyReversed):
        reverse_payment(city.db, finance, "ICBC-1", "again")
    assert city.snapshot() == before


def test_a_reversal_needs_a_reason_and_a_payment(city: Trade) -> None:
    city.pay("city", 100, "ICBC-2")
    for reference, reason, error in (
        ("ICBC-2", " ", InvalidInput),
        ("ICBC-3", "no funds", PaymentUnknown),
        ("a\x00b", "no funds", PaymentUnknown),
    ):
        with pytest.raises(error):
            reverse_payment(city.db, city.people["finance"], reference, reason)
    assert city.owed("city") == -100


def test_members_of_a_party_see_the_payments_of_their_own_branch(city: Trade) -> None:
    city.contract("outlet", "prepaid")
    city.contract("outlet2", "prepaid")
    city.contract("far", "prepaid")
    for at in ("city", "outlet", "outlet2", "far"):
        city.pay(at, 100)
    seen = {
        who: [p.party_code for p in listed(city, who)] for who in ("agent", "seller", "finance")
    }
    assert seen == {
        "agent": ["CITY", "OUTLET", "OUTLET2"],
        "seller": ["OUTLET"],
        "finance": ["CITY", "OUTLET", "OUTLET2", "FAR"],
    }
    assert [p.party_code for p in listed(city, "agent", "OUTLET2")] == ["OUTLET2"]
    with pytest.raises(NotHolder):
        listed(city, "seller", "OUTLET2")
    with pytest.raises(Forbidden):
        listed(city, "keeper")


def test_a_list_is_read_in_pages(city: Trade) -> None:
    ids = [city.pay("city", 100).id for _ in range(5)]
    with city.db.read() as session:
        first = list_payments(session, city.people["finance"], limit=2)
        rest = list_payments(session, city.people["finance"], after_id=first[-1].id)
    assert [item.id for item in (*first, *rest)] == sorted(ids)
