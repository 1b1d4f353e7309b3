"""Invariants of cards: batches, vouchers, the lots that tile them, and what they are worth."""

from typing import Any

from sqlalchemy import ScalarSelect, Select, and_, case, func, or_, select

from accounts.ledger import LedgerCode
from audit.books import credit_balance_fen
from audit.invariant import Invariant, Offence, none_of
from audit.ranges import lot_size, movement_size, replaced_cards, total, used_cards
from core.db import Session
from redemption.tables import redemption
from vouchers.serials import CARDS_PER_BATCH
from vouchers.tables import batch, denomination, lot, stock_movement, voucher, voucher_hold

_MADE = ("generated", "failed")
"""The states in which a printed batch has lots; before, its cards are unfinished or unwanted."""
_ON_SALE = ("open", "closed")
"""The states in which an electronic batch has as many cards, and lots over them, as were sold."""
_is_electronic = batch.c.printer_id.is_(None)
_NOT_DELIVERED = ("generated", "printing")


def _voucher_liability(session: Session) -> list[Offence]:
    """Count the redemptions themselves, where the report trusts counters."""
    cards = (lot.c.first_serial, lot.c.last_serial)
    unused = lot_size - used_cards(*cards) - replaced_cards(*cards)
    value = (
        select(total(unused * denomination.c.face_fen))
        .select_from(lot)
        .join(batch, batch.c.id == lot.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(lot.c.stage == "active", or_(lot.c.hold.is_(None), lot.c.hold != "replaced"))
    )
    cards_fen = int(session.execute(value).scalar_one())
    ledger_fen = credit_balance_fen(session, LedgerCode.VOUCHER_LIABILITY)
    if cards_fen == ledger_fen:
        return []
    facts = {"cards_fen": str(cards_fen), "ledger_fen": str(ledger_fen)}
    return [Offence("ledger account 2204", facts)]


def _batch_not_as_requested() -> Select[Any]:
    return select(
        batch.c.id.label("batch"),
        batch.c.state,
        batch.c.size.label("requested"),
        batch.c.generated_count.label("generated"),
    ).where(
        or_(
            batch.c.generated_count > batch.c.size,
            and_(batch.c.state == "generated", batch.c.generated_count != batch.c.size),
            and_(batch.c.state.not_in((*_MADE, *_ON_SALE)), batch.c.generated_count != 0),
            and_(_is_electronic, batch.c.state.in_((*_MADE, "generating"))),
            and_(~_is_electronic, batch.c.state.in_(_ON_SALE)),
        )
    )


def _electronic_not_as_made() -> Select[Any]:
    """Electronic batches that count other cards than their movements made, or delivered any."""
    moved = stock_movement.c
    made = (
        select(total(movement_size))
        .where(moved.batch_id == batch.c.id, moved.move == "generate")
        .scalar_subquery()
    )
    return select(
        batch.c.id.label("batch"),
        batch.c.state,
        batch.c.generated_count.label("generated"),
        made.label("moved_as_made"),
        batch.c.delivered_count.label("delivered"),
    ).where(
        _is_electronic,
        or_(
            batch.c.generated_count != made,
            batch.c.delivered_count != 0,
            batch.c.spoilt_count != 0,
        ),
    )


def _batch_not_as_delivered() -> Select[Any]:
    delivered, spoilt = _left_for("stocked"), _left_for("void")
    waiting = (
        select(total(lot_size))
        .where(lot.c.batch_id == batch.c.id, lot.c.stage.in_(_NOT_DELIVERED))
        .scalar_subquery()
    )
    counted = batch.c.delivered_count + batch.c.spoilt_count
    return select(
        batch.c.id.label("batch"),
        batch.c.generated_count.label("generated"),
        batch.c.delivered_count.label("delivered"),
        delivered.label("moved_into_stock"),
        batch.c.spoilt_count.label("spoilt"),
        spoilt.label("moved_as_spoilt"),
        waiting.label("not_delivered"),
    ).where(
        batch.c.state == "generated",
        or_(
            batch.c.delivered_count != delivered,
            batch.c.spoilt_count != spoilt,
            batch.c.generated_count != counted + waiting,
        ),
    )


def _left_for(stage: str) -> ScalarSelect[int]:
    """The cards of the outer batch that left the stages before delivery for another one."""
    moved = stock_movement.c
    return (
        select(total(movement_size))
        .where(
            moved.batch_id == batch.c.id,
            moved.from_stage.in_(_NOT_DELIVERED),
            moved.to_stage == stage,
        )
        .scalar_subquery()
    )


def _batch_without_all_vouchers() -> Select[Any]:
    start = batch.c.id * CARDS_PER_BATCH
    of_batch = voucher.c.serial.between(start, start + CARDS_PER_BATCH - 1)
    vouchers = select(func.count()).select_from(voucher).where(of_batch).scalar_subquery()
    last = select(func.max(voucher.c.serial)).where(of_batch).scalar_subquery()
    return select(
        batch.c.id.label("batch"),
        batch.c.state,
        batch.c.size.label("requested"),
        batch.c.generated_count.label("generated"),
        vouchers.label("vouchers"),
        last.label("last_serial"),
    ).where(
        or_(
            batch.c.first_serial != start,
            last >= start + batch.c.size,
            and_(_is_electronic, last >= start + batch.c.generated_count),
            and_(batch.c.state.in_((*_MADE, *_ON_SALE)), vouchers != batch.c.generated_count),
            and_(batch.c.state.not_in((*_MADE, *_ON_SALE, "generating")), vouchers != 0),
        )
    )


def _voucher_of_another_batch() -> Select[Any]:
    return (
        select(voucher.c.serial, voucher.c.batch_id.label("batch"))
        .outerjoin(batch, batch.c.id == voucher.c.batch_id)
        .where(or_(batch.c.id.is_(None), voucher.c.serial // CARDS_PER_BATCH != voucher.c.batch_id))
    )


def _lot_out_of_line() -> Select[Any]:
    """Lots that do not begin where the one before them ended, or do not end with their batch."""
    batch_id, order = lot.c.batch_id, (lot.c.first_serial, lot.c.last_serial)
    before = func.lag(lot.c.last_serial).over(partition_by=batch_id, order_by=order)
    after = func.lead(lot.c.first_serial).over(partition_by=batch_id, order_by=order)
    lines = select(
        lot.c.first_serial,
        lot.c.last_serial,
        batch_id,
        before.label("before"),
        after.label("after"),
    ).subquery()
    starts_at = func.coalesce(lines.c.before + 1, batch.c.first_serial)
    cards = case((_is_electronic, batch.c.generated_count), else_=batch.c.size)
    ends_at = case(
        (lines.c.after.is_(None), batch.c.first_serial + cards - 1),
        else_=lines.c.last_serial,
    )
    return (
        select(
            lines.c.first_serial.label("lot"),
            lines.c.last_serial,
            starts_at.label("expected_first_serial"),
            ends_at.label("expected_last_serial"),
        )
        .outerjoin(batch, batch.c.id == lines.c.batch_id)
        .where(
            or_(
                batch.c.id.is_(None),
                lines.c.first_serial != starts_at,
                lines.c.last_serial != ends_at,
                lines.c.last_serial < lines.c.first_serial,
            )
        )
    )


def _batch_with_lots_too_early_or_none() -> Select[Any]:
    lots = (
        select(func.count()).select_from(lot).where(lot.c.batch_id == batch.c.id).scalar_subquery()
    )
    return select(batch.c.id.label("batch"), batch.c.state, lots.label("lots")).where(
        or_(
            and_(batch.c.state.in_(_MADE), lots == 0),
            and_(batch.c.state.in_(_ON_SALE), (lots == 0) != (batch.c.generated_count == 0)),
            and_(batch.c.state.not_in((*_MADE, *_ON_SALE)), lots != 0),
        )
    )


def _failed_batch_not_void() -> Select[Any]:
    return (
        select(lot.c.first_serial.label("lot"), lot.c.stage, batch.c.state.label("batch_state"))
        .join(batch, batch.c.id == lot.c.batch_id)
        .where(batch.c.state == "failed", lot.c.stage != "void")
    )


def _replacement_of_another_value() -> Select[Any]:
    """Replaced cards that were used, have no successor, or one of another denomination."""
    old, new = batch.alias("old"), batch.alias("new")
    return (
        select(
            voucher_hold.c.serial,
            voucher_hold.c.hold,
            voucher_hold.c.replaced_by.label("replaced_by_serial"),
            redemption.c.receipt_number.label("receipt"),
        )
        .outerjoin(redemption, redemption.c.serial == voucher_hold.c.serial)
        .outerjoin(old, old.c.id == voucher_hold.c.serial // CARDS_PER_BATCH)
        .outerjoin(new, new.c.id == voucher_hold.c.replaced_by // CARDS_PER_BATCH)
        .where(
            or_(
                (voucher_hold.c.hold == "replaced") != voucher_hold.c.replaced_by.is_not(None),
                and_(
                    voucher_hold.c.hold == "replaced",
                    or_(
                        redemption.c.serial.is_not(None),
                        new.c.denomination_id.is_(None),
                        new.c.denomination_id != old.c.denomination_id,
                    ),
                ),
            )
        )
    )


CARDS = (
    Invariant(
        "voucher_liability",
        "充值卡负债等于已激活且未充值、未作废、未更换的卡的面值之和。",
        "The voucher liability is the face value of the activated cards not redeemed, void or"
        " replaced.",
        _voucher_liability,
    ),
    Invariant(
        "batch_counts",
        "批次订多少生成多少；生成数等于交付数加损坏数，加尚在印制的；电子批次只有已售出的卡。",
        "A batch holds the cards requested; generated is delivered and spoilt, and what is still"
        " being printed. An electronic one holds the cards made at sale.",
        none_of(_batch_not_as_requested(), _batch_not_as_delivered(), _electronic_not_as_made()),
    ),
    Invariant(
        "vouchers_complete",
        "批次的每个序列号都有一张卡，号段之外没有卡。",
        "A generated batch has a card for each of its serial numbers, and there are no others.",
        none_of(_batch_without_all_vouchers(), _voucher_of_another_batch()),
    ),
    Invariant(
        "lots_tile",
        "号段首尾相接铺满整个批次（电子批次为已售部分），既无缺口也无重叠。",
        "The lots of a batch tile it, an electronic one's what was sold, without gap or overlap.",
        none_of(_lot_out_of_line(), _batch_with_lots_too_early_or_none(), _failed_batch_not_void()),
    ),
    Invariant(
        "replacements",
        "被更换的卡未曾充值，并指向同面值的新卡。",
        "A replaced card was never redeemed and points to a new card of the same value.",
        none_of(_replacement_of_another_value()),
    ),
)
