"""Cards on their way from the printer to the outlet and back: what each move does."""

from datetime import date

import pytest
from sqlalchemy import select

from staff.tables import audit_event
from tests.clocks import FakeClock
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import PRINTED_EXPIRY, make_batch
from vouchers.serials import serial_text


def test_what_the_printer_delivers_is_stocked_and_what_it_spoilt_is_void(trade: Trade) -> None:
    first = trade.batch(100, "printing", "warehouse")
    spoilt = tuple(serial_text(first + at) for at in (0, 50, 51))
    moved = trade.move("keeper", "take_into_stock", first, first + 99, spoilt=spoilt)
    assert moved.cards == 100
    assert trade.lots(first) == [
        (0, 0, "void", "warehouse", None),
        (1, 49, "stocked", "warehouse", None),
        (50, 51, "void", "warehouse", None),
        (52, 99, "stocked", "warehouse", None),
    ]
    row = trade.batch_row(first)
    assert (row.delivered_count, row.spoilt_count) == (97, 3)
    assert len(trade.movements(first, "spoil")) == 2


def test_a_delivery_may_come_in_parts(trade: Trade) -> None:
    first = trade.batch(100, "printing", "warehouse")
    trade.move("keeper", "take_into_stock", first + 40, first + 99, document="delivery 1")
    assert trade.batch_row(first).delivered_count == 60
    trade.move("keeper", "take_into_stock", first, first + 39, document="delivery 2")
    assert trade.batch_row(first).delivered_count == 100
    assert trade.lots(first) == [(0, 99, "stocked", "warehouse", None)]


def test_cards_travel_down_the_tree_and_stay_with_the_sender_until_received(trade: Trade) -> None:
    first = trade.batch(100, at="warehouse")
    trade.move("keeper", "dispatch", first, first + 99, to="PROVINCE", document="waybill 1")
    assert trade.lots(first) == [(0, 99, "in_transit", "warehouse", None)]
    trade.move("keeper", "receive", first, first + 99)
    trade.move("keeper", "dispatch", first, first + 49, to="CITY")
    trade.move("agent", "receive", first, first + 49)
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET")
    trade.move("seller", "receive", first, first + 9)
    assert trade.lots(first) == [
        (0, 9, "stocked", "outlet", None),
        (10, 49, "stocked", "city", None),
        (50, 99, "stocked", "province", None),
    ]


def test_who_counts_less_than_was_sent_receives_what_is_there(trade: Trade) -> None:
    first = trade.batch(100, at="city")
    trade.move("agent", "dispatch", first, first + 99, to="OUTLET")
    trade.move("seller", "receive", first, first + 59)
    trade.move("seller", "receive", first + 61, first + 99)
    assert trade.lots(first) == [
        (0, 59, "stocked", "outlet", None),
        (60, 60, "in_transit", "city", None),
        (61, 99, "stocked", "outlet", None),
    ]


def test_a_movement_tells_who_moved_what_from_where_to_where(trade: Trade) -> None:
    first = trade.batch(100, at="city")
    moved = trade.move("agent", "dispatch", first + 10, first + 19, to="OUTLET", document="W-7")
    (row,) = trade.movements(first, "dispatch")
    parties = trade.party_ids
    assert moved.movement_ids == (row.id,)
    assert (row.first_serial, row.last_serial) == (first + 10, first + 19)
    assert (row.from_stage, row.to_stage) == ("stocked", "in_transit")
    assert (row.from_holder, row.to_holder) == (parties["city"], parties["city"])
    assert row.in_transit_to == parties["outlet"]
    assert (row.member_id, row.document) == (trade.people["agent"].member_id, "W-7")
    with trade.db.read() as session:
        kinds = session.execute(select(audit_event.c.kind)).scalars().all()
    assert "stock.dispatch" in kinds


def test_activation_dates_the_cards_and_de_activation_restores_the_printed_date(
    trade: Trade, clock: FakeClock
) -> None:
    first = trade.batch(100)
    trade.contract("city", "credit", 10**9)
    clock.advance(days=700)
    trade.move("seller", "activate", first, first + 99)
    (item,) = trade.lot_rows(first)
    today = date(2027, 5, 12)
    assert (item.stage, item.activated_on, item.expires_on) == ("active", today, date(2030, 5, 12))
    trade.move_by_two("agent", "deactivate", first, first + 99)
    (item,) = trade.lot_rows(first)
    assert (item.stage, item.activated_on, item.expires_on) == ("stocked", None, PRINTED_EXPIRY)


def test_an_early_activation_keeps_the_printed_date(trade: Trade) -> None:
    first = trade.batch(10)
    trade.contract("outlet", "credit", 10**9)
    trade.move("seller", "activate", first, first + 9)
    assert trade.lot_rows(first)[0].expires_on == PRINTED_EXPIRY


