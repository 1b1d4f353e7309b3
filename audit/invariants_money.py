"""Invariants of what parties owe, pay, and of what two persons adjust."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    or_,
    select,
)

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.books import credited, touches
from audit.invariant import Invariant, none_of
from audit.ranges import total
from distribution.tables import (
    adjustment,
    contract,
    contract_version,
    payment,
    payment_reversal,
)
from staff.tables import approval

_BANK, _OWED = int(LedgerCode.BANK), int(LedgerCode.DISTRIBUTOR_RECEIVABLE)


def _reference_used_twice() -> Select[Any]:
    return (
        select(func.upper(payment.c.reference).label("reference"), func.count().label("payments"))
        .group_by(func.upper(payment.c.reference))
        .having(func.count() > 1)
    )


def _payment_unlike_its_entry() -> Select[Any]:
    """Payments whose entry is not one posting of their sum, from the bank to their party."""
    right = and_(
        posting.c.debit == _BANK,
        posting.c.credit == _OWED,
        posting.c.amount_fen == payment.c.amount_fen,
        posting.c.party_id == payment.c.party_id,
    )
    return (
        select(
            payment.c.id.label("payment"),
            payment.c.reference,
            payment.c.amount_fen,
            payment.c.entry_id.label("entry"),
        )
        .outerjoin(posting, posting.c.entry_id == payment.c.entry_id)
        .outerjoin(
            journal_entry,
            and_(journal_entry.c.id == payment.c.entry_id, journal_entry.c.event == "payment"),
        )
        .where(or_(posting.c.id.is_(None), ~right, journal_entry.c.id.is_(None)))
    )


def _entry_without(table: Table) -> Select[Any]:
    """Entries of the table's event that no row of it names."""
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.reference)
        .outerjoin(table, table.c.entry_id == journal_entry.c.id)
        .where(journal_entry.c.event == table.name, table.c.id.is_(None))
    )


def _bounced_without_its_mirror() -> Select[Any]:
    mirror = journal_entry.alias()
    return (
        select(
            payment.c.id.label("payment"),
            payment.c.reference,
            payment_reversal.c.entry_id.label("reversed_by"),
            mirror.c.id.label("mirror"),
        )
        .outerjoin(payment_reversal, payment_reversal.c.payment_id == payment.c.id)
        .outerjoin(mirror, mirror.c.reverses == payment.c.entry_id)
        .where(
            func.coalesce(payment_reversal.c.entry_id, 0) != func.coalesce(mirror.c.id, 0),
        )
    )


def _contract_unlike_its_last_version() -> Select[Any]:
    last = contract_version
    differs = or_(
        last.c.party_id.is_(None),
        last.c.sale_model != contract.c.sale_model,
        last.c.limit_fen != contract.c.limit_fen,
    )
    return (
        select(contract.c.party_id.label("contract"), contract.c.version)
        .outerjoin(
            last,
            and_(last.c.party_id == contract.c.party_id, last.c.version == contract.c.version),
        )
        .where(differs)
    )


def _versions_with_a_gap() -> Select[Any]:
    return (
        select(contract.c.party_id.label("contract"), contract.c.version)
        .join(contract_version, contract_version.c.party_id == contract.c.party_id)
        .group_by(contract.c.party_id, contract.c.version)
        .having(
            or_(
                func.count() != contract.c.version,
                func.max(contract_version.c.version) != contract.c.version,
            )
        )
    )


