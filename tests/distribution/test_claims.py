"""Claims are answered with a reason, by staff, and never by a silent edit."""

import pytest

from core.errors import InvalidInput, NotFound
from distribution import claim_answers, claims
from distribution.actions import ACTIONS
from distribution.errors import PaperStateWrong, PaperUnknown
from distribution.moves import PendingApproval
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Forbidden
from tests.clocks import FakeClock
from tests.distribution.papers import Papers, pack, span
from tests.distribution.trade import Trade
from vouchers.moves import LotOnHold
from vouchers.serials import serial_text


def short(papers: Papers, trade: Trade, cards: int = 10) -> tuple[int, str]:
    """Send 100 cards of which the last are missing; return the first missing one, and the claim."""
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    scans = [span(first, first + 99 - cards)]
    (number,) = papers.receive("seller", sent.number, scans, complete=True).claims
    return first + 100 - cards, number


def test_cards_found_later_are_received(papers: Papers, trade: Trade, clock: FakeClock) -> None:
    start, number = short(papers, trade)
    clock.advance(days=3)
    done = claim_answers.answer_received(
        trade.db, trade.people["keeper"], number, "behind the counter"
    )
    assert (done.state, done.age_days) == ("received", 3)
    assert [item.state for item in done.history] == ["open", "received"]
    assert papers.read(done.consignment).state == "closed"
    assert trade.lots(start - 90) == [(0, 99, "stocked", "outlet", None)]


def test_a_part_is_found_and_the_rest_stays_claimed(papers: Papers, trade: Trade) -> None:
    start, number = short(papers, trade)
    found = (serial_text(start + 2), serial_text(start + 5))
    keeper = trade.people["keeper"]
    claim_answers.answer_received(trade.db, keeper, number, "in the van", found)
    states = [(item.cards.first - start, item.cards.count, item.state) for item in papers.claims()]
    assert sorted(states) == [(0, 2, "open"), (2, 4, "received"), (6, 4, "open")]
    assert papers.read(papers.claims()[0].consignment).outstanding == 6
    with pytest.raises(InvalidInput):
        rest = next(item.number for item in papers.claims() if item.state == "open")
        claim_answers.answer_received(trade.db, keeper, rest, "wrong", found)


def test_lost_cards_are_held_and_made_void_by_two_persons_at_somebodys_cost(
    papers: Papers, trade: Trade
) -> None:
    start, number = short(papers, trade)
    people = trade.people
    claim_answers.hold_as_lost(trade.db, people["keeper"], number, "reported to the police")
    assert (90, 99, "in_transit", "city", "lost") in trade.lots(start - 90)
    asked = claim_answers.request_void(
        trade.db, people["finance"], number, "never found", "PROVINCE"
    )
    with trade.db.read() as session:
        told = approvals.summarise(approvals.get(session, asked.approval_id), ACTIONS)
    for sentence in (told.zh, told.en):
        facts = (number, "10", "50.00", serial_text(start), serial_text(start + 9), "PROVINCE")
        assert [fact for fact in facts if fact not in sentence] == []
    with pytest.raises(SamePerson):
        approvals.agree(trade.db, people["finance"], asked.approval_id, ACTIONS)
    done = approvals.agree(trade.db, people["finance2"], asked.approval_id, ACTIONS)
    assert (done.state, done.charged_to) == ("void", "PROVINCE")
    assert (90, 99, "void", "city", None) in trade.lots(start - 90)
    assert papers.read(done.consignment).state == "closed"
    assert [item.reason for item in done.history] == [
        "short when received",
        "held as lost: reported to the police",
        "never found",
    ]


def test_a_void_that_was_asked_for_falls_with_any_change(papers: Papers, trade: Trade) -> None:
    start, number = short(papers, trade)
    people = trade.people
    asked = claim_answers.request_void(trade.db, people["finance"], number, "gone", "CITY")
    found = (serial_text(start), serial_text(start))
    claim_answers.answer_received(trade.db, people["keeper"], number, "one is there", found)
    with pytest.raises(ContentChanged):
        approvals.agree(trade.db, people["finance2"], asked.approval_id, ACTIONS)
    held = next(item.number for item in papers.claims() if item.state == "open")
    asked = claim_answers.request_void(trade.db, people["finance"], held, "gone", "CITY")
    claim_answers.hold_as_lost(trade.db, people["keeper"], held, "lost")
    with pytest.raises(ContentChanged):
        approvals.agree(trade.db, people["finance2"], asked.approval_id, ACTIONS)


