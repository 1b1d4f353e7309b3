"""Receipts by scanning: full, partial, short, damaged, unexpected; once for each reference."""

from functools import partial

import pytest

from core.errors import DomainError, InvalidInput
from distribution.errors import (
    InConsignment,
    NotHolder,
    PaperStateWrong,
    PaperUnknown,
    RequestConflict,
)
from distribution.receipts import list_receipts
from staff.permissions import Forbidden
from tests.distribution.papers import Papers, carton, new_reference, pack, span
from tests.distribution.test_races import at_once
from tests.distribution.trade import Trade
from vouchers.serials import SerialInvalid, serial_text


def test_cartons_packs_ranges_and_single_cards_are_received_in_parts(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(3_000, at="city")
    sent = papers.sent(1_305)
    one = papers.receive("seller", sent.number, [carton(first)])
    assert (one.number, one.count("received")) == ("GR-20250611-000001", 1_000)
    assert papers.read(sent.number).outstanding == 305
    assert trade.lots(first)[0] == (0, 999, "stocked", "outlet", None)
    scans = [pack(first + 1_000), pack(first + 1_100), span(first + 1_200, first + 1_299)]
    papers.receive("seller", sent.number, scans)
    singles = [serial_text(first + place) for place in range(1_300, 1_305)]
    papers.receive("seller", sent.number, singles)
    done = papers.read(sent.number)
    assert (done.state, done.outstanding) == ("closed", 0)
    assert trade.lots(first) == [
        (0, 1_304, "stocked", "outlet", None),
        (1_305, 2_999, "stocked", "city", None),
    ]
    assert {row.document for row in trade.movements(first, "receive")} == {sent.number}
    with pytest.raises(PaperStateWrong):
        papers.receive("seller", sent.number, [pack(first)])
    with trade.db.read() as session:
        receipts = list_receipts(session, trade.people["seller"], sent.number)
    assert [item.count("received") for item in receipts] == [1_000, 300, 5]


def test_a_receipt_sent_again_changes_nothing_and_says_the_same(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(300, at="city")
    sent = papers.sent(200)
    one = papers.receive("seller", sent.number, [pack(first)], reference="scan-1")
    before = trade.snapshot()
    assert papers.receive("seller", sent.number, [pack(first)], reference="scan-1") == one
    assert trade.snapshot() == before
    with pytest.raises(RequestConflict):
        papers.receive("seller", sent.number, [pack(first + 100)], reference="scan-1")


def test_what_is_missing_is_claimed_only_when_all_is_said_to_be_there(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(300, at="city")
    sent = papers.sent(300)
    early = papers.receive("seller", sent.number, [pack(first)])
    assert early.claims == ()
    scans = [span(first + 100, first + 189), pack(first + 200)]
    done = papers.receive("seller", sent.number, scans, complete=True)
    assert (done.count("received"), done.count("short")) == (190, 10)
    (claim,) = papers.claims()
    assert (claim.number, claim.kind, claim.state) == (done.claims[0], "short", "open")
    assert (claim.owner_party, claim.cards.first - first, claim.cards.count) == ("CITY", 190, 10)
    assert papers.read(sent.number).state == "sent"
    assert (190, 199, "in_transit", "city", None) in trade.lots(first)


def test_damaged_cards_stay_on_the_way_on_hold_with_a_claim(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    wet = span(first + 40, first + 44)
    done = papers.receive("seller", sent.number, [pack(first)], [wet])
    assert (done.count("received"), done.count("damaged")) == (95, 5)
    assert (40, 44, "in_transit", "city", "damaged") in trade.lots(first)
    assert [(claim.kind, claim.cards.count) for claim in papers.claims()] == [("damaged", 5)]
    again = papers.receive("seller", sent.number, [pack(first)])
    assert (again.count("repeated"), again.count("claimed"), again.claims) == (95, 5, ())


def test_cards_of_no_consignment_are_recorded_and_not_moved(papers: Papers, trade: Trade) -> None:
    first, other = trade.batch(100, at="city"), trade.batch(50, at="province")
    sent = papers.sent(100)
    done = papers.receive("seller", sent.number, [pack(first), pack(other), serial_text(other)])
    assert (done.count("received"), done.count("unexpected")) == (100, 50)
    assert trade.lots(other) == [(0, 49, "stocked", "province", None)]
    (claim,) = papers.claims()
    assert (claim.kind, claim.cards.first, claim.cards.count) == ("unexpected", other, 50)
    assert papers.read(sent.number).state == "closed"


def test_strange_cards_are_claimed_once(papers: Papers, trade: Trade) -> None:
    first, other = trade.batch(100, at="city"), trade.batch(50, at="province")
    sent = papers.sent(100)
    papers.receive("seller", sent.number, [pack(other)])
    again = papers.receive("seller", sent.number, [pack(other), pack(first)])
    assert (again.count("unexpected"), again.count("claimed")) == (0, 50)
    assert len(papers.claims()) == 1


def test_the_label_of_a_pack_stands_for_its_cards_in_the_consignment_alone(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100, at="city")
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET2")
    sent = papers.sent(90)
    done = papers.receive("seller", sent.number, [pack(first)])
    assert (done.count("received"), done.count("unexpected")) == (90, 0)


def test_a_range_names_exactly_its_cards(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET2")
    sent = papers.sent(90)
    done = papers.receive("seller", sent.number, [span(first, first + 99)])
    assert (done.count("received"), done.count("unexpected")) == (90, 10)


def test_cards_put_on_hold_on_the_way_wait_for_an_answer(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    trade.move("issuer", "hold", first + 10, first + 19, hold="stolen", reason="alarm")
    done = papers.receive("seller", sent.number, [pack(first)])
    assert (done.count("received"), done.count("held")) == (90, 10)
    assert [claim.kind for claim in papers.claims()] == ["held"]
    assert (10, 19, "in_transit", "city", "stolen") in trade.lots(first)


def test_only_the_receiver_receives(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    for who, error in (("seller2", PaperUnknown), ("auditor", Forbidden)):
        with pytest.raises(error):
            papers.receive(who, sent.number, [pack(first)])
    back = papers.drawn_up("seller", "return", *received(papers, trade, sent.number, first))
    papers.send("seller", back.number)
    with pytest.raises(NotHolder):
        papers.receive("seller", back.number, [pack(first)])


def received(papers: Papers, trade: Trade, number: str, first: int) -> tuple[int, int]:
    papers.receive("seller", number, [pack(first)])
    return first, first + 99


@pytest.mark.parametrize("scan", ["", "12", "x" * 17, "1" * 15, "42261010001000001"])
def test_what_no_scanner_reads_is_refused_and_nothing_is_received(
    papers: Papers, trade: Trade, scan: str
) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    before = trade.snapshot()
    with pytest.raises((InvalidInput, SerialInvalid)):
        papers.receive("seller", sent.number, [pack(first), scan])
    with pytest.raises(InvalidInput):
        papers.receive("seller", sent.number)
    with pytest.raises(DomainError) as refused:
        papers.receive("seller", sent.number, ["9" * 14])
    assert refused.value.code == "batch_unknown"
    assert trade.snapshot() == before


def test_cards_of_a_consignment_are_not_received_or_made_void_past_it(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(60)
    for who, move, more in (
        ("seller", "receive", {}),
        ("finance", "void", {"reason": "torn"}),
    ):
        with pytest.raises(InConsignment) as refused:
            trade.ask(who, move, first, first + 9, **more)
        assert refused.value.details["consignment"] == sent.number
    papers.receive("seller", sent.number, [span(first, first + 9)])
    trade.pend("finance", "void", first, first + 9, reason="torn")


def test_no_hand_writes_the_number_of_a_consignment(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    with pytest.raises(InvalidInput):
        trade.move(
            "agent", "dispatch", first, first + 9, to="OUTLET", document="CN-20250611-000001"
        )


def test_two_receivers_who_scan_the_same_pack_at_once_receive_it_once(
    papers: Papers, trade: Trade
) -> None:
    first = trade.batch(300, at="city")
    sent = papers.sent(300)
    for label in (pack(first), pack(first + 100)):
        found = at_once([partial(scan, papers, sent.number, label)] * 4)
        assert sorted(found) == [(0, 100)] * 3 + [(100, 0)]
    moved = trade.movements(first, "receive")
    assert sum(row.last_serial - row.first_serial + 1 for row in moved) == 200


def scan(papers: Papers, number: str, label: str) -> tuple[int, int]:
    """Receive a pack under a reference of its own; how many were received, and had been."""
    done = papers.receive("seller", number, [label], reference=new_reference())
    return done.count("received"), done.count("repeated")


def test_one_receipt_sent_many_times_at_once_is_one(papers: Papers, trade: Trade) -> None:
    first = trade.batch(100, at="city")
    sent = papers.sent(100)
    again = partial(papers.receive, "seller", sent.number, [pack(first)], reference="scan-1")
    found = at_once([again] * 4)
    assert len({item.number for item in found}) == 1
