"""Invariants of redemptions: the exactly-once row, when it was made, its money, its answer."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    extract,
    func,
    or_,
    select,
    union_all,
)

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.books import between, credited, touches
from audit.invariant import SLACK_S, Invariant, none_of
from audit.ranges import first_used_card, total
from redemption.requests import Code
from redemption.tables import redemption, request
from vouchers.serials import CARDS_PER_BATCH
from vouchers.tables import batch, denomination, lot, stock_movement, voucher


def _redeemed_twice() -> Select[Any]:
    return (
        select(redemption.c.serial, func.count().label("redemptions"))
        .group_by(redemption.c.serial)
        .having(func.count() > 1)
    )


def _receipt_given_twice() -> Select[Any]:
    return (
        select(redemption.c.receipt_number.label("receipt"), func.count().label("redemptions"))
        .group_by(redemption.c.receipt_number)
        .having(func.count() > 1)
    )


def _redemption_of_no_card() -> Select[Any]:
    return (
        select(redemption.c.serial, redemption.c.receipt_number.label("receipt"))
        .outerjoin(voucher, voucher.c.serial == redemption.c.serial)
        .where(voucher.c.serial.is_(None))
    )


def _used_in_a_lot_not_activated() -> Select[Any]:
    used = first_used_card(lot.c.first_serial, lot.c.last_serial)
    activated = and_(lot.c.stage.in_(("active", "void")), lot.c.activated_on.is_not(None))
    return select(used.label("serial"), lot.c.first_serial.label("lot"), lot.c.stage).where(
        ~activated, used.is_not(None)
    )


def _used_but_never_activated() -> Select[Any]:
    """Redeemed cards in the gaps between the activated ranges of each batch."""
    ranges = _activated_ranges()
    reach = func.max(ranges.c.last).over(
        partition_by=ranges.c.batch_id, order_by=(ranges.c.first, ranges.c.last), rows=(None, -1)
    )
    gaps = select((reach + 1).label("first"), (ranges.c.first - 1).label("last")).subquery()
    used = first_used_card(gaps.c.first, gaps.c.last)
    return select(used.label("serial"), gaps.c.first.label("after_serial")).where(
        gaps.c.first <= gaps.c.last, used.is_not(None)
    )


def _activated_ranges() -> Subquery:
    """All ranges that a movement made active, and a bound below and above each batch."""
    moved, start = stock_movement.c, batch.c.id * CARDS_PER_BATCH
    below, above = start - 1, start + CARDS_PER_BATCH
    return union_all(
        select(moved.batch_id, moved.first_serial.label("first"), moved.last_serial.label("last"))
        .where(moved.to_stage == "active")
        .where(or_(moved.from_stage.is_(None), moved.from_stage != "active")),
        select(batch.c.id, below, below),
        select(batch.c.id, above, above),
    ).subquery()


def _used_before(movement_is_later: bool) -> ScalarSelect[int]:
    """The first used card of a movement whose redemption lies on the wrong side of it in time."""
    moved_s, used_s = extract("epoch", stock_movement.c.at), extract("epoch", redemption.c.at)
    apart_s = moved_s - used_s if movement_is_later else used_s - moved_s
    return (
        select(func.min(redemption.c.serial))
        .where(
            redemption.c.serial.between(
                stock_movement.c.first_serial, stock_movement.c.last_serial
            ),
            apart_s > SLACK_S,
        )
        .scalar_subquery()
    )


def _moved_after_use() -> Select[Any]:
    """Nothing leads out of "used": entering or leaving "active" comes before the redemption."""
    moved = stock_movement.c
    used = _used_before(movement_is_later=True)
    return _movement(
        used,
        or_(moved.from_stage.is_(None), moved.from_stage != moved.to_stage),
        or_(moved.to_stage == "active", moved.from_stage == "active"),
        moved.to_stage != "void",
    )


def _used_after_void() -> Select[Any]:
    moved = stock_movement.c
    used = _used_before(movement_is_later=False)
    return _movement(used, moved.to_stage == "void", moved.from_stage != "void")


def _movement(used: ScalarSelect[int], *conditions: ColumnElement[bool]) -> Select[Any]:
    moved = stock_movement.c
    return select(used.label("serial"), moved.id.label("movement"), moved.move, moved.at).where(
        *conditions, used.is_not(None)
    )


def _redemption_unlike_its_entry() -> Select[Any]:
    posted = _posted_redemptions()
    return (
        select(
            redemption.c.serial,
            redemption.c.face_fen,
            denomination.c.face_fen.label("denomination_fen"),
            redemption.c.account_number.label("account"),
            redemption.c.receipt_number.label("receipt"),
            redemption.c.entry_id.label("entry"),
            journal_entry.c.event,
            journal_entry.c.reference,
            posted.c.moved_fen,
            posted.c.account_number.label("posted_to"),
        )
        .outerjoin(journal_entry, journal_entry.c.id == redemption.c.entry_id)
        .outerjoin(posted, posted.c.entry_id == redemption.c.entry_id)
        .outerjoin(batch, batch.c.id == redemption.c.serial // CARDS_PER_BATCH)
        .outerjoin(denomination, denomination.c.id == batch.c.denomination_id)
        .where(or_(*_differences(posted)))
    )


def _posted_redemptions() -> Subquery:
    """What each entry takes from the voucher liability, and gives to which account."""
    liability, account = LedgerCode.VOUCHER_LIABILITY, LedgerCode.ELECTRICITY_ACCOUNT
    return (
        select(
            posting.c.entry_id,
            func.count().label("postings"),
            func.max(posting.c.account_number).label("account_number"),
            total(between(liability, account)).label("moved_fen"),
            total(credited(liability)).label("added_fen"),
        )
        .where(touches(liability))
        .group_by(posting.c.entry_id)
        .subquery()
    )


def _differences(posted: Subquery) -> tuple[ColumnElement[bool], ...]:
    face_fen = redemption.c.face_fen
    return (
        denomination.c.face_fen.is_(None),
        denomination.c.face_fen != face_fen,
        journal_entry.c.id.is_(None),
        journal_entry.c.event != "redemption",
        journal_entry.c.reference != redemption.c.receipt_number,
        posted.c.entry_id.is_(None),
        posted.c.postings != 1,
        posted.c.account_number != redemption.c.account_number,
        posted.c.moved_fen != face_fen,
        posted.c.added_fen != -face_fen,
    )


def _entry_of_no_redemption() -> Select[Any]:
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.reference.label("receipt"))
        .outerjoin(redemption, redemption.c.entry_id == journal_entry.c.id)
        .where(journal_entry.c.event == "redemption", redemption.c.serial.is_(None))
    )


_answered_by = and_(
    request.c.channel == redemption.c.channel,
    request.c.sender == redemption.c.sender,
    request.c.key == redemption.c.request_key,
)
_another_card = or_(
    request.c.serial.is_(None),
    request.c.serial != redemption.c.serial,
    ~request.c.answer.contains(redemption.c.receipt_number),
)


def _redeemed_answer_without_redemption() -> Select[Any]:
    return (
        select(request.c.serial, request.c.channel, request.c.sender, request.c.key)
        .outerjoin(redemption, _answered_by)
        .where(request.c.code == Code.REDEEMED, or_(redemption.c.serial.is_(None), _another_card))
    )


def _redemption_without_its_answer() -> Select[Any]:
    return (
        select(
            redemption.c.serial,
            redemption.c.receipt_number.label("receipt"),
            redemption.c.channel,
            redemption.c.sender,
            redemption.c.request_key,
            request.c.code,
        )
        .outerjoin(request, _answered_by)
        .where(or_(request.c.code.is_(None), request.c.code != Code.REDEEMED, _another_card))
    )


REDEMPTION = (
    Invariant(
        "one_redemption_per_card",
        "每张卡至多充值一次，每个流水号只用一次，充值的卡都存在。",
        "A card that exists is redeemed at most once, and every receipt number is used once.",
        none_of(_redeemed_twice(), _receipt_given_twice(), _redemption_of_no_card()),
    ),
    Invariant(
        "redeemed_while_active",
        "卡在激活之后、作废之前充值；已用的卡不再返销。",
        "A card is redeemed after its activation and before it is void, and stays used.",
        none_of(
            _used_in_a_lot_not_activated(),
            _used_but_never_activated(),
            _moved_after_use(),
            _used_after_void(),
        ),
    ),
    Invariant(
        "redemption_entries",
        "每次充值有且只有一笔凭证，金额等于卡的面值。",
        "Every redemption has one entry of its own, and both are the card's face value.",
        none_of(_redemption_unlike_its_entry(), _entry_of_no_redemption()),
    ),
    Invariant(
        "redeemed_answers",
        "当且仅当有充值记录时，才存有“已充值”的答复。",
        "A stored answer `redeemed` exists if, and only if, there is the redemption it names.",
        none_of(_redeemed_answer_without_redemption(), _redemption_without_its_answer()),
    ),
)