def test_damaged_cards_that_are_good_after_all_are_released_and_received(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    done = papers.receive("seller", sent.number, [pack(first)], [serial_text(first)])
    keeper = trade.people["keeper"]
    claim_answers.answer_received(trade.db, keeper, done.claims[0], "only the box was wet")
    assert trade.lots(first) == [(0, 99, "stocked", "outlet", None)]


def test_a_hold_of_somebody_else_is_not_lifted_by_a_claim(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    trade.move("issuer", "hold", first, first + 9, hold="stolen", reason="alarm")
    (number,) = papers.receive("seller", sent.number, [pack(first)]).claims
    keeper = trade.people["keeper"]
    with pytest.raises(LotOnHold):
        claim_answers.answer_received(trade.db, keeper, number, "is here")
    trade.move("issuer", "release", first, first + 9, reason="false alarm")
    assert claim_answers.answer_received(trade.db, keeper, number, "is here").state == "received"


def test_a_loss_that_somebody_else_reported_is_not_lifted_by_a_claim(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    trade.move("service", "hold", first, first + 9, hold="lost", reason="a customer called")
    (number,) = papers.receive("seller", sent.number, [pack(first)]).claims
    keeper = trade.people["keeper"]
    with pytest.raises(LotOnHold):
        claim_answers.answer_received(trade.db, keeper, number, "is here")
    assert trade.lots(first)[0] == (0, 9, "in_transit", "city", "lost")


def test_of_cards_held_as_lost_a_claim_lifts_its_own_holds_alone(
    papers: Papers, trade: Trade
) -> None:
    start, number = short(papers, trade)
    trade.move("service", "hold", start, start + 3, hold="lost", reason="a customer called")
    keeper = trade.people["keeper"]
    claim_answers.hold_as_lost(trade.db, keeper, number, "not in the van")
    with pytest.raises(LotOnHold):
        claim_answers.answer_received(trade.db, keeper, number, "found")
    trade.move("service", "release", start, start + 3, reason="he was wrong")
    assert claim_answers.answer_received(trade.db, keeper, number, "found").state == "received"
    assert trade.lots(start - 90) == [(0, 99, "stocked", "outlet", None)]


def test_strange_cards_are_dismissed_and_missing_ones_are_not(papers: Papers, trade: Trade) -> None:
    first, other = trade.batch(100, at="city"), trade.batch(10, at="province")
    sent = papers.sent(100)
    scans = [pack(other), span(first, first + 89)]
    papers.receive("seller", sent.number, scans, complete=True)
    strange, missing = sorted(papers.claims(), key=lambda item: item.kind == "short")
    finance = trade.people["finance"]
    done = claim_answers.dismiss(trade.db, finance, strange.number, "sent on to the province")
    assert done.state == "dismissed"
    with pytest.raises(PaperStateWrong):
        claim_answers.dismiss(trade.db, finance, missing.number, "never mind")
    with pytest.raises(PaperStateWrong):
        claim_answers.dismiss(trade.db, finance, strange.number, "again")


def test_a_claim_has_an_owner_and_who_is_not_concerned_does_not_see_it(
    papers: Papers, trade: Trade
) -> None:
    _, number = short(papers, trade)
    people = trade.people
    with pytest.raises(NotFound):
        claims.assign_claim(trade.db, people["keeper"], number, "nobody", "ask him")
    done = claims.assign_claim(trade.db, people["keeper"], number, "service", "she knows the shop")
    assert (done.owner, done.owner_party) == ("service", "CITY")
    assert len(papers.claims("agent")) == len(papers.claims("seller")) == 1
    assert papers.claims("seller2") == []
    with pytest.raises(PaperUnknown), trade.db.read() as session:
        claims.read_claim(session, people["seller2"], number)
    for who in ("seller", "agent", "auditor", "service"):
        with pytest.raises(Forbidden):
            claim_answers.answer_received(trade.db, people[who], number, "mine")
        with pytest.raises(Forbidden):
            claim_answers.request_void(trade.db, people[who], number, "mine", "CITY")


def test_a_refused_void_leaves_the_claim_open(papers: Papers, trade: Trade) -> None:
    _, number = short(papers, trade)
    people = trade.people
    asked = claim_answers.request_void(trade.db, people["finance"], number, "gone", "CITY")
    assert isinstance(asked, PendingApproval)
    approvals.refuse(trade.db, people["finance2"], asked.approval_id, "look again", ACTIONS)
    assert [item.state for item in papers.claims()] == ["open"]
