"""Stock counts: what was found against the books, cleared up by moves and never by edits."""

import pytest

from core.db import Database
from core.errors import InvalidInput
from distribution.differences import answer_difference
from distribution.errors import (
    DifferenceAnswered,
    NotAnswered,
    NotHolder,
    PaperUnknown,
    PartyUnknown,
    RequestConflict,
)
from distribution.scans import ScanUnreadable
from distribution.stock_counts import Count, list_counts, read_count, record_count
from staff.permissions import Forbidden
from tests.clocks import FakeClock
from tests.distribution.trade import Trade, open_trade
from vouchers.serials import serial_text


@pytest.fixture
def trade(db: Database) -> Trade:
    return open_trade(db)


def found(first: int, *spans: tuple[int, int]) -> list[str]:
    return [f"{serial_text(first + a)}-{serial_text(first + b)}" for a, b in spans]


def count(trade: Trade, who: str, scans: list[str], reference: str, at: str = "OUTLET") -> Count:
    return record_count(trade.db, trade.people[who], at, scans, reference)


def shown(sheet: Count, first: int) -> list[tuple[str, int, int, str | None, str | None]]:
    return [
        (d.kind, d.first_serial - first, d.last_serial - first, d.booked_stage, d.owner)
        for d in sheet.differences
    ]


