"""Tills that sell at the same moment, and answers that are lost on their way."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy import select

from core.db import Database
from distribution.sealed_pins import clear_expired
from distribution.till_tables import pin_reveal, sealed_pin, till, till_sale
from distribution.tills import lock_till
from tests.clocks import FakeClock
from tests.distribution.counter import Shop
from tests.distribution.test_races import at_once, outcome
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN
from vouchers.serials import serial_text
from vouchers.tables import stock_movement, voucher

NET_FEN = FACE_FEN - COMMISSION_FEN


def test_a_hundred_tills_on_one_wallet_never_take_it_below_zero(postgresql_shop: Shop) -> None:
    shop, paid_for = postgresql_shop, 37
    shop.trade.contract("outlet", "prepaid", commission_fen=COMMISSION_FEN)
    shop.pay("outlet", paid_for * NET_FEN + NET_FEN - 1)
    first = shop.trade.batch(50)
    shop.electronic()
    desks = [shop.desk(f"T-{number}") for number in range(100)]
    works = [partial(desk.sell_electronic, "k") for desk in desks[:50]]
    works += [
        partial(desk.sell, "k", serial=serial_text(first + place))
        for place, desk in enumerate(desks[50:])
    ]
    told = Counter(at_once([partial(outcome, work) for work in works]))
    assert told == {"done": paid_for, "prepaid_exhausted": 100 - paid_for}
    assert shop.trade.owed("outlet") == -(NET_FEN - 1)
    assert desks[0].count(till_sale) == paid_for
    electronic = desks[0].count(sealed_pin)
    assert shop.trade.batch_row(first).size == 50
    with shop.trade.db.read() as session:
        moved = session.execute(
            select(stock_movement.c.id).where(stock_movement.c.move == "activate")
        ).all()
        made = session.execute(
            select(stock_movement.c.id).where(stock_movement.c.move == "generate")
        ).all()
    assert len(moved) == paid_for
    assert len(made) == electronic + 1


def test_the_same_key_many_times_at_once_is_one_sale(shop: Shop) -> None:
    shop.electronic()
    desk = shop.desk()
    sales = at_once([partial(desk.sell_electronic, "k-1")] * 6)
    assert len({sale.id for sale in sales}) == 1
    assert len({sale.reveal for sale in sales}) == 1
    assert sorted(sale.replayed for sale in sales) == [False] + [True] * 5
    assert desk.count(till_sale) == 1
    assert shop.trade.owed("outlet") == NET_FEN


def test_a_till_is_not_disabled_while_a_sale_of_it_is_under_way(postgresql_shop: Shop) -> None:
    db, desk = postgresql_shop.trade.db, postgresql_shop.desk()
    # What disabling a till locks, where nobody else is in the way.
    disabling = select(till.c.id).with_for_update(key_share=True, skip_locked=True)
    with db.write() as selling, db.write() as other:
        lock_till(selling, desk.till)
        assert other.execute(disabling).all() == []
    with db.write() as session:
        assert session.execute(disabling).scalar_one() == desk.till.id


def test_two_tills_never_sell_one_card(shop: Shop) -> None:
    first = shop.trade.batch(5)
    desks = [shop.desk(f"T-{number}") for number in range(4)]
    sell = [partial(outcome, partial(desk.sell, serial=serial_text(first))) for desk in desks]
    assert sorted(at_once(sell)) == ["done"] + ["wrong_stage"] * 3


def test_tills_of_two_outlets_sell_from_several_open_batches_at_once(shop: Shop) -> None:
    shop.trade.contract("city", "credit", 10**9)
    for size in (3, 4, 20):
        shop.electronic(size)
    desks = [shop.desk(f"A-{n}") for n in range(4)]
    desks += [shop.desk(f"B-{n}", "outlet2", "seller2") for n in range(4)]
    sales = at_once([desk.sell_electronic for desk in desks * 2])
    serials = {sale.answer["first_serial"] for sale in sales}
    assert len(serials) == 16
    assert desks[0].count(voucher) == 16


def test_a_reply_lost_after_the_commit_is_asked_for_again(shop: Shop) -> None:
    shop.electronic()
    desk = shop.desk()

    class Cut(Database):
        """A database whose answers never arrive."""

        def transact(self, work):  # type: ignore[no-untyped-def]
            """Commit, and then die."""
            super().transact(work)
            raise ConnectionError

    cut = Cut(shop.trade.db.settings, shop.trade.db.clock)
    try:
        whole, desk.db = desk.db, cut
        with pytest.raises(ConnectionError):
            desk.sell_electronic("k-1")
        desk.db = whole
    finally:
        cut.dispose()
    sale = desk.sell_electronic("k-1")
    assert sale.replayed
    assert desk.read(sale).serial_number == sale.answer["first_serial"]
    assert desk.count(till_sale) == 1
    assert shop.trade.owed("outlet") == NET_FEN


def test_a_crash_before_the_commit_leaves_no_trace(shop: Shop) -> None:
    shop.electronic()
    desk = shop.desk()
    before = shop.trade.snapshot()

    class Dying(Database):
        """A database that dies just before it commits."""

        def transact(self, work):  # type: ignore[no-untyped-def]
            """Do all of it, then die."""
            with self.write() as session:
                work(session)
                raise ConnectionError

    dying = Dying(shop.trade.db.settings, shop.trade.db.clock)
    try:
        whole, desk.db = desk.db, dying
        with pytest.raises(ConnectionError):
            desk.sell_electronic("k-1")
        desk.db = whole
    finally:
        dying.dispose()
    assert shop.trade.snapshot() == before
    assert desk.count(voucher) == 0
    sale = desk.sell_electronic("k-1")
    assert not sale.replayed
    desk.read(sale)


def test_confirming_and_clearing_away_at_once_end_a_pin_once(shop: Shop, clock: FakeClock) -> None:
    shop.electronic()
    desk = shop.desk()
    sale = desk.sell_electronic()
    clock.advance(hours=25)
    told = at_once(
        [partial(outcome, partial(desk.confirm, sale))] * 3
        + [partial(outcome, partial(clear_expired, shop.trade.db))] * 3
    )
    assert sorted(told) == ["done"] * 3 + ["pin_gone"] * 3
    assert desk.count(pin_reveal) == 1
