"""Electronic cards after their sale: taken back, void, never in stock, under which key."""

from typing import Any

import pytest
from sqlalchemy import select

from core.answers import StoredRefusal
from distribution.cancelling import SaleTooOld, SaleUndone, request_cancelling
from distribution.errors import AlreadyRedeemed, CardsElectronic
from distribution.sealed_pins import PinGone
from distribution.till_sales import Counter, SaleUnknown
from distribution.till_tables import pin_reveal, sealed_pin
from staff import approvals
from tests.clocks import FakeClock
from tests.distribution.counter import Desk, Shop
from tests.distribution.trade import FACE_FEN
from vouchers.actions import ACTIONS
from vouchers.batches import BatchElectronic
from vouchers.electronic import NotElectronic, close_batch, open_batch
from vouchers.export import BatchNotGenerated, request_export
from vouchers.generation import BatchAlreadyGenerated, BatchNotApproved, generate
from vouchers.key_rotation import KeyInUse, retire, rotate
from vouchers.lots import BatchNotReady
from vouchers.moves import WrongStage
from vouchers.orders import order_batches
from vouchers.pin_list import Pins, draw_pins
from vouchers.serials import RangeOutsideBatch, parse_serial, serial_text


@pytest.fixture
def desk(shop: Shop) -> Desk:
    """A till with electronic cards to sell."""
    shop.electronic(20)
    return shop.desk()


def serial_of(sale: Any) -> int:
    """The serial of a sale."""
    return parse_serial(sale.answer["first_serial"])


def cancel(shop: Shop, sale_id: int, who: str = "seller") -> int:
    """Ask to undo a sale; return the approval's id."""
    db, actor = shop.trade.db, shop.trade.people[who]
    return db.transact(
        lambda session: request_cancelling(session, db.settings, actor, sale_id, "wrong face")
    )


def outcomes(desk: Desk) -> list[str]:
    """How the PINs of all sales ended."""
    with desk.db.read() as session:
        return sorted(session.execute(select(pin_reveal.c.outcome)).scalars())


def test_a_sale_undone_gives_the_money_back_and_ends_the_card(shop: Shop, desk: Desk) -> None:
    kept, undone = desk.sell_electronic(), desk.sell_electronic()
    desk.read(undone)
    owed = shop.trade.owed("outlet")
    approval_id = cancel(shop, undone.id)
    assert shop.trade.owed("outlet") == owed
    shop.trade.agree(approval_id)
    assert shop.trade.owed("outlet") == owed // 2
    first = serial_of(kept)
    assert shop.trade.lots(first) == [
        (0, 0, "active", "outlet", None),
        (1, 1, "void", "outlet", None),
    ]
    assert [item.to_stage for item in shop.trade.movements(first, "withdraw")] == ["void"]
    assert (outcomes(desk), desk.count(sealed_pin)) == (["withdrawn"], 1)
    with pytest.raises(PinGone):
        desk.confirm(undone)
    assert desk.sell_electronic().answer["first_serial"] != undone.answer["first_serial"]


def test_a_sale_of_plastic_undone_is_in_stock_again(shop: Shop, desk: Desk) -> None:
    first = shop.trade.batch(10)
    sale = desk.sell(pack=str(first)[:14])
    shop.trade.agree(cancel(shop, sale.id))
    assert shop.trade.lots(first) == [(0, 9, "stocked", "outlet", None)]
    assert shop.trade.owed("outlet") == 0
    assert desk.sell(pack=str(first)[:14]).answer["cards"] == 10


def test_a_sale_undone_is_not_undone_again_once_its_cards_are_sold_anew(
    shop: Shop, desk: Desk
) -> None:
    first = shop.trade.batch(10)
    pack, card = str(first)[:14], serial_text(first + 3)
    undone = desk.sell(pack=pack)
    shop.trade.agree(cancel(shop, undone.id))
    with pytest.raises(WrongStage):
        cancel(shop, undone.id)
    desk.sell(serial=card)
    shop.trade.move("seller", "activate", first, first + 2)
    shop.trade.move("seller", "activate", first + 4, first + 9)
    with pytest.raises(SaleUndone):
        cancel(shop, undone.id)


def test_a_sale_after_one_that_was_undone_is_undone_itself(shop: Shop, desk: Desk) -> None:
    first = shop.trade.batch(10)
    undone = desk.sell(serial=serial_text(first))
    shop.trade.agree(cancel(shop, undone.id))
    again = desk.sell(serial=serial_text(first))
    with pytest.raises(SaleUndone):
        cancel(shop, undone.id)
    shop.trade.agree(cancel(shop, again.id))
    assert shop.trade.lots(first) == [(0, 9, "stocked", "outlet", None)]
    assert shop.trade.owed("outlet") == 0


def test_a_used_card_is_not_taken_back(shop: Shop, desk: Desk) -> None:
    sale = desk.sell_electronic()
    approval_id = cancel(shop, sale.id)
    shop.trade.redeem([serial_of(sale)])
    with pytest.raises(AlreadyRedeemed):
        shop.trade.agree(approval_id)
    with pytest.raises(AlreadyRedeemed):
        cancel(shop, sale.id)


def test_a_sale_is_undone_soon_and_by_its_own_outlet_only(
    shop: Shop, desk: Desk, clock: FakeClock
) -> None:
    sale = desk.sell_electronic()
    for sale_id, who in ((sale.id, "seller2"), (1, "seller")):
        with pytest.raises(SaleUnknown):
            cancel(shop, sale_id, who)
    clock.advance(minutes=31)
    with pytest.raises(SaleTooOld):
        cancel(shop, sale.id)


