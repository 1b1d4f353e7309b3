"""Invariants of customer service: replaced cards, reversed redemptions, proven cards."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from accounts.unsettle import UNDONE
from audit.invariant import Invariant, none_of
from redemption.counter import CHANNEL
from redemption.tables import redemption, redemption_reversal
from staff.tables import approval
from vouchers.serials import CARDS_PER_BATCH
from vouchers.tables import card_proof, stock_movement, voucher_hold

_moved = stock_movement.c


def _replaced_without_its_move() -> Select[Any]:
    """Each replaced card points to one that a movement of its own made active, by its document."""
    return (
        select(
            voucher_hold.c.serial,
            voucher_hold.c.replaced_by.label("replaced_by_serial"),
            _moved.id.label("movement"),
        )
        .outerjoin(
            stock_movement,
            _made_active("replace", voucher_hold.c.replaced_by),
        )
        .where(
            voucher_hold.c.hold == "replaced",
            or_(_moved.id.is_(None), ~_moved.document.contains(cast(voucher_hold.c.serial, Text))),
        )
    )


def _made_active(move: str, serial: ColumnElement[Any]) -> ColumnElement[bool]:
    # The batch is named for its index.
    return and_(
        _moved.batch_id == serial // CARDS_PER_BATCH,
        _moved.move == move,
        _moved.first_serial == serial,
    )


def _move_without_its_card() -> Select[Any]:
    """Each card handed out for another one is the one that the other, or its reversal, names."""
    return (
        select(_moved.first_serial.label("serial"), _moved.id.label("movement"), _moved.move)
        .outerjoin(voucher_hold, voucher_hold.c.replaced_by == _moved.first_serial)
        .outerjoin(redemption_reversal, redemption_reversal.c.reissued_as == _moved.first_serial)
        .where(
            or_(
                and_(_moved.move == "replace", voucher_hold.c.serial.is_(None)),
                and_(_moved.move == "reissue", redemption_reversal.c.serial.is_(None)),
                and_(
                    _moved.move.in_(("replace", "reissue")),
                    _moved.first_serial != _moved.last_serial,
                ),
            )
        )
    )


def _reissued_without_its_move() -> Select[Any]:
    reissued = redemption_reversal.c.reissued_as
    return (
        select(redemption_reversal.c.serial, reissued.label("reissued_as_serial"))
        .outerjoin(stock_movement, _made_active("reissue", reissued))
        .where(reissued.is_not(None), _moved.id.is_(None))
    )


def _reversal_unlike_its_redemption() -> Select[Any]:
    """By reversal: bills mirrored posting by posting, and the face value to suspense: else rows."""
    undone = _of_reversals(redemption_reversal.c.entry_id, posting.c.debit, posting.c.credit, 1)
    mirror = _of_reversals(redemption.c.entry_id, posting.c.credit, posting.c.debit, -1).where(
        posting.c.bill_id.is_not(None)
    )
    value = select(
        redemption.c.serial,
        literal(int(LedgerCode.ELECTRICITY_ACCOUNT)),
        literal(int(LedgerCode.SUSPENSE)),
        redemption.c.face_fen,
        redemption.c.account_number,
        literal(0),
        literal(-1),
    ).join(redemption_reversal, redemption_reversal.c.serial == redemption.c.serial)
    both = union_all(undone, mirror, value).subquery()
    key = [column for column in both.c if column.name != "times"]
    return (
        select(*key, func.sum(both.c.times).label("times"))
        .group_by(*key)
        .having(func.sum(both.c.times) != 0)
    )


def _of_reversals(entry_id: Any, debit: Any, credit: Any, times: int) -> Select[Any]:
    return (
        select(
            redemption_reversal.c.serial,
            debit.label("debit"),
            credit.label("credit"),
            posting.c.amount_fen,
            posting.c.account_number,
            func.coalesce(posting.c.bill_id, 0).label("bill"),
            literal(times).label("times"),
        )
        .select_from(redemption_reversal)
        .join(redemption, redemption.c.serial == redemption_reversal.c.serial)
        .join(posting, posting.c.entry_id == entry_id)
    )


def _reversal_entry_astray() -> Select[Any]:
    """Entries that undo a redemption belong to one reversal and carry its receipt number."""
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.reference.label("receipt"))
        .outerjoin(redemption_reversal, redemption_reversal.c.entry_id == journal_entry.c.id)
        .outerjoin(redemption, redemption.c.serial == redemption_reversal.c.serial)
        .where(
            journal_entry.c.event == UNDONE,
            or_(
                redemption.c.serial.is_(None),
                redemption.c.receipt_number != journal_entry.c.reference,
            ),
        )
    )


def _reversal_without_second_person() -> Select[Any]:
    return (
        select(
            redemption_reversal.c.serial,
            redemption.c.receipt_number.label("receipt"),
            approval.c.kind,
            approval.c.state,
        )
        .outerjoin(redemption, redemption.c.serial == redemption_reversal.c.serial)
        .outerjoin(approval, approval.c.id == redemption_reversal.c.approval_id)
        .where(
            or_(
                approval.c.id.is_(None),
                approval.c.kind != "reverse_redemption",
                approval.c.state != "agreed",
                ~approval.c.content.contains(redemption.c.receipt_number),
            )
        )
    )


def _counter_redemption_without_proof() -> Select[Any]:
    """What was redeemed without a PIN was proven before, and two persons wanted it."""
    serial = cast(redemption.c.serial, Text)
    agreed = (
        select(func.count())
        .select_from(approval)
        .where(
            approval.c.kind == "redeem_proven",
            approval.c.state == "agreed",
            approval.c.decider_person_id != approval.c.requester_person_id,
            approval.c.content.contains(serial),
        )
        .correlate(redemption)
        .scalar_subquery()
    )
    proven = (
        select(func.sum(case((card_proof.c.outcome == "proven", 1), else_=0)))
        .where(card_proof.c.serial == redemption.c.serial)
        .scalar_subquery()
    )
    return select(
        redemption.c.serial, redemption.c.receipt_number.label("receipt"), agreed.label("agreed")
    ).where(redemption.c.channel == CHANNEL, or_(agreed == 0, func.coalesce(proven, 0) == 0))


def _too_many_tries() -> Select[Any]:
    return (
        select(card_proof.c.serial, func.count().label("tries"))
        .group_by(card_proof.c.serial)
        .having(func.count() > 5)
    )


CARE = (
    Invariant(
        "cards_handed_out",
        "换卡和冲正后补卡：旧卡与新卡一一对应，各有一笔流水。",
        "A card handed out for a replaced card or a reversed redemption is named by it, one for"
        " one, with a movement of its own.",
        none_of(
            _replaced_without_its_move(), _move_without_its_card(), _reissued_without_its_move()
        ),
    ),
    Invariant(
        "redemptions_reversed",
        "充值冲正：原销账逐条冲回，面值转入待处理款项，且经另一人同意。",
        "A reversed redemption has its bill payments mirrored, its face value in suspense, and the"
        " agreement of a second person.",
        none_of(
            _reversal_unlike_its_redemption(),
            _reversal_entry_astray(),
            _reversal_without_second_person(),
        ),
    ),
    Invariant(
        "cards_proven",
        "柜台凭残卡充值的卡都经过验证和另一人同意；每张卡至多验证五次。",
        "A card redeemed without its PIN was proven and agreed to; no card was tried more than"
        " five times.",
        none_of(_counter_redemption_without_proof(), _too_many_tries()),
    ),
)