def test_a_shelf_as_booked_has_no_differences(trade: Trade) -> None:
    first = trade.batch(300)
    trade.batch(100, at="city")
    trade.move("service", "hold", first, first + 9, hold="suspended", reason="doubt")
    packs = [str((first + place) // 100).zfill(14) for place in (0, 100, 200)]
    sheet = count(trade, "seller", packs, "june")
    assert (sheet.expected_cards, sheet.found_cards, sheet.differences) == (300, 300, ())


@pytest.mark.parametrize("digits", [13, 14])
def test_the_label_of_the_last_pack_or_carton_names_the_cards_of_its_batch(
    trade: Trade, digits: int
) -> None:
    first = trade.batch(250)
    per_label = 10 ** (16 - digits)
    labels = [str((first + place) // per_label) for place in range(0, 250, per_label)]
    sheet = count(trade, "seller", [label.zfill(digits) for label in labels], "june")
    assert (sheet.expected_cards, sheet.found_cards, sheet.differences) == (250, 250, ())
    beyond = count(trade, "seller", [*labels, *found(first, (250, 251))], "july")
    assert shown(beyond, first) == [("unexpected", 250, 251, None, "OUTLET")]


def test_missing_and_unexpected_cards_are_listed_with_who_clears_them_up(trade: Trade) -> None:
    first, other = trade.batch(100), trade.batch(50, at="outlet2")
    trade.contract("outlet", "credit", limit_fen=10_000_000)
    trade.move("seller", "activate", first + 90, first + 99)
    sheet = count(
        trade,
        "keeper",
        [*found(first, (0, 39), (42, 92)), *found(other, (0, 4))],
        "june",
    )
    assert shown(sheet, first)[:2] == [
        ("missing", 40, 41, "stocked", "OUTLET"),
        ("unexpected", 90, 92, "active", "OUTLET"),
    ]
    [strange] = [d for d in sheet.differences if d.first_serial == other]
    assert (strange.booked_stage, strange.booked_holder, strange.owner, strange.cards) == (
        "stocked",
        "OUTLET2",
        "OUTLET2",
        5,
    )


def test_cards_on_the_way_and_cards_of_nobody_are_unexpected(trade: Trade) -> None:
    first = trade.batch(20, at="city")
    trade.move("agent", "dispatch", first, first + 4, to="OUTLET")
    sheet = count(trade, "keeper", found(first, (0, 4)) + found(first, (5, 6)), "june")
    assert shown(sheet, first) == [
        ("unexpected", 0, 4, "in_transit", "OUTLET"),
        ("unexpected", 5, 6, "stocked", "CITY"),
    ]
    forged = count(trade, "keeper", found(first, (50, 51)), "forged")
    assert shown(forged, first) == [("unexpected", 50, 51, None, "OUTLET")]


def test_a_count_changes_no_lot_and_a_difference_ends_by_moves(
    trade: Trade, clock: FakeClock
) -> None:
    first = trade.batch(100)
    early = trade.move("service", "hold", first + 8, first + 9, hold="lost", reason="gone")
    clock.advance(minutes=1)
    before = trade.snapshot()
    sheet = count(trade, "seller", found(first, (0, 7)), "june")
    assert trade.snapshot() == before
    [difference] = sheet.differences
    assert (difference.kind, difference.cards) == ("missing", 92)
    seller = trade.people["seller"]
    with pytest.raises(NotAnswered):
        answer_difference(trade.db, seller, difference.id, "held", early.movement_ids)
    clock.advance(minutes=1)
    some = trade.move("service", "hold", first + 10, first + 99, hold="stolen", reason="gone")
    with pytest.raises(NotAnswered):
        answer_difference(trade.db, seller, difference.id, "held", some.movement_ids)
    trade.move("service", "release", first + 8, first + 9, reason="counted")
    rest = trade.move("service", "hold", first + 8, first + 9, hold="stolen", reason="gone")
    moves = [*some.movement_ids, *rest.movement_ids]
    done = answer_difference(trade.db, seller, difference.id, "police report 7", moves)
    assert (done.note, done.answered_at) == ("police report 7", clock.now)
    with pytest.raises(DifferenceAnswered):
        answer_difference(trade.db, seller, difference.id, "again", moves)


def test_a_later_count_that_agrees_ends_a_difference(trade: Trade, clock: FakeClock) -> None:
    first = trade.batch(100)
    june = count(trade, "seller", found(first, (0, 89)), "june")
    clock.advance(days=1)
    still = count(trade, "seller", found(first, (0, 94)), "recount 1")
    whole = count(trade, "seller", found(first, (0, 99)), "recount 2")
    [difference] = june.differences
    seller = trade.people["seller"]
    for wrong in (still.id, june.id, 4711):
        with pytest.raises(NotAnswered):
            answer_difference(trade.db, seller, difference.id, "found", recount_id=wrong)
    done = answer_difference(trade.db, seller, difference.id, "found", recount_id=whole.id)
    assert done.answered_at is not None
    with pytest.raises(InvalidInput):
        answer_difference(trade.db, seller, still.differences[0].id, "no proof")


def test_a_reference_counts_once(trade: Trade) -> None:
    first = trade.batch(100)
    sheet = count(trade, "seller", found(first, (0, 49)), "june")
    assert count(trade, "seller", found(first, (0, 9), (10, 49)), "june") == sheet
    with pytest.raises(RequestConflict):
        count(trade, "seller", found(first, (0, 50)), "june")
    assert count(trade, "keeper", found(first, (0, 49)), "june").id != sheet.id


def test_a_distributor_counts_and_sees_its_own_part_of_the_tree_only(trade: Trade) -> None:
    first, other = trade.batch(10), trade.batch(10, at="outlet2")
    mine = count(trade, "seller", found(other, (0, 1)), "june")
    strange = mine.differences[-1]
    assert (strange.booked_stage, strange.booked_holder, strange.owner) == (None, None, "OUTLET")
    with pytest.raises(NotHolder):
        count(trade, "seller2", found(first, (0, 1)), "june")
    with trade.db.read() as session:
        seller2, agent = trade.people["seller2"], trade.people["agent"]
        assert list_counts(session, seller2) == []
        assert [item.id for item in list_counts(session, agent)] == [mine.id]
        with pytest.raises(PaperUnknown):
            read_count(session, seller2, mine.id)
    with pytest.raises(PaperUnknown):
        answer_difference(trade.db, trade.people["seller2"], strange.id, "mine", [1])
    with pytest.raises(Forbidden):
        count(trade, "auditor", [], "june")


def test_cards_of_others_and_of_nobody_are_one_difference_to_a_party(
    trade: Trade, clock: FakeClock
) -> None:
    trade.contract("city", "credit", limit_fen=10_000_000)
    other = trade.batch(40, at="outlet2")
    trade.move("seller2", "activate", other, other + 9)
    trade.move("service", "hold", other + 10, other + 19, hold="suspended", reason="doubt")
    mine = count(trade, "seller", found(other, (5, 44)), "june")
    assert shown(mine, other) == [("unexpected", 5, 44, None, "OUTLET")]
    seller, keeper, agent = (trade.people[who] for who in ("seller", "keeper", "agent"))
    with trade.db.read() as session:
        whole = read_count(session, keeper, mine.id)
        assert read_count(session, agent, mine.id) == whole
    split = [
        ("unexpected", 5, 9, "active", "OUTLET2"),
        ("unexpected", 10, 19, "stocked", "OUTLET2"),
        ("unexpected", 20, 39, "stocked", "OUTLET2"),
        ("unexpected", 40, 44, None, "OUTLET"),
    ]
    assert shown(whole, other) == split
    clock.advance(days=1)
    later = count(trade, "seller", [], "july")
    first = answer_difference(
        trade.db, keeper, whole.differences[1].id, "given back", recount_id=later.id
    )
    with trade.db.read() as session:
        assert read_count(session, seller, mine.id) == mine
    [strange] = mine.differences
    clock.advance(days=1)
    done = answer_difference(trade.db, seller, strange.id, "all back", recount_id=later.id)
    assert (done.id, done.cards, done.note, done.answered_at) == (
        strange.id,
        40,
        "all back",
        clock.now,
    )
    with trade.db.read() as session:
        ended = read_count(session, keeper, mine.id).differences
    assert [item.note for item in ended] == ["all back", "given back", "all back", "all back"]
    assert ended[1] == first
    with pytest.raises(DifferenceAnswered):
        answer_difference(trade.db, seller, strange.id, "again", recount_id=later.id)


def test_cards_on_the_way_to_a_party_are_told_to_it(trade: Trade) -> None:
    first = trade.batch(20, at="city")
    trade.move("agent", "dispatch", first, first + 4, to="OUTLET")
    sheet = count(trade, "seller", found(first, (0, 9)), "june")
    assert shown(sheet, first) == [
        ("unexpected", 0, 4, "in_transit", "OUTLET"),
        ("unexpected", 5, 9, None, "OUTLET"),
    ]


def test_what_cannot_be_read_is_no_count(trade: Trade) -> None:
    with pytest.raises(ScanUnreadable):
        count(trade, "keeper", ["4711"], "june")
    with pytest.raises(PartyUnknown):
        count(trade, "keeper", [], "june", "NOBODY")
    with trade.db.read() as session:
        assert list_counts(session, trade.people["keeper"]) == []
