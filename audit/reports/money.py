"""Reports of money: the liability and its age, the books."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from accounts.ledger import LedgerCode
from accounts.tables import bill, journal_entry, posting
from audit.inventory import stock
from audit.liability import liability
from audit.reports.report import Ask, Report
from core.clock import local_day
from core.db import Session
from core.sheets import Column, Sheet, Value
from distribution.tables import party

AGES = (30, 90, 180, 365, 730, 1095)
"""Days since activation at which a new line of the ageing begins."""

_AT_ONCE = 1_000
_FACE = Column("face_fen", "Face", "fen")


def _liability(session: Session, ask: Ask) -> Sheet:
    columns = (_FACE, Column("cards", "Open cards", "count"), Column("value_fen", "Value", "fen"))
    found = liability(session, ask.as_of, ask.progress)
    facts: dict[str, Value] = {
        "cards": found.cards,
        "value_fen": found.value_fen,
        "ledger_fen": found.ledger_fen,
        "difference_fen": found.difference_fen,
    }
    rows = [(row.face_fen, row.cards, row.value_fen) for row in found.rows]
    return Sheet("liability", columns, rows, facts)


def _ageing(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("days_from", "Days since activation, from", "count"),
        Column("days_to", "to", "count"),
        _FACE,
        Column("cards", "Open cards", "count"),
        Column("value_fen", "Value", "fen"),
    )
    today = local_day(ask.as_of, session.zone)
    sums: dict[tuple[int, int], int] = {}
    for item in stock(session, ask.as_of, progress=ask.progress):
        if item.open_cards and item.piece.activated_on is not None:
            key = (_age_line(item.piece.activated_on, today), item.face_fen)
            sums[key] = sums.get(key, 0) + item.open_cards
    starts, ends = (0, *(days + 1 for days in AGES)), (*AGES, None)
    rows = [
        (starts[line], ends[line], face, sums[line, face], sums[line, face] * face)
        for line, face in sorted(sums)
    ]
    return Sheet("liability ageing", columns, rows)


def _age_line(activated_on: date, today: date) -> int:
    days = (today - activated_on).days
    return sum(days > limit for limit in AGES)


def _trial_balance(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("code", "Code"),
        Column("account", "Account"),
        Column("account_zh", "科目"),
        Column("kind", "Kind"),
        Column("debit_fen", "Debit", "fen"),
        Column("credit_fen", "Credit", "fen"),
        Column("balance_fen", "Debit less credit", "fen"),
    )
    debit, credit = (_totals(session, side, ask) for side in (posting.c.debit, posting.c.credit))
    rows = [
        (
            str(int(code)),
            code.en,
            code.zh,
            code.kind,
            debit.get(code, 0),
            credit.get(code, 0),
            debit.get(code, 0) - credit.get(code, 0),
        )
        for code in LedgerCode
    ]
    facts: dict[str, Value] = {
        "debit_fen": sum(debit.values()),
        "credit_fen": sum(credit.values()),
    }
    return Sheet("trial balance", columns, rows, facts)


def _totals(session: Session, side: Any, ask: Ask) -> dict[int, int]:
    rows = session.execute(
        select(side, func.sum(posting.c.amount_fen))
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(journal_entry.c.at <= ask.as_of)
        .group_by(side)
    )
    return {int(code): int(total) for code, total in rows}


def _journal(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("id", "Line"),
        Column("at", "Recorded", "instant"),
        Column("business_day", "Day", "date"),
        Column("entry", "Entry"),
        Column("event", "Event"),
        Column("reference", "Reference"),
        Column("reverses", "Reverses entry"),
        Column("debit", "Debit"),
        Column("debit_name", "Debit account"),
        Column("credit", "Credit"),
        Column("credit_name", "Credit account"),
        Column("amount_fen", "Amount", "fen"),
        Column("party", "Party"),
        Column("account_number", "Electricity account"),
        Column("bill_number", "Bill"),
    )
    return Sheet("journal", columns, _journal_rows(session, ask))


def _journal_rows(session: Session, ask: Ask) -> Iterator[tuple[Value, ...]]:
    """Read the lines as they are asked for, some at a time, by their ids."""
    after_id, left = ask.after_id, ask.limit
    while left is None or left > 0:
        count = _AT_ONCE if left is None else min(left, _AT_ONCE)
        rows = session.execute(_journal_page(ask, after_id).limit(count)).all()
        for row in rows:
            yield _journal_row(row)
        if len(rows) < count:
            return
        after_id, left = rows[-1].id, None if left is None else left - count


def _journal_page(ask: Ask, after_id: int) -> Select[Any]:
    entry = journal_entry.c
    query = (
        select(
            posting.c.id,
            entry.at,
            entry.business_day,
            posting.c.entry_id,
            entry.event,
            entry.reference,
            entry.reverses,
            posting.c.debit,
            posting.c.credit,
            posting.c.amount_fen,
            party.c.code,
            posting.c.account_number,
            bill.c.bill_number,
        )
        .join(journal_entry, entry.id == posting.c.entry_id)
        .outerjoin(party, party.c.id == posting.c.party_id)
        .outerjoin(bill, bill.c.id == posting.c.bill_id)
        .where(posting.c.id > after_id, entry.at <= ask.as_of)
        .order_by(posting.c.id)
    )
    return query if ask.since is None else query.where(entry.at >= ask.since)


def _journal_row(row: Any) -> tuple[Value, ...]:
    return (
        str(row.id),
        row.at,
        row.business_day,
        str(row.entry_id),
        row.event,
        row.reference,
        None if row.reverses is None else str(row.reverses),
        str(row.debit),
        LedgerCode(row.debit).en,
        str(row.credit),
        LedgerCode(row.credit).en,
        row.amount_fen,
        row.code,
        row.account_number,
        row.bill_number,
    )


REPORTS = (
    Report(
        name="liability",
        zh="卡负债：按面值，并与总账核对",
        en="What unused activated cards are worth, and what the ledger says.",
        make=_liability,
    ),
    Report(
        name="liability-ageing",
        zh="卡负债账龄：按激活天数",
        en="The liability by the days since activation.",
        make=_ageing,
    ),
    Report(
        name="trial-balance",
        zh="试算平衡表",
        en="The totals of every account of the chart.",
        make=_trial_balance,
    ),
    Report(
        name="journal",
        zh="日记账",
        en="Every posting with its entry, in the order in which they were written.",
        make=_journal,
        has_period=True,
        has_pages=True,
    ),
)