def test_a_void_card_keeps_no_sealed_pin(shop: Shop, desk: Desk) -> None:
    serial = serial_of(desk.sell_electronic())
    shop.trade.agree(shop.trade.pend("issuer", "void", serial, serial, reason="fraud"))
    assert (outcomes(desk), desk.count(sealed_pin)) == (["withdrawn"], 0)


def test_electronic_cards_are_held_and_released_but_never_in_stock(shop: Shop, desk: Desk) -> None:
    serial = serial_of(desk.sell_electronic())
    shop.trade.move("issuer", "hold", serial, serial, hold="stolen", reason="alarm")
    shop.trade.move("issuer", "release", serial, serial, reason="found")
    with pytest.raises(CardsElectronic):
        shop.trade.ask("seller", "return", serial, serial)
    with pytest.raises(RangeOutsideBatch):
        shop.trade.ask("issuer", "hold", serial, serial + 1, hold="stolen", reason="alarm")


def test_nothing_can_be_done_with_cards_before_one_is_sold(shop: Shop) -> None:
    first = shop.electronic(5) * 100_000
    with pytest.raises(BatchNotReady):
        shop.trade.ask("issuer", "hold", first, first, hold="stolen", reason="alarm")


def test_electronic_cards_on_consignment_are_limited_by_what_is_owed(shop: Shop) -> None:
    shop.trade.contract("outlet", "consignment", 2 * FACE_FEN)
    shop.electronic(20)
    desk = shop.desk()
    for _ in range(2):
        desk.sell_electronic()
    with pytest.raises(StoredRefusal) as refused:
        desk.sell_electronic()
    assert refused.value.code == "over_credit_limit"
    first = shop.trade.batch(1)
    desk.sell(serial=serial_text(first))  # from the shelf, where its limit held it already
    assert shop.trade.owed("outlet") == 3 * FACE_FEN


def test_an_electronic_batch_is_opened_once_and_neither_printed_nor_exported(shop: Shop) -> None:
    db, issuer = shop.trade.db, shop.trade.people["issuer"]
    batch_id = shop.electronic()
    with pytest.raises(BatchAlreadyGenerated):
        open_batch(db, shop.keys, issuer, batch_id)
    with pytest.raises(BatchElectronic):
        generate(db, shop.keys, issuer, batch_id, shop.trade.party_ids["warehouse"])
    with db.write() as session, pytest.raises(BatchNotGenerated):
        request_export(session, issuer, batch_id)
    with db.write() as session:
        placed = order_batches(session, db.settings, issuer, FACE_FEN, 5, None)
    with pytest.raises(BatchNotApproved):
        open_batch(db, shop.keys, issuer, placed.batch_ids[0])
    approvals.refuse(db, shop.trade.people["issuer2"], placed.approval_id, "too few", ACTIONS)
    with pytest.raises(BatchNotApproved):
        open_batch(db, shop.keys, issuer, placed.batch_ids[0])
    with pytest.raises(NotElectronic):
        close_batch(db, issuer, shop.trade.batch(5) // 100_000)


def test_a_key_is_not_retired_while_cards_can_still_be_made_under_it(shop: Shop) -> None:
    db, keys, issuer = shop.trade.db, shop.keys, shop.trade.people["issuer"]
    batch_id = shop.electronic()
    admin = shop.trade.people["admin"]
    rotate(db, keys, admin)
    with pytest.raises(KeyInUse):
        retire(db, keys, admin, 1)
    close_batch(db, issuer, batch_id)
    retire(db, keys, admin, 1)
    with pytest.raises(StoredRefusal) as refused:
        shop.desk().sell_electronic()
    assert refused.value.code == "electronic_sold_out"


def test_a_pin_of_another_card_is_drawn_again(shop: Shop, desk: Desk) -> None:
    taken = desk.read(desk.sell_electronic()).pin.digits
    draws = iter([Pins([taken]), Pins([taken])])
    desk.counter = Counter(keys=shop.keys, draw=lambda count: next(draws, None) or draw_pins(count))
    assert desk.read(desk.sell_electronic()).pin.digits != taken


def test_a_pin_is_texted_from_memory_once_and_stays_sealed_till_confirmed(
    shop: Shop, desk: Desk
) -> None:
    sent: list[tuple[str, str]] = []
    desk.counter = Counter(keys=shop.keys, texter=lambda phone, text: sent.append((phone, text)))
    sold = desk.sell_electronic("k", phone="+8613800138000")
    again = desk.sell_electronic("k", phone="+8613800138000")
    pin = desk.read(sold).pin.digits
    assert (sold.texted, again.texted) == (True, None)
    assert [phone for phone, _ in sent] == ["+8613800138000"]
    assert pin in sent[0][1].replace(" ", "")
    assert desk.count(sealed_pin) == 1


def test_a_gateway_that_fails_loses_no_sale(
    shop: Shop, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_phone: str, text: str) -> None:
        raise ConnectionError(text)

    desk.counter = Counter(keys=shop.keys, texter=broken)
    sold = desk.sell_electronic(phone="+8613800138000")
    assert sold.texted is False
    pin = desk.read(sold).pin.digits
    assert pin not in caplog.text.replace(" ", "")
    assert "ConnectionError" in caplog.text
