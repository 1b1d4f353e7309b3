"""Sales at a till: cards and packs of plastic, electronic cards, and the same request twice."""

from typing import Any

import pytest
from sqlalchemy import select

from core.answers import RequestConflict, StoredRefusal
from core.errors import InvalidInput
from core.tables import stored_answer
from distribution.sealed_pins import NoSealedPin, PinGone, SealedPinUnreadable, clear_expired
from distribution.till_sales import SaleUnknown, confirm_sale, find_sale
from distribution.till_tables import pin_reveal, sealed_pin, till_sale
from distribution.tills import TillNotKnown, authenticate_till, disable_till, rotate_till_key
from tests.clocks import FakeClock
from tests.distribution.counter import Shop
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN
from vouchers.serials import batch_of, serial_text
from vouchers.tables import voucher

NET_FEN = FACE_FEN - COMMISSION_FEN


def test_a_card_is_active_once_its_till_has_sold_it(shop: Shop) -> None:
    first, desk = shop.trade.batch(10), shop.desk()
    sale = desk.sell(serial=serial_text(first + 3))
    assert shop.trade.lots(first) == [
        (0, 2, "stocked", "outlet", None),
        (3, 3, "active", "outlet", None),
        (4, 9, "stocked", "outlet", None),
    ]
    assert (sale.answer["cards"], sale.answer["amount_fen"]) == (1, FACE_FEN)
    assert (sale.replayed, sale.reveal) == (False, None)
    assert shop.trade.owed("outlet") == NET_FEN
    with shop.trade.db.read() as session:
        row = session.execute(select(till_sale)).one()
    moved = shop.trade.movements(first, "activate")
    assert [item.entry_id for item in moved] == [row.entry_id]
    assert moved[0].member_id is None
    assert str(sale.id) in moved[0].document


def test_a_pack_is_sold_whole_or_not_at_all(shop: Shop) -> None:
    first, desk = shop.trade.batch(250), shop.desk()
    pack = serial_text(first + 100)[:14]
    sale = desk.sell(pack=pack)
    assert (sale.answer["cards"], sale.answer["amount_fen"]) == (100, 100 * FACE_FEN)
    assert sale.answer["last_serial"] == serial_text(first + 199)
    desk.sell(serial=serial_text(first + 7))
    with pytest.raises(StoredRefusal) as refused:
        desk.sell(pack=serial_text(first)[:14])
    assert refused.value.code == "wrong_stage"
    assert shop.trade.owed("outlet") == 101 * NET_FEN


def test_the_last_pack_of_a_batch_may_hold_fewer_cards(shop: Shop) -> None:
    first, desk = shop.trade.batch(250), shop.desk()
    assert desk.sell(pack=serial_text(first + 200)[:14]).answer["cards"] == 50


def test_a_till_sells_what_its_own_outlet_holds_only(shop: Shop) -> None:
    first, desk = shop.trade.batch(10, at="outlet2"), shop.desk()
    before = shop.trade.snapshot()
    with pytest.raises(StoredRefusal) as refused:
        desk.sell(serial=serial_text(first))
    assert refused.value.code == "not_holder"
    assert shop.trade.snapshot() == before


def test_the_same_key_gives_the_same_sale_and_another_content_is_a_conflict(shop: Shop) -> None:
    shop.electronic()
    desk = shop.desk()
    sold = desk.sell_electronic("k-1")
    again = desk.sell_electronic("k-1")
    assert (sold.answer, sold.reveal) == (again.answer, again.reveal)
    assert (sold.replayed, again.replayed) == (False, True)
    with pytest.raises(RequestConflict):
        desk.sell_electronic("k-1", language="en")
    assert desk.count(till_sale) == 1
    assert shop.trade.owed("outlet") == NET_FEN


def test_tills_have_their_own_keys_of_requests(shop: Shop) -> None:
    shop.electronic()
    one, two = shop.desk("T-1"), shop.desk("T-2")
    assert one.sell_electronic("k").id != two.sell_electronic("k").id


def test_a_refusal_is_an_answer_and_changes_nothing(shop: Shop) -> None:
    shop.trade.contract("outlet", "prepaid")
    first, desk = shop.trade.batch(10), shop.desk()
    before = shop.trade.snapshot()
    for _ in range(2):
        with pytest.raises(StoredRefusal) as refused:
            desk.sell("k-1", serial=serial_text(first))
        assert refused.value.code == "prepaid_exhausted"
        assert refused.value.details == {"needed_fen": FACE_FEN, "available_fen": 0}
    assert shop.trade.snapshot() == before
    shop.pay("outlet", FACE_FEN)
    with pytest.raises(StoredRefusal):
        desk.sell("k-1", serial=serial_text(first))
    assert desk.sell("k-2", serial=serial_text(first)).answer["cards"] == 1
    assert shop.trade.owed("outlet") == 0


def test_an_electronic_card_exists_from_its_sale_on(shop: Shop) -> None:
    batch_id = shop.electronic(3)
    first, desk = batch_id * 100_000, shop.desk()
    assert shop.trade.lots(first) == []
    assert desk.count(voucher) == 0
    sale = desk.sell_electronic()
    assert sale.answer["first_serial"] == serial_text(first)
    assert shop.trade.lots(first) == [(0, 0, "active", "outlet", None)]
    assert [item.move for item in shop.trade.movements(first, "generate")] == ["generate"]
    assert shop.trade.batch_row(first).generated_count == 1
    assert shop.trade.owed("outlet") == NET_FEN
    opened = desk.read(sale)
    assert (opened.serial_number, opened.face_fen) == (serial_text(first), FACE_FEN)
    desk.sell_electronic()
    assert shop.trade.lots(first) == [(0, 1, "active", "outlet", None)]


