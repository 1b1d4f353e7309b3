"""Invariants of closed months: what the books say, for ever as they were closed, without a gap."""

from typing import Any

from sqlalchemy import Select, Subquery, and_, case, func, or_, select

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.books import credited
from audit.invariant import Invariant, Offence, first_of, none_of
from audit.ranges import total
from core.db import Session
from distribution.settlements import Sums, digest_of, line_of_row
from distribution.tables import settlement, settlement_line


def _unlike_the_books() -> Select[Any]:
    """Closed months whose opening or closing is not what the books said at that instant."""
    opening, closing = _owed_at(settlement.c.starts_at), _owed_at(settlement.c.ends_at)
    return select(
        settlement.c.id.label("settlement"),
        settlement.c.starts_on,
        settlement.c.opening_fen,
        opening.label("opening_in_books_fen"),
        settlement.c.closing_fen,
        closing.label("closing_in_books_fen"),
    ).where(or_(settlement.c.opening_fen != opening, settlement.c.closing_fen != closing))


def _owed_at(instant: Any) -> Any:
    return (
        select(total(-credited(LedgerCode.DISTRIBUTOR_RECEIVABLE)))
        .select_from(posting)
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(posting.c.party_id == settlement.c.party_id, journal_entry.c.at < instant)
        .correlate(settlement)
        .scalar_subquery()
    )


def _sums_of_lines() -> Subquery:
    def of(kind: str, part: str) -> Any:
        of_kind = settlement_line.c.kind == kind
        return total(case((of_kind, settlement_line.c[part]), else_=0))

    return (
        select(
            settlement_line.c.settlement_id,
            of("activation", "value_fen").label("activations_fen"),
            of("activation", "commission_fen").label("commission_fen"),
            of("return", "value_fen").label("returns_fen"),
            of("return", "commission_fen").label("clawback_fen"),
            of("payment", "amount_fen").label("payments_fen"),
            of("bounced", "amount_fen").label("bounced_fen"),
            of("adjustment", "amount_fen").label("adjustments_fen"),
            of("other", "amount_fen").label("other_fen"),
        )
        .group_by(settlement_line.c.settlement_id)
        .subquery()
    )


def _unlike_its_lines() -> Select[Any]:
    sums = _sums_of_lines()
    names = [column.name for column in sums.c if column.name != "settlement_id"]
    differs = [settlement.c[name] != func.coalesce(sums.c[name], 0) for name in names]
    return (
        select(settlement.c.id.label("settlement"), settlement.c.starts_on)
        .outerjoin(sums, sums.c.settlement_id == settlement.c.id)
        .where(or_(*differs))
    )


def _does_not_follow() -> Select[Any]:
    """Closed months that do not begin where the one before ends, with what was owed then."""
    before = settlement.alias()
    return (
        select(settlement.c.id.label("settlement"), settlement.c.starts_on)
        .outerjoin(before, before.c.id == settlement.c.previous_id)
        .where(
            settlement.c.previous_id.is_not(None),
            or_(
                before.c.id.is_(None),
                before.c.party_id != settlement.c.party_id,
                before.c.ends_at != settlement.c.starts_at,
                before.c.closing_fen != settlement.c.opening_fen,
            ),
        )
    )


def _two_beginnings() -> Select[Any]:
    return (
        select(settlement.c.party_id.label("party"), func.count().label("beginnings"))
        .where(settlement.c.previous_id.is_(None))
        .group_by(settlement.c.party_id)
        .having(and_(func.count() > 1))
    )


def _changed_since(session: Session) -> list[Offence]:
    """Closed months that no longer read as they did when they were closed."""

    def changed() -> Any:
        for row in session.execute(select(settlement).order_by(settlement.c.id)).all():
            lines = session.execute(
                select(settlement_line)
                .where(settlement_line.c.settlement_id == row.id)
                .order_by(settlement_line.c.line)
            )
            sums = Sums(**{name: getattr(row, name) for name in Sums.__dataclass_fields__})
            read = [line_of_row(line) for line in lines]
            if digest_of(row.party_id, row.starts_on, sums, read) != row.digest:
                yield Offence(f"settlement {row.id}", {"starts_on": str(row.starts_on)})

    return first_of(changed())


SETTLEMENTS = (
    Invariant(
        "settlements_in_books",
        "每份已结账的结算单，期初期末等于账簿，合计等于明细，首尾相接。",
        "Each closed month is what the books say, is the sum of its lines and follows the last.",
        none_of(_unlike_the_books(), _unlike_its_lines(), _does_not_follow(), _two_beginnings()),
    ),
    Invariant(
        "settlements_unchanged",
        "已结账的结算单永不改变。",
        "A closed month reads as it did when it was closed.",
        _changed_since,
    ),
)
