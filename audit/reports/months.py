"""The months: what was activated, taken back and redeemed, and what will probably stay open."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from audit.as_of import day_start
from audit.breakage import METHOD, Cohort, breakage_fen
from audit.inventory import face_of_batches, stock
from audit.ranges import movement_size
from audit.reports.report import Ask, Report
from core.clock import local_day
from core.db import Session
from core.sheets import Column, Sheet
from redemption.tables import redemption
from vouchers.tables import stock_movement

_moved = stock_movement.c
_Counts = dict[date, tuple[int, int]]
"""Cards and their value in fen, by the first day of a month."""

_COLUMNS = (
    Column("month", "Month"),
    Column("activated_cards", "Activated", "count"),
    Column("activated_fen", "Activated value", "fen"),
    Column("taken_back_cards", "Taken back", "count"),
    Column("taken_back_fen", "Taken back value", "fen"),
    Column("redeemed_cards", "Redeemed", "count"),
    Column("redeemed_fen", "Redeemed value", "fen"),
    Column("cohort_cards", "Of this month's cards: sold", "count"),
    Column("cohort_fen", "sold value", "fen"),
    Column("cohort_used_cards", "used since", "count"),
    Column("cohort_open_cards", "open", "count"),
    Column("cohort_open_fen", "open value", "fen"),
    Column("breakage_fen", "Breakage estimate", "fen"),
)


def _months(session: Session, ask: Ask) -> Sheet:
    activated, taken_back = _moves(session, ask)
    cohorts = _cohorts(session, ask)
    last = _month(local_day(ask.as_of, session.zone))
    known = [*activated, *taken_back, *cohorts, *_first_redemption(session, ask)]
    months = list(_months_between(min(known, default=last), last))
    redeemed = dict(_redeemed(session, ask, months))
    ages = [_months_apart(month, last) for month in months]
    none = (0, 0, 0, 0, 0)
    breakage = breakage_fen(
        [
            Cohort(age, cohorts.get(month, none)[1], cohorts.get(month, none)[4])
            for month, age in zip(months, ages, strict=True)
        ]
    )
    rows = [
        (
            f"{month:%Y-%m}",
            *activated.get(month, (0, 0)),
            *taken_back.get(month, (0, 0)),
            *redeemed.get(month, (0, 0)),
            *cohorts.get(month, none),
            estimate,
        )
        for month, estimate in zip(months, breakage, strict=True)
    ]
    return Sheet("months", _COLUMNS, rows, {"breakage_method": METHOD})


def _moves(session: Session, ask: Ask) -> tuple[_Counts, _Counts]:
    """What became active, and what was taken back or made void, by month."""
    rows = session.execute(
        select(_moved.at, _moved.batch_id, _moved.to_stage, _moved.from_stage, movement_size).where(
            _moved.at <= ask.as_of, or_(_moved.to_stage == "active", _moved.from_stage == "active")
        )
    )
    faces = face_of_batches(session)
    activated: _Counts = {}
    taken_back: _Counts = {}
    for at, batch_id, to_stage, from_stage, cards in rows:
        if to_stage != from_stage:  # else it was put on hold or released
            counts = activated if to_stage == "active" else taken_back
            month = _month(local_day(at, session.zone))
            had = counts.get(month, (0, 0))
            counts[month] = (had[0] + cards, had[1] + cards * faces[batch_id])
    return activated, taken_back


def _cohorts(session: Session, ask: Ask) -> dict[date, tuple[int, int, int, int, int]]:
    """Cards still sold by the month of their activation: cards, fen, used, open, open fen."""
    found: dict[date, tuple[int, int, int, int, int]] = {}
    for item in stock(session, ask.as_of, progress=ask.progress):
        if item.piece.stage == "active" and item.piece.activated_on is not None:
            month = _month(item.piece.activated_on)
            cards, fen, used, unused, open_fen = found.get(month, (0, 0, 0, 0, 0))
            found[month] = (
                cards + item.piece.cards,
                fen + item.piece.cards * item.face_fen,
                used + item.used,
                unused + item.open_cards,
                open_fen + item.open_cards * item.face_fen,
            )
    return found


def _first_redemption(session: Session, ask: Ask) -> list[date]:
    first: datetime | None = session.execute(
        select(func.min(redemption.c.at)).where(redemption.c.at <= ask.as_of)
    ).scalar_one()
    return [] if first is None else [_month(local_day(first, session.zone))]


def _redeemed(
    session: Session, ask: Ask, months: list[date]
) -> Iterator[tuple[date, tuple[int, int]]]:
    for place, month in enumerate(months, 1):
        start, end = _bounds(month, session.zone)
        counts = select(func.count(), func.coalesce(func.sum(redemption.c.face_fen), 0)).where(
            redemption.c.at >= start, redemption.c.at < end, redemption.c.at <= ask.as_of
        )
        cards, fen = session.execute(counts).one()
        yield month, (int(cards), int(fen))
        if ask.progress is not None:
            ask.progress(place, len(months))


def _bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return day_start(month, zone), day_start(_next(month), zone)


def _months_between(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = _next(first)


def _month(day: date) -> date:
    return day.replace(day=1)


def _next(month: date) -> date:
    return _month(month + timedelta(days=31))


def _months_apart(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


REPORTS = (
    Report(
        name="months",
        zh="逐月激活、充值与沉淀估计",
        en="Activations, redemptions and estimated breakage by month; never booked.",
        make=_months,
    ),
)
