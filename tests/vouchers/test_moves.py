"""The table of moves: what each demands, and what it makes of a lot."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from staff.permissions import ROLE_PERMISSIONS
from vouchers.lots import Lot
from vouchers.moves import (
    MOVES,
    LotOnHold,
    Move,
    NotOnHold,
    Terms,
    WrongStage,
    after,
    needs_second_person,
    three_years_on,
)
from vouchers.tables import HOLDS, STAGES

PRINTED = date(2028, 12, 31)
TODAY = date(2025, 6, 11)
LATER = date(2030, 1, 31)
HOME, AWAY = 1, 2
TERMS = Terms(
    party_id=AWAY, hold="stolen", today=TODAY, printed_expires_on=PRINTED, extended_to=LATER
)
STOCKED = Lot(
    first_serial=4225101000700000,
    last_serial=4225101000700099,
    batch_id=42251010007,
    stage="stocked",
    holder_id=HOME,
    in_transit_to=None,
    hold=None,
    expires_on=PRINTED,
    activated_on=None,
    version=5,
)
ACTIVE = replace(STOCKED, stage="active", activated_on=TODAY, expires_on=date(2029, 6, 11))
ON_THE_WAY = replace(STOCKED, stage="in_transit", in_transit_to=AWAY)

moves = st.sampled_from(list(MOVES.values()))
lots = st.builds(
    lambda stage, hold: at_stage(stage, hold),
    st.sampled_from(STAGES),
    st.none() | st.sampled_from(HOLDS),
)


def at_stage(stage: str, hold: str | None = None) -> Lot:
    base = {"active": ACTIVE, "in_transit": ON_THE_WAY}.get(stage, STOCKED)
    return replace(base, stage=stage, hold=hold)


def moved(name: str, lot: Lot, terms: Terms = TERMS) -> Lot:
    return after(lot, MOVES[name], terms)


def changed(before: Lot, becomes: Lot) -> dict[str, object]:
    return {
        name: getattr(becomes, name)
        for name in Lot.__struct_fields__
        if getattr(becomes, name) != getattr(before, name)
    }


def test_sending_to_the_printer_changes_the_stage_alone() -> None:
    lot = at_stage("generated")
    assert changed(lot, moved("send_to_printer", lot)) == {"stage": "printing", "version": 6}


def test_the_warehouse_holds_what_it_takes_into_stock() -> None:
    lot = at_stage("printing")
    into_stock = {"stage": "stocked", "holder_id": AWAY, "version": 6}
    assert changed(lot, moved("take_into_stock", lot)) == into_stock
    assert changed(lot, moved("spoil", lot)) == {"stage": "void", "version": 6}


@pytest.mark.parametrize("name", ["dispatch", "transfer", "return"])
def test_the_sender_holds_the_cards_until_they_are_received(name: str) -> None:
    sent = moved(name, STOCKED)
    assert changed(STOCKED, sent) == {"stage": "in_transit", "in_transit_to": AWAY, "version": 6}
    received = moved("receive", sent)
    assert (received.stage, received.holder_id, received.in_transit_to) == ("stocked", AWAY, None)


def test_an_activated_card_is_valid_three_years_or_as_printed_whichever_is_later() -> None:
    assert moved("activate", STOCKED).expires_on == PRINTED
    late = Terms(today=date(2027, 1, 5))
    assert moved("activate", STOCKED, late).expires_on == date(2030, 1, 5)
    assert moved("activate", STOCKED, late).activated_on == date(2027, 1, 5)


def test_three_years_after_a_leap_day_is_the_last_of_february() -> None:
    assert three_years_on(date(2028, 2, 29)) == date(2031, 2, 28)
    assert three_years_on(date(2025, 2, 28)) == date(2028, 2, 28)


@pytest.mark.parametrize(("name", "stage"), [("deactivate", "stocked"), ("return", "in_transit")])
def test_a_card_that_is_no_longer_active_has_its_printed_date_again(name: str, stage: str) -> None:
    lot = moved(name, ACTIVE)
    assert (lot.stage, lot.expires_on, lot.activated_on) == (stage, PRINTED, None)


def test_a_hold_comes_and_goes_and_leaves_the_rest_alone() -> None:
    held = moved("hold", ACTIVE)
    assert changed(ACTIVE, held) == {"hold": "stolen", "version": 6}
    assert moved("release", held) == replace(ACTIVE, version=7)


@pytest.mark.parametrize("name", ["replace", "reissue"])
def test_a_card_handed_out_for_another_is_like_one_just_activated(name: str) -> None:
    assert moved(name, STOCKED) == moved("activate", STOCKED)


def test_an_extended_card_is_valid_longer_and_never_shorter() -> None:
    assert changed(ACTIVE, moved("extend", ACTIVE)) == {"expires_on": LATER, "version": 6}
    sooner = Terms(extended_to=TODAY)
    assert changed(ACTIVE, moved("extend", ACTIVE, sooner)) == {"version": 6}


def test_a_void_lot_still_tells_whether_it_was_ever_sold() -> None:
    gone = moved("void", replace(ACTIVE, hold="stolen"))
    assert (gone.stage, gone.hold, gone.activated_on) == ("void", None, TODAY)
    assert moved("void", ON_THE_WAY).in_transit_to is None


@given(lots, moves)
def test_a_lot_moves_only_from_the_stages_of_the_table(lot: Lot, move: Move) -> None:
    if lot.stage not in move.from_stages:
        with pytest.raises(WrongStage):
            after(lot, move, TERMS)
    elif move.held == "no" and lot.hold is not None:
        with pytest.raises(LotOnHold):
            after(lot, move, TERMS)
    elif move.held == "only" and lot.hold is None:
        with pytest.raises(NotOnHold):
            after(lot, move, TERMS)
    else:
        assert after(lot, move, TERMS).version == lot.version + 1


@given(lots, moves)
def test_what_a_move_makes_is_a_lot_that_the_database_accepts(lot: Lot, move: Move) -> None:
    try:
        becomes = after(lot, move, TERMS)
    except (WrongStage, LotOnHold, NotOnHold):
        return
    assert (becomes.stage == "in_transit") == (becomes.in_transit_to is not None)
    assert becomes.stage != "active" or becomes.activated_on is not None
    assert becomes.activated_on is None or becomes.stage in ("active", "void")
    assert becomes.cards == lot.cards
    assert becomes.expires_on - PRINTED >= timedelta(0)


@given(moves)
def test_nothing_leads_out_of_void(move: Move) -> None:
    assert "void" not in move.from_stages


def test_two_persons_are_needed_where_the_rule_asks_for_them_and_nowhere_else() -> None:
    guarded = {
        (name, stage)
        for name, move in MOVES.items()
        for stage in move.from_stages
        if needs_second_person([at_stage(stage)], move)
    }
    everywhere = {("void", stage) for stage in STAGES if stage != "void"}
    assert guarded == everywhere | {
        ("deactivate", "active"),
        ("return", "active"),
        ("transfer", "stocked"),
        ("replace", "stocked"),
        ("reissue", "stocked"),
    }


def test_one_active_lot_in_the_range_is_enough_to_need_a_second_person() -> None:
    assert needs_second_person([STOCKED, ACTIVE], MOVES["return"])
    assert not needs_second_person([STOCKED, STOCKED], MOVES["return"])


@given(moves)
def test_somebody_may_make_every_move(move: Move) -> None:
    assert any(move.permission in held for held in ROLE_PERMISSIONS.values())