def _over_its_limit() -> Select[Any]:
    """Parties that owe more than their contract allows, and nothing that was agreed explains it.

    What was owed when the contract was written, what bounced since and what two persons charged
    since may stand above the limit; sales may not.
    """
    owed = _owed_by_party()
    bounced = _sum_since(
        payment_reversal.c.contract_version,
        payment.c.amount_fen,
        payment.join(payment_reversal, payment_reversal.c.payment_id == payment.c.id),
        payment.c.party_id,
    )
    charged = _sum_since(
        adjustment.c.contract_version,
        case((adjustment.c.direction == "charge", adjustment.c.amount_fen), else_=0),
        adjustment,
        adjustment.c.party_id,
    )
    limit_fen = case((contract.c.sale_model == "credit", contract.c.limit_fen), else_=0)
    start_fen = contract_version.c.owed_fen
    allowed_fen = case((start_fen > limit_fen, start_fen), else_=limit_fen) + bounced + charged
    return (
        select(
            contract.c.party_id.label("party"),
            contract.c.sale_model,
            owed.c.fen.label("owed_fen"),
            allowed_fen.label("allowed_fen"),
        )
        .join(owed, owed.c.party_id == contract.c.party_id)
        .join(
            contract_version,
            and_(
                contract_version.c.party_id == contract.c.party_id,
                contract_version.c.version == contract.c.version,
            ),
        )
        .where(contract.c.sale_model != "consignment", owed.c.fen > allowed_fen)
    )


def _sum_since(
    version: ColumnElement[int],
    amount_fen: ColumnElement[int],
    of: FromClause,
    party_id: ColumnElement[int],
) -> ColumnElement[int]:
    """The sum of what was written under the contract's present version."""
    return func.coalesce(
        select(func.sum(amount_fen))
        .select_from(of)
        .where(party_id == contract.c.party_id, version == contract.c.version)
        .scalar_subquery(),
        0,
    )


def _owed_by_party() -> Subquery:
    owed = -credited(LedgerCode.DISTRIBUTOR_RECEIVABLE)
    return (
        select(posting.c.party_id, total(owed).label("fen"))
        .where(touches(LedgerCode.DISTRIBUTOR_RECEIVABLE))
        .group_by(posting.c.party_id)
        .subquery()
    )


def _adjustment_unlike_its_entry() -> Select[Any]:
    """Adjustments that are not their entry, or that no other person agreed to."""
    charges = adjustment.c.direction == "charge"
    against = case(
        (adjustment.c.against == "suspense", int(LedgerCode.SUSPENSE)),
        else_=int(LedgerCode.COMMISSION_EXPENSE),
    )
    right = and_(
        posting.c.debit == case((charges, _OWED), else_=against),
        posting.c.credit == case((charges, against), else_=_OWED),
        posting.c.amount_fen == adjustment.c.amount_fen,
        posting.c.party_id == adjustment.c.party_id,
    )
    agreed = and_(
        approval.c.id == adjustment.c.approval_id,
        approval.c.kind == "adjustment",
        approval.c.state == "agreed",
        approval.c.decider_person_id != approval.c.requester_person_id,
    )
    return (
        select(
            adjustment.c.id.label("adjustment"),
            adjustment.c.reference,
            adjustment.c.amount_fen,
            adjustment.c.entry_id.label("entry"),
            approval.c.id.label("agreed"),
        )
        .outerjoin(posting, posting.c.entry_id == adjustment.c.entry_id)
        .outerjoin(approval, agreed)
        .where(or_(posting.c.id.is_(None), ~right, approval.c.id.is_(None)))
    )


MONEY = (
    Invariant(
        "exposure_within_limit",
        "预付合同不透支，授信合同不超额；超出部分只能来自退票、双人复核的调整或合同变更。",
        "No party owes more than its contract allows, but for what bounced, was agreed or was"
        " owed before.",
        none_of(_over_its_limit()),
    ),
    Invariant(
        "adjustments_agreed",
        "每笔调整与其分录一致，并由两人复核。",
        "Each adjustment is its entry, and two persons agreed to it.",
        none_of(_adjustment_unlike_its_entry(), _entry_without(adjustment)),
    ),
    Invariant(
        "contract_history",
        "每份合同等于其最后一个版本，各版本连续保存。",
        "Each contract is its last version, and every version before it is kept.",
        none_of(_contract_unlike_its_last_version(), _versions_with_a_gap()),
    ),
    Invariant(
        "payments_posted",
        "每个银行流水号只入账一次，每笔付款与其分录一致；退回的付款由相反分录冲正。",
        "Each bank reference paid once, each payment is its entry; one that bounced is mirrored.",
        none_of(
            _reference_used_twice(),
            _payment_unlike_its_entry(),
            _entry_without(payment),
            _bounced_without_its_mirror(),
        ),
    ),
)
