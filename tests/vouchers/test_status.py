"""The one word that tells where a card is in its life."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.status import VoucherFacts, status
from vouchers.tables import HOLDS, STAGES

TODAY = date(2026, 6, 11)
ACTIVE = VoucherFacts(
    stage="active", lot_hold=None, voucher_hold=None, expires_on=TODAY, redeemed=False
)

any_facts = st.builds(
    VoucherFacts,
    stage=st.sampled_from(STAGES),
    lot_hold=st.none() | st.sampled_from(HOLDS),
    voucher_hold=st.none() | st.sampled_from(HOLDS),
    expires_on=st.dates(TODAY - timedelta(days=2), TODAY + timedelta(days=2)),
    redeemed=st.booleans(),
)


def test_an_active_card_is_active_to_the_end_of_its_last_day() -> None:
    assert status(ACTIVE, TODAY) == "active"
    assert status(ACTIVE, TODAY + timedelta(days=1)) == "expired"


@pytest.mark.parametrize("stage", ["generated", "printing", "stocked", "in_transit"])
def test_a_card_that_was_not_sold_is_not_activated_even_past_its_date(stage: str) -> None:
    assert status(replace(ACTIVE, stage=stage), TODAY + timedelta(days=9)) == "not_activated"


def test_a_void_card_is_void_though_held_or_out_of_date() -> None:
    facts = replace(ACTIVE, stage="void", lot_hold="stolen", expires_on=date(2020, 1, 1))
    assert status(facts, TODAY) == "void"


def test_a_hold_on_the_lot_or_on_the_card_alone_stops_it() -> None:
    assert status(replace(ACTIVE, lot_hold="lost"), TODAY) == "on_hold"
    assert status(replace(ACTIVE, voucher_hold="lost"), TODAY) == "on_hold"


def test_a_replaced_card_stays_replaced_when_its_lot_becomes_void() -> None:
    assert status(replace(ACTIVE, stage="void", voucher_hold="replaced"), TODAY) == "replaced"


@given(any_facts)
def test_nothing_leads_out_of_used(facts: VoucherFacts) -> None:
    assert (status(facts, TODAY) == "used") == facts.redeemed


@given(any_facts)
def test_only_a_card_without_any_exception_is_active(facts: VoucherFacts) -> None:
    clear = facts.lot_hold is None and facts.voucher_hold is None and not facts.redeemed
    redeemable = facts.stage == "active" and clear and facts.expires_on >= TODAY
    assert (status(facts, TODAY) == "active") == redeemable
