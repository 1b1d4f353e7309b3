"""Returns and transfers in consignments: credited on receipt, agreed to by a second person."""

import pytest

from distribution.actions import ACTIONS
from distribution.consignments import draw_up, list_consignments
from distribution.dispatching import send_consignment
from distribution.errors import (
    NotAChild,
    NothingToMove,
    NotHolder,
    NotTheParent,
    RequestConflict,
)
from distribution.moves import PendingApproval
from staff import approvals
from staff.approvals import ContentChanged
from tests.distribution.papers import Papers, pack, span
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN, Trade
from vouchers.lots import BatchUnknown
from vouchers.serials import serial_text

NET_FEN = FACE_FEN - COMMISSION_FEN


def sold(trade: Trade) -> int:
    """Activate 100 cards at the outlet; return the first."""
    trade.contract("city", "credit", 10**9, COMMISSION_FEN)
    first = trade.batch(100)
    trade.move("seller", "activate", first, first + 99)
    return first


def test_a_returned_range_with_one_used_card_is_credited_for_the_rest_only(
    papers: Papers, trade: Trade
) -> None:
    first = sold(trade)
    trade.redeem([first + 7])
    back = papers.drawn_up("seller", "return", first, first + 99, reason="shop closes")
    assert isinstance(
        send_consignment(trade.db, trade.people["seller"], back.number), PendingApproval
    )
    sent = papers.send("seller", back.number)
    assert (sent.cards, sent.outstanding, len(sent.lines)) == (99, 99, 2)
    assert trade.owed("city") == 100 * NET_FEN
    papers.receive("agent", back.number, [pack(first)])
    assert trade.owed("city") == NET_FEN
    (note,) = papers.credit_notes("agent")
    assert (note.number, note.consignment, note.party) == (
        "CR-20250611-000001",
        back.number,
        "CITY",
    )
    assert (note.cards, note.credit_fen) == (99, 99 * NET_FEN)
    assert (note.face_value_fen, note.commission_fen) == (99 * FACE_FEN, 99 * COMMISSION_FEN)
    entries = {row.entry_id for row in trade.movements(first, "receive")}
    assert {line.entry_id for line in note.lines} == entries
    assert papers.read(back.number).state == "closed"
    assert papers.credit_notes("seller") == papers.credit_notes("agent")
    assert papers.credit_notes("seller2") == []


def test_wholly_used_ranges_leave_a_return_before_and_after_it_is_asked_for(
    papers: Papers, trade: Trade
) -> None:
    first = sold(trade)
    trade.redeem([first, first + 1])
    spans = [(0, 1), (10, 11), (20, 29)]
    ranges = [(serial_text(first + a), serial_text(first + b)) for a, b in spans]
    seller = trade.people["seller"]
    back = draw_up(trade.db, seller, "return", ranges, "back-1")
    asked = send_consignment(trade.db, seller, back.number)
    assert isinstance(asked, PendingApproval)
    with trade.db.read() as session:
        content = approvals.get(session, asked.approval_id).content
    assert (content["cards"], content["face_value_fen"]) == (12, 12 * FACE_FEN)
    assert len(content["ranges"]) == 2
    trade.redeem([first + 10, first + 11])
    papers.agree("finance", asked.approval_id)
    sent = papers.read(back.number)
    assert [(line.cards.first - first, line.cards.last - first) for line in sent.lines] == [
        (20, 29)
    ]
    assert sent.outstanding == 10
    assert [lot for lot in trade.lots(first) if lot[2] == "in_transit"] == [
        (20, 29, "in_transit", "outlet", None)
    ]
    papers.receive("agent", back.number, [span(first + 20, first + 29)])
    assert papers.read(back.number).state == "closed"
    assert [note.cards for note in papers.credit_notes()] == [10]


def test_a_return_of_nothing_but_used_cards_stays_a_draft(papers: Papers, trade: Trade) -> None:
    first = sold(trade)
    trade.redeem([first, first + 1])
    back = papers.drawn_up("seller", "return", first, first + 1)
    with pytest.raises(NothingToMove):
        send_consignment(trade.db, trade.people["seller"], back.number)
    assert papers.read(back.number).state == "draft"


def test_used_cards_of_others_do_not_leave_a_return_silently(papers: Papers, trade: Trade) -> None:
    first, other = sold(trade), trade.batch(10, stage="active", at="outlet2")
    trade.redeem([other])
    ranges = [(serial_text(serial), serial_text(serial)) for serial in (first, other)]
    back = draw_up(trade.db, trade.people["seller"], "return", ranges, "back-1")
    with pytest.raises(NotHolder):
        send_consignment(trade.db, trade.people["seller"], back.number)