def test_an_electronic_batch_is_sold_out_in_the_end(shop: Shop) -> None:
    shop.electronic(2)
    desk = shop.desk()
    serials = [desk.sell_electronic().answer["first_serial"] for _ in range(2)]
    with pytest.raises(StoredRefusal) as refused:
        desk.sell_electronic()
    assert refused.value.code == "electronic_sold_out"
    batch_id = shop.electronic(2)
    serials.append(desk.sell_electronic().answer["first_serial"])
    assert serials[2].startswith(str(batch_id))
    assert len(set(serials)) == 3


def test_confirming_deletes_the_sealed_pin_and_may_be_repeated(shop: Shop) -> None:
    shop.electronic()
    desk = shop.desk()
    sale = desk.sell_electronic("k-1")
    desk.read(sale)
    for _ in range(2):
        done = desk.confirm(sale)
        assert done.reveal is not None
        assert (done.reveal.state, done.reveal.ciphertext) == ("confirmed", None)
    assert desk.count(sealed_pin) == 0
    again = desk.sell_electronic("k-1")
    assert again.reveal == done.reveal
    assert again.answer == sale.answer


def test_another_till_can_neither_see_the_sale_nor_read_its_pin(shop: Shop) -> None:
    shop.electronic()
    mine, other = shop.desk("T-1"), shop.desk("T-2")
    sale = mine.sell_electronic()
    with shop.trade.db.read() as session, pytest.raises(SaleUnknown):
        find_sale(session, shop.trade.db.settings, other.till, sale.id)
    with shop.trade.db.write() as session, pytest.raises(SaleUnknown):
        confirm_sale(session, shop.trade.db.settings, other.till, sale.id)
    with pytest.raises(SealedPinUnreadable):
        other.read(sale)
    assert mine.count(sealed_pin) == 1


def test_a_sealed_pin_that_nobody_fetches_is_gone_after_a_while(
    shop: Shop, clock: FakeClock
) -> None:
    shop.electronic()
    desk = shop.desk()
    old = desk.sell_electronic("old")
    desk.read(old)
    clock.advance(hours=23)
    young = desk.sell_electronic("young")
    assert clear_expired(shop.trade.db) == 0
    clock.advance(hours=2)
    late = desk.sell_electronic("old").reveal
    assert late is not None
    assert (late.state, late.ciphertext) == ("expired", None)
    assert clear_expired(shop.trade.db) == 1
    with pytest.raises(PinGone):
        desk.confirm(old)
    desk.read(young)
    desk.confirm(young)
    with shop.trade.db.read() as session:
        found = {row.sale_id: row.outcome for row in session.execute(select(pin_reveal))}
    assert found == {old.id: "expired", young.id: "confirmed"}


def test_a_card_of_plastic_has_no_sealed_pin_to_confirm(shop: Shop) -> None:
    first, desk = shop.trade.batch(10), shop.desk()
    with pytest.raises(NoSealedPin):
        desk.confirm(desk.sell(serial=serial_text(first)))


def test_a_disabled_till_sells_nothing_and_a_new_key_lets_it_in_again(shop: Shop) -> None:
    db, seller = shop.trade.db, shop.trade.people["seller"]
    first, desk = shop.trade.batch(10), shop.desk()
    with db.write() as session:
        assert authenticate_till(session, desk.api_key).id == desk.till.id
        disable_till(session, seller, "T-1")
        with pytest.raises(TillNotKnown):
            authenticate_till(session, desk.api_key)
    with pytest.raises(TillNotKnown):
        desk.sell("k", serial=serial_text(first))
    assert desk.count(stored_answer) == 0
    with db.write() as session:
        key = rotate_till_key(session, seller, "T-1")
    with pytest.raises(TillNotKnown):
        desk.sell("k", serial=serial_text(first))  # it came with the key before
    with db.read() as session:
        again = authenticate_till(session, key)
    assert again.id == desk.till.id
    desk.till = again
    assert desk.sell("k", serial=serial_text(first)).answer["cards"] == 1


@pytest.mark.parametrize(
    "request_of_nothing",
    [{}, {"serial": "42251010007001008", "face_fen": 1}, {"serial": "4225"}, {"pack": "1"}],
)
def test_what_names_no_one_thing_is_refused_and_not_kept(
    shop: Shop, request_of_nothing: dict[str, Any]
) -> None:
    desk = shop.desk()
    with pytest.raises(InvalidInput):
        desk.sell(**request_of_nothing)
    assert desk.count(stored_answer) == 0


def test_the_receipt_leaves_a_place_for_the_pin_and_fits_the_paper(shop: Shop) -> None:
    batch_id = shop.electronic()
    sale = shop.desk().sell_electronic(language="en")
    text = sale.answer["receipt_text"]
    assert text.count("{PIN}") == 1
    assert serial_text(batch_of(batch_id * 100_000) * 100_000) in text
    assert all(len(line) <= 32 for line in text.splitlines())
