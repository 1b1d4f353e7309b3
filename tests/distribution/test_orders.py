"""Orders of stock, from the wish to the cards on the way."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import DomainError, InvalidInput
from distribution.allocation import NotEnoughStock
from distribution.consignments import allocate_order, cancel_consignment, list_consignments
from distribution.dispatching import send_consignment
from distribution.errors import (
    NotHolder,
    NotTheParent,
    PaperStateWrong,
    PaperUnknown,
    RequestConflict,
)
from distribution.orders import (
    approve_order,
    cancel_order,
    list_orders,
    place_order,
    read_order,
    refuse_order,
)
from staff.approvals import SamePerson
from staff.permissions import Forbidden
from staff.tables import staff_member
from tests.distribution.papers import Papers, new_reference
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import make_denomination
from vouchers.denominations import FaceUnknown


def test_an_order_is_approved_in_part_allocated_and_sent(papers: Papers, trade: Trade) -> None:
    first = trade.batch(3_000, at="city")
    people = trade.people
    order = place_order(trade.db, people["seller"], {FACE_FEN: 2_000}, "po-1")
    assert (order.number, order.buyer, order.supplier) == ("SO-20250611-000001", "OUTLET", "CITY")
    agreed = approve_order(trade.db, people["agent"], order.number, {FACE_FEN: 1_200})
    assert agreed.lines[0].approved_count == 1_200
    made = allocate_order(trade.db, people["agent"], order.number)
    assert (made.number, made.state, made.cards) == ("CN-20250611-000001", "draft", 1_200)
    assert trade.lots(first) == [(0, 2_999, "stocked", "city", None)]
    sent = papers.send("agent", made.number)
    assert (sent.state, sent.outstanding, sent.face_value_fen) == ("sent", 1_200, 1_200 * FACE_FEN)
    assert trade.lots(first)[0] == (0, 1_199, "in_transit", "city", None)
    assert {row.document for row in trade.movements(first, "dispatch")} == {made.number}
    with trade.db.read() as session:
        done = read_order(session, people["seller"], order.number)
    assert (done.state, done.consignment) == ("sent", made.number)


def test_the_same_reference_orders_once(trade: Trade) -> None:
    seller = trade.people["seller"]
    one = place_order(trade.db, seller, {FACE_FEN: 10}, "po-1")
    assert place_order(trade.db, seller, {FACE_FEN: 10}, "po-1") == one
    with pytest.raises(RequestConflict):
        place_order(trade.db, seller, {FACE_FEN: 11}, "po-1")
    other = place_order(trade.db, trade.people["seller2"], {FACE_FEN: 10}, "po-1")
    assert other.number != one.number


def test_whoever_placed_an_order_does_not_agree_to_it_under_any_account(trade: Trade) -> None:
    agent, keeper = trade.people["agent"], trade.people["keeper"]
    order = place_order(trade.db, agent, {FACE_FEN: 10}, "po-1", "OUTLET")
    with trade.db.write() as session:
        session.execute(
            staff_member.update()
            .where(staff_member.c.id == keeper.member_id)
            .values(person_id=agent.person_id)
        )
    for own in (agent, replace(keeper, person_id=agent.person_id)):
        with pytest.raises(SamePerson):
            approve_order(trade.db, own, order.number)
    assert approve_order(trade.db, trade.people["keeper2"], order.number).state == "approved"


def test_an_order_is_refused_with_a_reason_or_withdrawn(trade: Trade) -> None:
    people = trade.people
    orders = [place_order(trade.db, people["seller"], {FACE_FEN: 10}, f"po-{n}") for n in range(2)]
    refused = refuse_order(trade.db, people["agent"], orders[0].number, "unpaid bills")
    assert (refused.state, refused.reason) == ("refused", "unpaid bills")
    cancelled = cancel_order(trade.db, people["seller"], orders[1].number, "typed wrongly")
    assert cancelled.state == "cancelled"
    for order in orders:
        with pytest.raises(PaperStateWrong):
            approve_order(trade.db, people["agent"], order.number)
        with pytest.raises(PaperStateWrong):
            allocate_order(trade.db, people["agent"], order.number)


@pytest.mark.parametrize(
    ("who", "counts", "more", "error"),
    [
        ("seller", {}, {}, InvalidInput),
        ("seller", {FACE_FEN: 0}, {}, InvalidInput),
        ("seller", {FACE_FEN: 10_000_000}, {}, InvalidInput),
        ("seller", {7: 10}, {}, FaceUnknown),
        ("seller", {FACE_FEN: 10}, {"buyer_code": "OUTLET2"}, NotHolder),
        ("keeper", {FACE_FEN: 10}, {}, InvalidInput),
        ("keeper", {FACE_FEN: 10}, {"buyer_code": "WAREHOUSE"}, NotTheParent),
        ("service", {FACE_FEN: 10}, {"buyer_code": "OUTLET"}, Forbidden),
    ],
)
def test_what_cannot_be_ordered(
    trade: Trade, who: str, counts: dict[int, int], more: dict[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        place_order(trade.db, trade.people[who], counts, "po-1", **more)
    with trade.db.read() as session:
        assert list_orders(session, trade.people["keeper"]) == []


def test_nobody_agrees_to_more_than_was_asked_or_to_nothing(trade: Trade) -> None:
    order = place_order(trade.db, trade.people["seller"], {FACE_FEN: 10}, "po-1")
    for counts in ({FACE_FEN: 11}, {FACE_FEN: -1}, {FACE_FEN: 0}, {2_000: 1}):
        with pytest.raises(InvalidInput):
            approve_order(trade.db, trade.people["agent"], order.number, counts)


def test_each_side_sees_its_orders_and_only_the_supplier_decides(
    papers: Papers, trade: Trade
) -> None:
    order = place_order(trade.db, trade.people["seller"], {FACE_FEN: 10}, "po-1")
    with trade.db.read() as session:
        seen = {
            who: [item.number for item in list_orders(session, trade.people[who])]
            for who in ("seller", "seller2", "agent", "keeper", "auditor")
        }
        with pytest.raises(PaperUnknown):
            read_order(session, trade.people["seller2"], order.number)
    mine = [order.number]
    assert seen == {"seller": mine, "seller2": [], "agent": mine, "keeper": mine, "auditor": mine}
    for act in (approve_order, allocate_order):
        with pytest.raises(PaperUnknown):
            act(trade.db, trade.people["seller2"], order.number)
    with pytest.raises(NotHolder):
        approve_order(trade.db, trade.people["seller"], order.number)
    with pytest.raises(Forbidden):
        approve_order(trade.db, trade.people["auditor"], order.number)


def test_cards_are_set_apart_once(papers: Papers, trade: Trade) -> None:
    trade.batch(300, at="city")
    one, two = papers.allocated(200), papers.ordered(150, "outlet2", "seller2")
    with pytest.raises(NotEnoughStock):
        allocate_order(trade.db, trade.people["agent"], two)
    with pytest.raises(PaperStateWrong):
        allocate_order(trade.db, trade.people["agent"], str(one.order))
    cancel_consignment(trade.db, trade.people["agent"], one.number, "sold out first")
    assert allocate_order(trade.db, trade.people["agent"], two).cards == 150
    with pytest.raises(PaperStateWrong):
        send_consignment(trade.db, trade.people["agent"], one.number)


def test_cards_on_hold_and_past_their_date_are_not_sent(papers: Papers, trade: Trade) -> None:
    first = trade.batch(300, at="city")
    trade.move("issuer", "hold", first, first + 99, hold="suspended", reason="counted twice")
    made = papers.allocated(150)
    assert [(line.cards.first - first, line.cards.last - first) for line in made.lines] == [
        (100, 249)
    ]


def test_several_face_values_go_in_one_consignment(papers: Papers, trade: Trade) -> None:
    trade.batch(100, at="city")
    with trade.db.write() as session:
        make_denomination(session, 2_000)
    order = place_order(
        trade.db, trade.people["seller"], {FACE_FEN: 50, 2_000: 20}, new_reference()
    )
    approve_order(trade.db, trade.people["agent"], order.number, {FACE_FEN: 50})
    made = allocate_order(trade.db, trade.people["agent"], order.number)
    assert [(line.cards.count, line.face_fen) for line in made.lines] == [(50, FACE_FEN)]


def test_a_draft_whose_cards_went_another_way_is_not_sent(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    made = papers.allocated(100)
    trade.move("agent", "dispatch", first, first, to="OUTLET2")
    before = trade.snapshot()
    with pytest.raises(DomainError) as refused:
        send_consignment(trade.db, trade.people["agent"], made.number)
    assert refused.value.code == "wrong_stage"
    assert trade.snapshot() == before


def test_pages_of_consignments_follow_ids(papers: Papers, trade: Trade) -> None:
    trade.batch(300, at="city")
    made = [papers.allocated(10) for _ in range(3)]
    agent = trade.people["agent"]
    with trade.db.read() as session:
        one = list_consignments(session, agent, limit=2)
        two = list_consignments(session, agent, after_id=one[-1].id, limit=2)
        sent = list_consignments(session, agent, state="sent")
    assert [item.number for item in [*one, *two]] == [item.number for item in made]
    assert sent == []