def test_each_part_that_arrives_is_credited_by_a_note_of_its_own(
    papers: Papers, trade: Trade
) -> None:
    first = sold(trade)
    back = papers.drawn_up("seller", "return", first, first + 99)
    papers.send("seller", back.number)
    papers.receive("agent", back.number, [span(first, first + 59)])
    papers.receive("agent", back.number, [span(first + 60, first + 89)], complete=True)
    assert [note.cards for note in papers.credit_notes()] == [60, 30]
    assert trade.owed("city") == 10 * NET_FEN
    assert [claim.kind for claim in papers.claims()] == ["short"]


def test_unsold_cards_go_back_without_a_second_person_and_without_a_credit(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100)
    back = papers.drawn_up("seller", "return", first, first + 99)
    done = send_consignment(trade.db, trade.people["seller"], back.number)
    assert not isinstance(done, PendingApproval)
    papers.receive("agent", back.number, [pack(first)])
    assert papers.credit_notes() == []
    assert trade.lots(first) == [(0, 99, "stocked", "city", None)]


def test_a_transfer_to_a_sibling_is_agreed_to_by_a_second_person(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100)
    made = papers.drawn_up("seller", "transfer", first, first + 99, receiver_code="OUTLET2")
    asked = send_consignment(trade.db, trade.people["seller"], made.number)
    assert isinstance(asked, PendingApproval)
    assert trade.lots(first) == [(0, 99, "stocked", "outlet", None)]
    with trade.db.read() as session:
        told = approvals.summarise(approvals.get(session, asked.approval_id), ACTIONS)
    for sentence in (told.zh, told.en):
        facts = (made.number, "100", "5000.00", "OUTLET2", serial_text(first))
        assert [fact for fact in facts if fact not in sentence] == []
    approvals.agree(trade.db, trade.people["finance"], asked.approval_id, ACTIONS)
    moved = trade.movements(first, "transfer")
    assert [(row.approval_id, row.document) for row in moved] == [(asked.approval_id, made.number)]
    papers.receive("seller2", made.number, [pack(first)])
    assert trade.lots(first) == [(0, 99, "stocked", "outlet2", None)]


def test_what_changed_after_the_request_makes_it_void(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100)
    made = papers.drawn_up("seller", "transfer", first, first + 99, receiver_code="OUTLET2")
    asked = send_consignment(trade.db, trade.people["seller"], made.number)
    assert isinstance(asked, PendingApproval)
    trade.move("issuer", "hold", first, first, hold="lost", reason="look")
    trade.move("issuer", "release", first, first, reason="there it is")
    with pytest.raises(ContentChanged):
        approvals.agree(trade.db, trade.people["finance"], asked.approval_id, ACTIONS)
    assert papers.read(made.number).state == "draft"


@pytest.mark.parametrize(
    ("who", "kind", "more", "error"),
    [
        ("seller", "dispatch", {"receiver_code": "OUTLET2"}, NotAChild),
        ("seller", "transfer", {"receiver_code": "FAR"}, NotAChild),
        ("seller", "transfer", {"receiver_code": "OUTLET"}, NotAChild),
        ("seller", "return", {"receiver_code": "PROVINCE"}, NotTheParent),
        ("keeper", "return", {"sender_code": "WAREHOUSE"}, NotTheParent),
        ("seller", "return", {"sender_code": "OUTLET2"}, NotHolder),
    ],
)
def test_ways_that_cards_do_not_go(
    papers: Papers, trade: Trade, who: str, kind: str, more: dict[str, str], error: type[Exception]
) -> None:
    first = trade.batch(10)
    with pytest.raises(error):
        papers.drawn_up(who, kind, first, first + 9, **more)


def test_the_same_reference_draws_up_once(trade: Trade) -> None:
    first = trade.batch(10)
    seller = trade.people["seller"]
    ranges = [(serial_text(first), serial_text(first + 9))]
    one = draw_up(trade.db, seller, "return", ranges, "back-1")
    assert draw_up(trade.db, seller, "return", ranges, "back-1") == one
    with pytest.raises(RequestConflict):
        draw_up(trade.db, seller, "return", ranges, "back-1", reason="other")


def test_cards_of_a_batch_that_is_not_there_are_not_set_apart(trade: Trade) -> None:
    seller, strange = trade.people["seller"], serial_text(trade.batch(10) + 10**10)
    with pytest.raises(BatchUnknown):
        draw_up(trade.db, seller, "return", [(strange, strange)], "back-1")
    with trade.db.read() as session:
        assert list_consignments(session, trade.people["keeper"]) == []
