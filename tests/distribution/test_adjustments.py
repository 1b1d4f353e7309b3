"""Adjustments: asked for by one person, posted when another agrees, once for their reference."""

import pytest

from core.errors import DomainError, InvalidInput
from distribution.actions import ACTIONS
from distribution.adjustments import NewAdjustment, list_adjustments
from distribution.errors import NoContract, NotHolder, PartyUnknown, ReferenceUsed
from staff import approvals
from staff.approvals import SamePerson
from staff.permissions import Forbidden
from tests.distribution.test_races import at_once, outcome
from tests.distribution.trade import Trade


def wanted(**other: object) -> NewAdjustment:
    facts = {
        "reference": "MEMO-1",
        "party_code": "CITY",
        "direction": "credit",
        "amount_fen": 700,
        "against": "suspense",
        "reason": "two void cards",
    }
    return NewAdjustment(**(facts | other))  # type: ignore[arg-type]


@pytest.fixture
def city(trade: Trade) -> Trade:
    """A trade whose city owes on credit."""
    trade.contract("city", "credit", 10**9)
    return trade


@pytest.mark.parametrize(
    ("direction", "against", "books"),
    [
        ("credit", "suspense", {"DISTRIBUTOR_RECEIVABLE": -700, "SUSPENSE": 700}),
        ("charge", "suspense", {"DISTRIBUTOR_RECEIVABLE": 700, "SUSPENSE": -700}),
        ("credit", "commission", {"DISTRIBUTOR_RECEIVABLE": -700, "COMMISSION_EXPENSE": 700}),
        ("charge", "commission", {"DISTRIBUTOR_RECEIVABLE": 700, "COMMISSION_EXPENSE": -700}),
    ],
)
def test_what_two_persons_agree_to_is_posted(
    city: Trade, direction: str, against: str, books: dict[str, int]
) -> None:
    approval_id = city.request(wanted(direction=direction, against=against))
    assert city.books() == {}
    with pytest.raises(SamePerson):
        approvals.agree(city.db, city.people["finance"], approval_id, ACTIONS)
    approvals.agree(city.db, city.people["finance2"], approval_id, ACTIONS)
    assert city.books() == books
    with city.db.read() as session:
        (found,) = list_adjustments(session, city.people["agent"])
    assert (found.reason, found.approval_id, found.amount_fen) == (
        "two void cards",
        approval_id,
        700,
    )


def test_a_refused_adjustment_posts_nothing(city: Trade) -> None:
    approval_id = city.request(wanted())
    approvals.refuse(city.db, city.people["finance2"], approval_id, "wrong sum", ACTIONS)
    assert city.books() == {}


def test_a_reference_is_posted_once(city: Trade) -> None:
    first, second = city.request(wanted()), city.request(wanted(reference="memo-1"))
    approvals.agree(city.db, city.people["finance2"], first, ACTIONS)
    before = city.snapshot()
    with pytest.raises(ReferenceUsed):
        approvals.agree(city.db, city.people["finance2"], second, ACTIONS)
    with pytest.raises(ReferenceUsed):
        city.request(wanted())
    assert city.snapshot() == before


def test_two_requests_of_one_reference_agreed_to_at_once_are_posted_once(city: Trade) -> None:
    ids = [city.request(wanted()) for _ in range(4)]
    finance2 = city.people["finance2"]

    def agree(approval_id: int) -> str:
        return outcome(lambda: approvals.agree(city.db, finance2, approval_id, ACTIONS))

    told = at_once([lambda each=each: agree(each) for each in ids])  # type: ignore[misc]
    assert sorted(told) == ["done"] + ["reference_used"] * 3
    assert city.owed("city") == -700


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"party_code": "NOBODY"}, PartyUnknown),
        ({"party_code": "OUTLET"}, NoContract),
        ({"direction": "gift"}, InvalidInput),
        ({"against": "bank"}, InvalidInput),
        ({"amount_fen": 0}, InvalidInput),
        ({"amount_fen": 10**15}, InvalidInput),
        ({"reason": " "}, InvalidInput),
        ({"reference": ""}, InvalidInput),
    ],
)
def test_what_cannot_be_adjusted_is_not_asked_for(
    city: Trade, other: dict[str, object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        city.request(wanted(**other))
    with city.db.read() as session:
        assert approvals.list_open(session) == []


@pytest.mark.parametrize("who", ["agent", "seller", "keeper", "auditor", "issuer", "service"])
def test_only_finance_adjusts(city: Trade, who: str) -> None:
    with pytest.raises(Forbidden):
        city.request(wanted(), who)


def test_adjustments_are_shown_to_their_own_branch(city: Trade) -> None:
    city.adjust("city", "credit", 5, "M-1")
    with city.db.read() as session:
        assert [a.reference for a in list_adjustments(session, city.people["agent"], "CITY")] == [
            "M-1"
        ]
        assert list_adjustments(session, city.people["seller"]) == []
        with pytest.raises(NotHolder):
            list_adjustments(session, city.people["seller"], "CITY")
