"""Every bad range and every move that is not allowed has its own error and changes nothing."""

from typing import Any

import pytest

from core.errors import DomainError
from distribution.errors import NotHolder
from distribution.moves import request_move
from distribution.requests import MOVE_NAMES, MoveRequest
from staff.permissions import Forbidden
from tests.distribution.trade import Trade
from vouchers.serials import serial_text
from vouchers.tables import voucher_hold


def refused(trade: Trade, who: str, move: str, first: str, last: str, **more: Any) -> str:
    """Ask for a move that must fail; return the code, sure that nothing has changed."""
    before = trade.snapshot()
    request = MoveRequest(move=move, first_serial=first, last_serial=last, **more)
    with pytest.raises(DomainError) as caught:
        request_move(trade.db, trade.people[who], request)
    assert trade.snapshot() == before
    return caught.value.code


def refused_range(trade: Trade, who: str, move: str, first: int, last: int, **more: Any) -> str:
    return refused(trade, who, move, serial_text(first), serial_text(last), **more)


def test_a_range_must_be_written_well_and_lie_in_one_batch(trade: Trade) -> None:
    first = trade.batch(10)
    good, last = serial_text(first), serial_text(first + 9)
    wrong_digit = good[:-1] + str((int(good[-1]) + 1) % 10)
    codes = {
        "reversed": refused(trade, "seller", "return", last, good),
        "short": refused(trade, "seller", "return", good[:-1], last),
        "wrong digit": refused(trade, "seller", "return", wrong_digit, last),
        "two batches": refused_range(trade, "seller", "return", first, first + 100_000),
        "past the end": refused_range(trade, "seller", "return", first, first + 10),
        "no batch": refused_range(trade, "seller", "return", 10**15, 10**15),
    }
    assert codes == {
        "reversed": "range_reversed",
        "short": "serial_invalid",
        "wrong digit": "serial_invalid",
        "two batches": "range_outside_batch",
        "past the end": "range_outside_batch",
        "no batch": "batch_unknown",
    }


@pytest.mark.parametrize(
    ("who", "move", "stage", "more"),
    [
        ("keeper", "take_into_stock", "stocked", {}),
        ("keeper", "dispatch", "generated", {"to": "PROVINCE"}),
        ("keeper", "dispatch", "printing", {"to": "PROVINCE"}),
        ("keeper", "receive", "stocked", {}),
        ("finance", "deactivate", "stocked", {}),
        ("issuer", "void", "void", {"reason": "again"}),
        ("issuer", "hold", "void", {"reason": "again", "hold": "lost"}),
    ],
)
def test_a_move_starts_from_its_stages_only(
    trade: Trade, who: str, move: str, stage: str, more: dict[str, Any]
) -> None:
    first = trade.batch(10, stage, "warehouse")
    assert refused_range(trade, who, move, first, first + 9, **more) == "wrong_stage"


def test_one_lot_in_the_wrong_stage_refuses_the_whole_range(trade: Trade) -> None:
    first = trade.batch(30)
    trade.contract("city", "credit", 10**9)
    trade.move("seller", "activate", first + 10, first + 19)
    assert refused_range(trade, "seller", "activate", first, first + 29) == "wrong_stage"


def test_cards_of_somebody_else_are_refused_before_their_stage_is_told(trade: Trade) -> None:
    mine, other = trade.batch(10), trade.batch(10, at="outlet2")
    above = trade.batch(10, "generated", "warehouse")
    for first in (other, above):
        assert refused_range(trade, "seller", "activate", first, first + 9) == "not_holder"
    assert refused_range(trade, "seller2", "return", mine, mine + 9) == "not_holder"
    trade.move("agent", "return", mine, mine + 9)
    assert refused_range(trade, "seller2", "receive", mine, mine + 9) == "not_holder"


def test_a_range_held_by_two_parties_is_refused(trade: Trade) -> None:
    first = trade.batch(20, at="city")
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET")
    trade.move("seller", "receive", first, first + 9)
    assert refused_range(trade, "agent", "return", first, first + 19) == "not_holder"


def test_the_holder_a_caller_expects_is_compared(trade: Trade) -> None:
    first = trade.batch(10)
    code = refused_range(trade, "keeper", "return", first, first + 9, holder="OUTLET2")
    assert code == "not_holder"
    assert trade.move("keeper", "return", first, first + 9, holder="OUTLET").cards == 10


def test_cards_are_received_by_whom_they_were_sent_to(trade: Trade) -> None:
    first = trade.batch(20, at="city")
    trade.move("agent", "dispatch", first, first + 9, to="OUTLET")
    trade.move("agent", "dispatch", first + 10, first + 19, to="OUTLET2")
    assert refused_range(trade, "seller", "receive", first + 10, first + 19) == "not_holder"
    assert refused_range(trade, "agent", "receive", first, first + 19) == "not_receiver"
    code = refused_range(trade, "agent", "receive", first, first + 9, to="OUTLET2")
    assert code == "not_receiver"


def test_cards_are_sent_to_children_and_siblings_only(trade: Trade) -> None:
    first = trade.batch(10, at="province")

    def send_to(code: str | None) -> str:
        return refused_range(trade, "keeper", "dispatch", first, first + 9, to=code)

    assert send_to("OUTLET") == "not_a_child"
    assert send_to("WAREHOUSE") == "not_a_child"
    assert send_to("PROVINCE") == "not_a_child"
    assert send_to("NOWHERE") == "party_unknown"
    assert send_to(None) == "invalid_input"


