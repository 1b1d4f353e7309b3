"""Moves that two persons must want: what is asked, what is agreed to, what has changed since."""

import json

import pytest
from sqlalchemy import select

from distribution.actions import ACTIONS
from distribution.errors import NotHolder
from staff import approvals
from staff.approvals import ApprovalClosed, ContentChanged, SamePerson
from staff.permissions import Forbidden
from staff.tables import approval
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import make_member
from vouchers.serials import serial_text


def state_of(trade: Trade, approval_id: int) -> str:
    with trade.db.read() as session:
        return approvals.get(session, approval_id).state


def test_the_approval_says_what_is_agreed_to(trade: Trade) -> None:
    first = trade.batch(100, "active")
    approval_id = trade.pend("issuer", "void", first + 10, first + 19, reason="forged")
    with trade.db.read() as session:
        row = session.execute(select(approval).where(approval.c.id == approval_id)).one()
    content = json.loads(row.content)
    assert (row.kind, content["move"]) == ("void", "void")
    assert content["first_serial"] == serial_text(first + 10)
    assert content["last_serial"] == serial_text(first + 19)
    assert (content["cards"], content["face_fen"], content["reason"]) == (10, FACE_FEN, "forged")


def test_nothing_moves_before_the_second_person_agreed(trade: Trade) -> None:
    first = trade.batch(10, "active")
    before = trade.snapshot()
    approval_id = trade.pend("finance2", "void", first, first + 9, reason="forged")
    assert trade.snapshot() == before
    with pytest.raises(SamePerson):
        trade.agree(approval_id, "finance2")
    assert trade.snapshot() == before
    assert trade.agree(approval_id, "finance").cards == 10


def test_a_refused_move_is_never_made(trade: Trade) -> None:
    first = trade.batch(10, "active")
    approval_id = trade.pend("issuer", "void", first, first + 9, reason="forged")
    before = trade.snapshot()
    approvals.refuse(trade.db, trade.people["finance"], approval_id, "not so", ACTIONS)
    with pytest.raises(ApprovalClosed):
        trade.agree(approval_id)
    assert trade.snapshot() == before


def test_an_agreed_move_is_made_once(trade: Trade) -> None:
    first = trade.batch(10, "active")
    approval_id = trade.pend("issuer", "void", first, first + 9, reason="forged")
    trade.agree(approval_id)
    before = trade.snapshot()
    with pytest.raises(ApprovalClosed):
        trade.agree(approval_id, "finance2")
    assert trade.snapshot() == before


@pytest.mark.parametrize("offset", [0, 5, 9])
def test_a_card_that_changed_since_makes_the_approval_void(trade: Trade, offset: int) -> None:
    first = trade.batch(10, "active")
    approval_id = trade.pend("issuer", "void", first, first + 9, reason="forged")
    one = first + offset
    trade.move("service", "hold", one, one, hold="lost", reason="reported")
    trade.move("service", "release", one, one, reason="found")
    before = trade.snapshot()
    with pytest.raises(ContentChanged):
        trade.agree(approval_id)
    assert state_of(trade, approval_id) == "void"
    assert trade.snapshot() == before


def test_a_change_outside_the_range_does_not_disturb_the_approval(trade: Trade) -> None:
    first = trade.batch(30, "active")
    approval_id = trade.pend("issuer", "void", first + 10, first + 19, reason="forged")
    trade.move("service", "hold", first, first + 9, hold="lost", reason="reported")
    trade.move("service", "hold", first + 20, first + 20, hold="lost", reason="reported")
    assert trade.agree(approval_id).cards == 10


def test_who_agrees_needs_the_permission_of_the_move(trade: Trade) -> None:
    first = trade.batch(10, "active")
    approval_id = trade.pend("finance", "deactivate", first, first + 9)
    for who in ("issuer", "auditor", "seller"):
        with pytest.raises(Forbidden):
            trade.agree(approval_id, who)
    assert state_of(trade, approval_id) == "requested"
    assert trade.agree(approval_id, "finance2").cards == 10


def test_a_decider_who_belongs_to_a_party_agrees_for_its_cards_only(trade: Trade) -> None:
    first = trade.batch(10)
    approval_id = trade.pend("seller", "dispatch", first, first + 9, to="OUTLET2")
    with trade.db.write() as session:
        trade.people["stranger"] = make_member(session, "finance", trade.party_ids["far"])
    with pytest.raises(NotHolder):
        trade.agree(approval_id, "stranger")
    assert state_of(trade, approval_id) == "requested"
