"""A chapter of the audited world: papers of every kind, in every state that they can be in."""

from typing import TYPE_CHECKING

from distribution import claim_answers, claims
from distribution.consignments import cancel_consignment, draw_up
from distribution.orders import place_order, refuse_order
from tests.distribution.papers import Papers, span
from tests.distribution.trade import FACE_FEN
from vouchers.serials import serial_text

if TYPE_CHECKING:
    from tests.audit.world import World


def paper_chapter(world: "World") -> None:
    """Twenty cards are consigned to the city; of those ordered five are sent, three received."""
    cards, move, papers = world.house.cards(20), world.move, Papers(world.trade)
    world.trade.contract("city", "consignment", limit_fen=10_000_000)
    move("keeper", "take_into_stock", cards)
    for party in ("PROVINCE", "CITY"):
        move("keeper", "dispatch", cards, to=party)
        move("keeper", "receive", cards)
    _ordering(world, papers)
    number = papers.sent(5, "outlet2").number
    _receiving(world, papers, number)
    _sending_back(world, papers, cards[10].serial)


def _ordering(world: "World", papers: Papers) -> None:
    db, people = world.db, world.trade.people
    place_order(db, people["seller"], {FACE_FEN: 8}, "wished for")
    refused = place_order(db, people["seller"], {FACE_FEN: 9}, "too much")
    refuse_order(db, people["agent"], refused.number, "unpaid")
    given_up = papers.allocated(3)
    cancel_consignment(db, people["agent"], given_up.number, "sold out")


def _receiving(world: "World", papers: Papers, number: str) -> None:
    """Two arrive, one torn, a strange one among them; of two missing ones one is found."""
    world.clock.advance(minutes=5)
    start = papers.read(number).lines[0].cards.first
    scans = [span(start, start + 1), serial_text(world.cards[53].serial)]
    papers.receive("seller2", number, scans, [serial_text(start + 2)])
    world.clock.advance(minutes=5)
    papers.receive("seller2", number, complete=True)
    db, people = world.db, world.trade.people
    by_kind = {item.kind: item.number for item in papers.claims()}
    claims.assign_claim(db, people["keeper"], by_kind["short"], "service", "she knows the shop")
    found = (serial_text(start + 3), serial_text(start + 3))
    claim_answers.answer_received(db, people["keeper"], by_kind["short"], "in the van", found)
    asked = claim_answers.request_void(db, people["finance"], by_kind["damaged"], "torn", "CITY")
    world.clock.advance(minutes=5)
    papers.agree("finance2", asked.approval_id)


def _sending_back(world: "World", papers: Papers, first: int) -> None:
    """Four are sold by the outlet; three go back, of which two arrive and are credited."""
    trade = world.trade
    trade.move("agent", "dispatch", first, first + 3, to="OUTLET")
    trade.move("seller", "receive", first, first + 3)
    trade.move("seller", "activate", first, first + 3)
    number = papers.drawn_up("seller", "return", first, first + 2, reason="shop closes").number
    world.clock.advance(minutes=5)
    papers.send("seller", number)
    papers.receive("agent", number, [span(first, first + 1)])
    ends = [(serial_text(first + 3), serial_text(first + 3))]
    seller = trade.people["seller"]
    moved = draw_up(world.db, seller, "transfer", ends, "kept as a draft", None, "OUTLET2")
    assert moved.state == "draft"