def test_cards_are_returned_to_the_parent_only(trade: Trade) -> None:
    first, root = trade.batch(10), trade.batch(10, at="warehouse")
    code = refused_range(trade, "seller", "return", first, first + 9, to="PROVINCE")
    assert code == "not_the_parent"
    assert refused_range(trade, "keeper", "return", root, root + 9) == "not_the_parent"


def test_cards_are_activated_at_an_outlet_only(trade: Trade) -> None:
    first = trade.batch(10, at="city")
    trade.contract("city", "credit", 10**9)
    assert refused_range(trade, "agent", "activate", first, first + 9) == "not_at_outlet"


def test_held_cards_stay_where_they_are(trade: Trade) -> None:
    first = trade.batch(10)
    trade.contract("city", "credit", 10**9)
    trade.move("issuer", "hold", first + 4, first + 4, hold="stolen", reason="report 12")
    for move in ("activate", "return"):
        assert refused_range(trade, "seller", move, first, first + 9) == "lot_on_hold"
    again = {"hold": "lost", "reason": "again"}
    assert refused_range(trade, "issuer", "hold", first, first + 9, **again) == "lot_on_hold"
    code = refused_range(trade, "issuer", "release", first, first + 9, reason="found")
    assert code == "not_on_hold"


def test_a_card_on_hold_by_itself_stops_its_range(trade: Trade) -> None:
    first = trade.batch(10)
    with trade.db.write() as session:
        row = {"serial": first + 3, "hold": "lost", "reason": "reported", "at": session.now}
        session.execute(voucher_hold.insert(), row)
    assert refused_range(trade, "seller", "return", first, first + 9) == "lot_on_hold"
    assert trade.move("seller", "return", first + 4, first + 9).cards == 6


@pytest.mark.parametrize("move", ["hold", "release", "void"])
def test_some_moves_must_say_why(trade: Trade, move: str) -> None:
    first = trade.batch(10)
    more = {"hold": "lost"} if move == "hold" else {}
    assert refused_range(trade, "issuer", move, first, first + 9, **more) == "needs_reason"
    code = refused_range(trade, "issuer", move, first, first + 9, reason=" ", **more)
    assert code == "invalid_input"


@pytest.mark.parametrize("hold", [None, "replaced", "frozen", ""])
def test_only_an_operators_kinds_of_hold_are_taken(trade: Trade, hold: str | None) -> None:
    first = trade.batch(10)
    more = {"hold": hold, "reason": "why"}
    assert refused_range(trade, "issuer", "hold", first, first + 9, **more) == "invalid_input"


@pytest.mark.parametrize("move", ["spoil", "transfer", "send_to_printer", "generate", "", "返库"])
def test_moves_that_are_part_of_others_cannot_be_asked_for(trade: Trade, move: str) -> None:
    first = trade.batch(10)
    assert refused_range(trade, "issuer", move, first, first + 9) == "move_unknown"


def test_spoilt_cards_must_be_in_the_delivered_range(trade: Trade) -> None:
    first = trade.batch(10, "printing", "warehouse")
    outside = {"spoilt": (serial_text(first + 9),)}
    code = refused_range(trade, "keeper", "take_into_stock", first, first + 8, **outside)
    assert code == "spoilt_outside_range"
    no_serial = {"spoilt": ("12",)}
    code = refused_range(trade, "keeper", "take_into_stock", first, first + 8, **no_serial)
    assert code == "serial_invalid"
    stocked = trade.batch(10)
    code = refused_range(trade, "seller", "return", stocked, stocked + 9, **outside)
    assert code == "invalid_input"


@pytest.mark.parametrize("text", ["x" * 201, "\x00", "a\nb", "\ud800"])
def test_text_that_no_database_keeps_alike_is_refused(trade: Trade, text: str) -> None:
    first = trade.batch(10)
    for name in ("reason", "document"):
        more = {name: text}
        assert refused_range(trade, "seller", "return", first, first + 9, **more) == "invalid_input"


@pytest.mark.parametrize("code", ["x" * 5000, "\x00", "\ud800", "' OR 1=1", ""])
def test_a_party_code_of_any_text_is_merely_unknown(trade: Trade, code: str) -> None:
    first = trade.batch(10, at="city")
    assert refused_range(trade, "agent", "dispatch", first, first + 9, to=code) == "party_unknown"
    assert refused_range(trade, "agent", "return", first, first + 9, holder=code) == "party_unknown"


MAY: dict[str, tuple[str, ...]] = {
    "seller": ("dispatch", "receive", "activate", "deactivate", "return"),
    "keeper": ("take_into_stock", "dispatch", "receive", "return", "hold", "release"),
    "issuer": ("hold", "release", "void"),
    "finance": ("deactivate", "return", "void"),
    "service": ("hold", "release"),
    "auditor": (),
}


@pytest.mark.parametrize("who", MAY)
def test_only_roles_with_the_permission_may_ask_for_a_move(trade: Trade, who: str) -> None:
    first = trade.batch(10)
    for move in MOVE_NAMES:
        request = MoveRequest(
            move=move,
            first_serial=serial_text(first),
            last_serial=serial_text(first),
            reason="why",
            hold="lost" if move == "hold" else None,
            to="OUTLET2" if move == "dispatch" else None,
        )
        allowed = True
        try:
            request_move(trade.db, trade.people[who], request)
        except Forbidden:
            allowed = False
        except DomainError:
            pass
        assert allowed == (move in MAY[who]), (who, move)


def test_a_member_without_cards_below_it_can_touch_none(trade: Trade) -> None:
    first = trade.batch(10, at="far")
    with pytest.raises(NotHolder):
        trade.move("agent", "return", first, first + 9)
