"""What stock counts found otherwise than the books: by whom to be cleared up, and since when."""

from sqlalchemy import and_, select

from audit.inventory import face_of_batches
from audit.reports.report import Ask, Report
from core.db import Session
from core.sheets import Column, Sheet
from distribution.tables import difference_answer, party, stock_count, stock_difference
from vouchers.serials import batch_of, serial_text

_DIFFERENCES = (
    Column("counted_at", "Counted", "instant"),
    Column("party", "Party"),
    Column("difference", "Difference"),
    Column("kind", "Kind"),
    Column("face_fen", "Face", "fen"),
    Column("first_serial", "First serial"),
    Column("last_serial", "Last serial"),
    Column("cards", "Cards", "count"),
    Column("booked_stage", "Booked stage"),
    Column("owner", "Owner"),
    Column("days", "Days open", "count"),
    Column("answered_at", "Ended", "instant"),
    Column("note", "How"),
)


def _count_differences(session: Session, ask: Ask) -> Sheet:
    owner = party.alias("owner")
    rows = session.execute(
        select(
            stock_difference,
            stock_count.c.at,
            party.c.id.label("party_id"),
            party.c.code,
            owner.c.code.label("owner"),
            difference_answer.c.at.label("answered_at"),
            difference_answer.c.note,
        )
        .join(stock_count, stock_count.c.id == stock_difference.c.count_id)
        .join(party, party.c.id == stock_count.c.party_id)
        .join(owner, owner.c.id == stock_difference.c.owner_id)
        .outerjoin(
            difference_answer,
            and_(
                difference_answer.c.difference_id == stock_difference.c.id,
                difference_answer.c.at <= ask.as_of,
            ),
        )
        .where(stock_count.c.at <= ask.as_of)
        .order_by(stock_count.c.at, stock_difference.c.first_serial)
    )
    faces = face_of_batches(session)
    found = [
        (
            row.at,
            row.code,
            str(row.id),
            row.kind,
            faces.get(batch_of(row.first_serial)),
            serial_text(row.first_serial),
            serial_text(row.last_serial),
            row.last_serial - row.first_serial + 1,
            row.booked_stage,
            row.owner if ask.within is None or row.owner_id in ask.within else None,
            ((row.answered_at or ask.as_of) - row.at).days,
            row.answered_at,
            row.note,
        )
        for row in rows
        if ask.within is None or row.party_id in ask.within
    ]
    return Sheet("count differences", _DIFFERENCES, found)


REPORTS = (
    Report(
        name="count-differences",
        zh="盘点差异：责任方与账龄",
        en="What stock counts found otherwise than the books, who clears it up, since when.",
        make=_count_differences,
        of_parties=True,
    ),
)
