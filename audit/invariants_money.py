"""Invariants of what parties pay: one payment for each bank reference, and each one posted."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.invariant import Invariant, none_of
from distribution.tables import contract, contract_version, payment, payment_reversal

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


def _entry_without_payment() -> Select[Any]:
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.reference)
        .outerjoin(payment, payment.c.entry_id == journal_entry.c.id)
        .where(journal_entry.c.event == "payment", payment.c.id.is_(None))
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


MONEY = (
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
            _entry_without_payment(),
            _bounced_without_its_mirror(),
        ),
    ),
)
