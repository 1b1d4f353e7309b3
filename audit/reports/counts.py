"""What stock counts found otherwise than the books: by whom to be cleared up, and since when."""

from sqlalchemy import and_, select

from audit.inventory import face_of_batches
from audit.reports.report import Ask, Report
from core.db import Session
from core.sheets import Column, Sheet
from distribution.differences import differences_of
from distribution.tables import party, stock_count
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
    which = stock_count.c.at <= ask.as_of
    if ask.within is not None:
        which = and_(which, stock_count.c.party_id.in_(sorted(ask.within)))
    counts = session.execute(
        select(stock_count.c.id, stock_count.c.at, party.c.code)
        .join(party, party.c.id == stock_count.c.party_id)
        .where(which)
    )
    by_id = {row.id: row for row in counts}
    faces = face_of_batches(session)
    found = [
        (
            by_id[item.count_id].at,
            by_id[item.count_id].code,
            str(item.id),
            item.kind,
            faces.get(batch_of(item.first_serial)) if item.booked_stage else None,
            serial_text(item.first_serial),
            serial_text(item.last_serial),
            item.cards,
            item.booked_stage,
            item.owner,
            ((item.answered_at or ask.as_of) - by_id[item.count_id].at).days,
            item.answered_at,
            item.note,
        )
        for item in differences_of(session, which, ask.within, ask.as_of)
    ]
    return Sheet("count differences", _DIFFERENCES, sorted(found, key=lambda row: (row[0], row[5])))


REPORTS = (
    Report(
        name="count-differences",
        zh="盘点差异：责任方与账龄",
        en="What stock counts found otherwise than the books, who clears it up, since when.",
        make=_count_differences,
        of_parties=True,
    ),
)