def test_unsold_cards_go_back_without_a_second_person(trade: Trade) -> None:
    first = trade.batch(100)
    trade.move("seller", "return", first, first + 9, to="CITY")
    trade.move("seller", "return", first + 90, first + 99)
    trade.move("agent", "receive", first, first + 9)
    assert trade.lots(first) == [
        (0, 9, "stocked", "city", None),
        (10, 89, "stocked", "outlet", None),
        (90, 99, "in_transit", "outlet", None),
    ]
    assert trade.books() == {}


def test_a_transfer_to_a_sibling_waits_for_a_second_person(trade: Trade) -> None:
    first = trade.batch(100)
    before = trade.snapshot()
    approval_id = trade.pend("seller", "dispatch", first, first + 9, to="OUTLET2", reason="fair")
    assert trade.snapshot() == before
    moved = trade.agree(approval_id)
    assert moved.cards == 10
    trade.move("seller2", "receive", first, first + 9)
    assert trade.lots(first)[0] == (0, 9, "stocked", "outlet2", None)
    (row,) = trade.movements(first, "transfer")
    assert (row.approval_id, row.reason) == (approval_id, "fair")
    assert row.member_id == trade.people["seller"].member_id


def test_a_single_card_can_be_held_and_released(trade: Trade) -> None:
    first = trade.batch(100)
    trade.move("service", "hold", first + 5, first + 5, hold="lost", reason="reported by phone")
    assert trade.lots(first) == [
        (0, 4, "stocked", "outlet", None),
        (5, 5, "stocked", "outlet", "lost"),
        (6, 99, "stocked", "outlet", None),
    ]
    trade.move("service", "release", first + 5, first + 5, reason="found again")
    assert trade.lots(first) == [(0, 99, "stocked", "outlet", None)]
    reasons = [row.reason for row in trade.movements(first, "release")]
    assert reasons == ["found again"]


def test_a_hold_covers_lots_of_several_holders_and_stages(trade: Trade) -> None:
    first = trade.batch(100)
    trade.contract("city", "credit", 10**9)
    trade.move("seller", "activate", first, first + 19)
    trade.move("seller", "return", first + 20, first + 39)
    trade.move("agent", "receive", first + 20, first + 29)
    trade.move("issuer", "hold", first + 10, first + 59, hold="stolen", reason="burglary")
    assert [(item[2], item[3], item[4]) for item in trade.lots(first)] == [
        ("active", "outlet", None),
        ("active", "outlet", "stolen"),
        ("stocked", "city", "stolen"),
        ("in_transit", "outlet", "stolen"),
        ("stocked", "outlet", "stolen"),
        ("stocked", "outlet", None),
    ]
    assert len(trade.movements(first, "hold")) == 4


def test_held_and_used_cards_become_void_in_one_lot(trade: Trade) -> None:
    first = trade.batch(100, "active")
    trade.redeem([first + 3])
    trade.move("issuer", "hold", first, first + 49, hold="stolen", reason="burglary")
    moved = trade.move_by_two("issuer", "void", first, first + 99, reason="burglary")
    assert moved.cards == 100
    assert trade.lots(first) == [(0, 99, "void", "outlet", None)]


def test_cards_made_void_before_they_were_delivered_count_as_spoilt(trade: Trade) -> None:
    first = trade.batch(100, "printing", "warehouse")
    trade.move("keeper", "take_into_stock", first, first + 79)
    trade.move_by_two("issuer", "void", first + 80, first + 99, reason="carton lost")
    row = trade.batch_row(first)
    assert (row.delivered_count, row.spoilt_count) == (80, 20)


def test_voiding_delivered_stock_spoils_nothing(trade: Trade) -> None:
    first = trade.batch(100)
    trade.move_by_two("issuer", "void", first, first + 9, reason="water damage")
    row = trade.batch_row(first)
    assert (row.delivered_count, row.spoilt_count) == (100, 0)


def test_a_full_batch_moves_in_one_call_and_one_row(trade: Trade) -> None:
    with trade.db.write() as session:
        first = make_batch(
            session, 100_000, holder_id=trade.party_ids["outlet"], with_vouchers=False
        )
    trade.contract("city", "consignment", 0)
    moved = trade.move("seller", "activate", first, first + 99_999)
    assert (moved.cards, len(moved.movement_ids)) == (100_000, 1)
    assert len(trade.lot_rows(first)) == 1
    assert trade.owed("city") == 100_000 * FACE_FEN


@pytest.mark.parametrize("who", ["seller", "agent", "keeper"])
def test_members_act_for_their_own_party_those_below_and_the_company_for_all(
    trade: Trade, who: str
) -> None:
    first = trade.batch(10)
    assert trade.move(who, "return", first, first + 9).cards == 10
