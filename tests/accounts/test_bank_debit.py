"""Bills that go out to a bank and come back, by account and number."""

from datetime import date

import pytest

from accounts.bank_debit import BillUnknown, hand_to_bank, take_back
from accounts.bills import BillStateWrong, open_bills, seed_rates
from accounts.ledger import seed_chart
from accounts.tables import bill
from core.db import Database, Session
from staff.events import list_events
from staff.permissions import Forbidden
from tests.factories import make_electricity_account, make_member


def _bill(session: Session, account_number: str, bill_number: str) -> None:
    row = {
        "id": session.new_id(),
        "account_number": account_number,
        "bill_number": bill_number,
        "period": "2025-05",
        "principal_fen": 1_000,
        "due_on": date(2025, 6, 25),
        "paid_principal_fen": 0,
        "charged_fee_fen": 0,
        "paid_fee_fen": 0,
        "state": "open",
    }
    session.execute(bill.insert(), row)


@pytest.fixture
def number(db: Database) -> str:
    """An account with the bills B1 and B2."""
    with db.write() as session:
        seed_chart(session)
        seed_rates(session)
        account = make_electricity_account(session)
        for bill_number in ("B1", "B2"):
            _bill(session, account, bill_number)
        return account


def test_bills_go_and_come_back_on_record(db: Database, number: str) -> None:
    with db.write() as session:
        finance = make_member(session, "finance")
        hand_to_bank(session, finance, number, ["B2"])
        states = {b.state for b in open_bills(session, [number])[number]}
        assert states == {"open", "with_bank"}
        take_back(session, db.settings, finance, number, ["B2"])
        assert {b.state for b in open_bills(session, [number])[number]} == {"open"}
        kinds = [event.kind for event in list_events(session, subject=f"account:{number}")]
    assert kinds == ["bills.from_bank", "bills.to_bank"]


def test_all_or_none_of_the_bills_go(db: Database, number: str) -> None:
    with db.write() as session:
        finance = make_member(session, "finance")
        with pytest.raises(BillUnknown):
            hand_to_bank(session, finance, number, ["B1", "B3"])
        with pytest.raises(BillUnknown):
            hand_to_bank(session, finance, "4200009999", ["B1"])
        hand_to_bank(session, finance, number, ["B1"])
        with pytest.raises(BillStateWrong):
            hand_to_bank(session, finance, number, ["B1", "B2"])
        states = sorted(b.state for b in open_bills(session, [number])[number])
    assert states == ["open", "with_bank"]


def test_only_finance_hands_bills_to_a_bank(db: Database, number: str) -> None:
    with db.write() as session:
        issuer = make_member(session, "issuer")
        with pytest.raises(Forbidden):
            hand_to_bank(session, issuer, number, ["B1"])
        with pytest.raises(Forbidden):
            take_back(session, db.settings, issuer, number, ["B1"])
