"""Invariants of tills: their sales, the answers to them, and the PINs sealed until the reveal."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, func, or_, select

from accounts.tables import journal_entry
from audit.invariant import Invariant, none_of
from audit.ranges import movement_size, total
from core.tables import stored_answer
from distribution.till_sales import REALM
from distribution.till_tables import pin_reveal, sealed_pin, till, till_sale
from vouchers.serials import CARDS_PER_BATCH
from vouchers.tables import batch, lot, stock_movement, voucher

_moved = stock_movement.c
_sale = till_sale.c


def _sale_unlike_its_movements() -> Select[Any]:
    """Sales whose entry did not activate exactly their cards, at their outlet, at their price."""
    cards = _sale.last_serial - _sale.first_serial + 1
    as_sold = and_(
        _moved.move == "activate",
        _moved.to_holder == _sale.party_id,
        _moved.price_fen == _sale.face_fen,
        _moved.first_serial >= _sale.first_serial,
        _moved.last_serial <= _sale.last_serial,
    )
    moved = select(total(movement_size)).where(_moved.entry_id == _sale.entry_id).scalar_subquery()
    moved_as_sold = (
        select(total(movement_size))
        .where(_moved.entry_id == _sale.entry_id, as_sold)
        .scalar_subquery()
    )
    return (
        select(
            _sale.id.label("sale"),
            _sale.first_serial,
            _sale.last_serial,
            _sale.entry_id.label("entry"),
            journal_entry.c.event,
            moved.label("moved"),
            moved_as_sold.label("moved_as_sold"),
        )
        .outerjoin(journal_entry, journal_entry.c.id == _sale.entry_id)
        .where(
            or_(
                journal_entry.c.id.is_(None),
                journal_entry.c.event != "activation",
                moved != cards,
                moved_as_sold != cards,
            )
        )
    )


def _sale_of_another_outlet() -> Select[Any]:
    return (
        select(_sale.id.label("sale"), till.c.code.label("till"))
        .outerjoin(till, till.c.id == _sale.till_id)
        .where(or_(till.c.id.is_(None), till.c.party_id != _sale.party_id))
    )


def _sale_of_another_kind() -> Select[Any]:
    return (
        select(_sale.first_serial.label("serial"), _sale.id.label("sale"), _sale.kind)
        .outerjoin(batch, batch.c.id == _sale.first_serial // CARDS_PER_BATCH)
        .where(
            or_(
                batch.c.id.is_(None),
                (_sale.kind == "electronic") != batch.c.printer_id.is_(None),
            )
        )
    )


def _electronic_card_without_sale() -> Select[Any]:
    sold = and_(_sale.first_serial == voucher.c.serial, _sale.kind == "electronic")
    count = select(func.count()).select_from(till_sale).where(sold).scalar_subquery()
    start = batch.c.id * CARDS_PER_BATCH
    return (
        select(voucher.c.serial, count.label("sales"))
        .join(batch, voucher.c.serial.between(start, start + CARDS_PER_BATCH - 1))
        .where(batch.c.printer_id.is_(None), count != 1)
    )


def _sale_without_its_answer() -> Select[Any]:
    return (
        select(_sale.id.label("sale"), stored_answer.c.code)
        .outerjoin(stored_answer, _is_answer_of_sale())
        .where(
            or_(
                stored_answer.c.code.is_(None),
                stored_answer.c.code != "done",
                ~stored_answer.c.answer.contains(cast(_sale.id, Text)),
            )
        )
    )


def _answer_without_its_sale() -> Select[Any]:
    return (
        select(stored_answer.c.sender.label("till"), stored_answer.c.key, stored_answer.c.code)
        .outerjoin(till_sale, _is_answer_of_sale())
        .where(
            stored_answer.c.realm == REALM,
            or_(
                stored_answer.c.code == "",
                (stored_answer.c.code == "done") != _sale.id.is_not(None),
            ),
        )
    )


def _is_answer_of_sale() -> ColumnElement[bool]:
    return and_(
        stored_answer.c.realm == REALM,
        stored_answer.c.sender == cast(_sale.till_id, Text),
        stored_answer.c.key == _sale.request_key,
    )


def _sealed_pin_unlike_its_sale() -> Select[Any]:
    """Sealed PINs that are not of an electronic sale of their till, whose card is still active."""
    active = exists().where(
        lot.c.batch_id == sealed_pin.c.serial // CARDS_PER_BATCH,
        sealed_pin.c.serial.between(lot.c.first_serial, lot.c.last_serial),
        lot.c.stage == "active",
    )
    return (
        select(sealed_pin.c.serial, sealed_pin.c.sale_id.label("sale"), _sale.kind)
        .outerjoin(till_sale, _sale.id == sealed_pin.c.sale_id)
        .where(
            or_(
                _sale.id.is_(None),
                _sale.kind != "electronic",
                _sale.first_serial != sealed_pin.c.serial,
                _sale.till_id != sealed_pin.c.till_id,
                ~active,
            )
        )
    )


def _sale_without_one_end_of_its_pin() -> Select[Any]:
    """An electronic sale has a sealed PIN or the end of one; any other sale has neither."""
    sealed, ended = sealed_pin.c.sale_id.is_not(None), pin_reveal.c.sale_id.is_not(None)
    electronic = _sale.kind == "electronic"
    return (
        select(_sale.id.label("sale"), _sale.kind, pin_reveal.c.outcome)
        .outerjoin(sealed_pin, sealed_pin.c.sale_id == _sale.id)
        .outerjoin(pin_reveal, pin_reveal.c.sale_id == _sale.id)
        .where(or_(and_(sealed, ended), electronic != or_(sealed, ended)))
    )


TILLS = (
    Invariant(
        "till_sales",
        "终端的每笔销售对应一笔分录，恰好激活所售的卡；每张电子卡有且只有一笔销售。",
        "Each sale at a till is one entry that activated just its cards; each electronic card was"
        " sold once.",
        none_of(
            _sale_unlike_its_movements(),
            _sale_of_another_outlet(),
            _sale_of_another_kind(),
            _electronic_card_without_sale(),
        ),
    ),
    Invariant(
        "till_answers",
        "终端每笔销售都有存档的答复，每个成功答复都有销售。",
        "Each sale at a till has its kept answer, and each answer that says so has its sale.",
        none_of(_sale_without_its_answer(), _answer_without_its_sale()),
    ),
    Invariant(
        "sealed_pins",
        "封存的密码只属于已激活而未揭示的电子卡；揭示之后不再保留。",
        "A sealed PIN is of an active electronic card not yet revealed; afterwards there is none.",
        none_of(_sealed_pin_unlike_its_sale(), _sale_without_one_end_of_its_pin()),
    ),
)
