"""Movements: written for each move, and read back as what became of each card."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.db import Database
from core.errors import NotFound
from tests.factories import PRINTED_EXPIRY, make_batch, make_member
from vouchers.movements import Cause, latest, move_lots
from vouchers.moves import Terms, WrongStage
from vouchers.queries import voucher_view
from vouchers.serials import SerialRange
from vouchers.tables import lot, stock_movement, voucher_hold

serials = st.integers(0, 50)
ranges = st.tuples(serials, serials).map(lambda pair: (min(pair), max(pair)))


@given(ranges, st.lists(ranges, max_size=8))
def test_the_last_that_covers_a_card_counts(
    asked: tuple[int, int], covers: list[tuple[int, int]]
) -> None:
    cards = SerialRange(*asked)
    items = [(first, last, place) for place, (first, last) in enumerate(covers)]
    expected = {
        serial: max(place for first, last, place in items if first <= serial <= last)
        for serial in cards
        if any(first <= serial <= last for first, last, _ in items)
    }
    pieces = latest(cards, items)
    assert {serial: place for piece, place in pieces for serial in piece} == expected
    assert sum(piece.count for piece, _ in pieces) == len(expected)
    for (left, place), (right, other) in pairwise(pieces):
        assert left.last < right.first
        assert place != other or left.last + 1 < right.first


def test_sending_a_batch_to_the_printer_leaves_one_movement(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 100, stage="generated", with_vouchers=False)
        issuer = make_member(session, "issuer")
        cause = Cause(member_id=issuer.member_id, document="order 7")
        cards = SerialRange(first, first + 99)
        ids = move_lots(session, cards, "send_to_printer", Terms(), cause)
        with pytest.raises(WrongStage):
            move_lots(session, cards, "send_to_printer", Terms(), cause)
    with db.read() as session:
        (row,) = session.execute(
            select(stock_movement).where(stock_movement.c.move == "send_to_printer")
        ).all()
        stage = session.execute(select(lot.c.stage)).scalar_one()
    assert [row.id] == ids
    assert (row.from_stage, row.to_stage, stage) == ("generated", "printing", "printing")
    assert (row.member_id, row.document, row.version) == (issuer.member_id, "order 7", 2)
    assert (row.first_serial, row.last_serial) == (first, first + 99)


def test_an_alarm_holds_only_the_lots_it_means(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 30, with_vouchers=False)
        alarm = Cause(member_id=None, reason="three callers hit this pack")
        part = SerialRange(first + 10, first + 19)
        move_lots(session, part, "hold", Terms(hold="lost"), alarm)
        ids = move_lots(
            session,
            SerialRange(first, first + 29),
            "hold",
            Terms(hold="suspended"),
            alarm,
            only=lambda item: item.hold is None,
        )
    with db.read() as session:
        holds = session.execute(select(lot.c.hold).order_by(lot.c.first_serial)).scalars().all()
    assert len(ids) == 2
    assert holds == ["suspended", "lost", "suspended"]


def test_the_view_of_a_card_shows_its_facts_and_no_tag(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 3, stage="active", face_fen=10_000)
        view = voucher_view(session, first + 1, session.today)
    assert (view.status, view.stage, view.face_fen) == ("active", "active", 10_000)
    assert (view.expires_on, view.redeemed, view.lot_hold) == (PRINTED_EXPIRY, False, None)
    assert UUID(int=first + 1) not in [getattr(view, name) for name in view.__slots__]


def test_the_view_shows_an_exception_of_the_card_alone(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 3, stage="active")
        row = {"serial": first, "hold": "lost", "reason": "reported", "at": session.now}
        session.execute(voucher_hold.insert(), row)
        assert voucher_view(session, first, session.today).status == "on_hold"
        assert voucher_view(session, first + 1, session.today).status == "active"


def test_a_card_that_was_never_made_has_no_view(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 3)
        with pytest.raises(NotFound):
            voucher_view(session, first + 3, session.today)
