"""Where cards are redeemed: by channel and region, and out of the territory they were sold for."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.sql.selectable import FromClause

from accounts.tables import account_region_change, electricity_account
from audit.history import Piece
from audit.pieces import all_pieces
from audit.reports.report import Ask, Report
from core.db import Session
from core.sheets import Column, Sheet, Value
from distribution.tables import party
from redemption.tables import redemption
from vouchers.serials import serial_text

_AT_ONCE = 5_000
_NOWHERE = ("", "-")


def is_out_of_territory(sold_for: str | None, used_in: str | None) -> bool:
    """Tell whether a card sold for one region was used in another; unknown regions are neither.

    Region codes name parts by longer codes: 420106 lies in 4201, and a shop of 420106 may sell to
    all of 4201's accounts that say no more. Pure.
    """
    if sold_for is None or used_in is None or sold_for in _NOWHERE or used_in in _NOWHERE:
        return False
    return not (used_in.startswith(sold_for) or sold_for.startswith(used_in))


def _redemptions(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("channel", "Channel"),
        Column("region", "Region"),
        Column("face_fen", "Face", "fen"),
        Column("cards", "Redeemed", "count"),
        Column("value_fen", "Value", "fen"),
    )
    table, region = _with_region(ask)
    key = (redemption.c.channel, func.coalesce(region, ""), redemption.c.face_fen)
    found = session.execute(
        select(*key, func.count(), func.sum(redemption.c.face_fen))
        .select_from(table)
        .where(*_recorded(ask))
        .group_by(*key)
        .order_by(*key)
    )
    rows = [
        (channel, where, face, int(cards), int(fen)) for channel, where, face, cards, fen in found
    ]
    return Sheet("redemptions", columns, rows)


def _out_of_territory(session: Session, ask: Ask) -> Sheet:
    columns = (
        Column("at", "Redeemed", "instant"),
        Column("serial", "Serial"),
        Column("face_fen", "Face", "fen"),
        Column("sold_by", "Sold by"),
        Column("sold_by_name", "Name"),
        Column("sold_for", "Sold for region"),
        Column("used_in", "Used in region"),
        Column("channel", "Channel"),
        Column("account_tail", "Account ends with"),
        Column("receipt_number", "Receipt"),
    )
    return Sheet("out of territory", columns, _foreign(session, ask))


def _foreign(session: Session, ask: Ask) -> Iterator[tuple[Value, ...]]:
    pieces = [p for p in all_pieces(session, ask.as_of, ask.progress) if p.activated_on is not None]
    starts = [piece.first for piece in pieces]
    sellers = {
        row.id: row
        for row in session.execute(select(party.c.id, party.c.code, party.c.name, party.c.region))
    }
    for row in _used(session, ask):
        place = bisect_right(starts, row.serial) - 1
        seller = _seller(pieces, place, row.serial, sellers)
        if seller is not None and is_out_of_territory(seller.region, row.region):
            yield (
                row.at,
                serial_text(row.serial),
                row.face_fen,
                seller.code,
                seller.name,
                seller.region,
                row.region,
                row.channel,
                row.account_number[-4:],
                row.receipt_number,
            )


def _seller(pieces: list[Piece], place: int, serial: int, sellers: dict[int, Any]) -> Any:
    if place < 0 or serial > pieces[place].last:
        return None
    return sellers[pieces[place].holder_id]


def _used(session: Session, ask: Ask) -> Iterator[Any]:
    """The redemptions of the period whose account has a region, by serial, some at a time."""
    table, region = _with_region(ask)
    query = (
        select(
            redemption.c.serial,
            redemption.c.at,
            redemption.c.face_fen,
            redemption.c.channel,
            redemption.c.account_number,
            redemption.c.receipt_number,
            region.label("region"),
        )
        .select_from(table)
        .where(*_recorded(ask), region.is_not(None))
        .order_by(redemption.c.at, redemption.c.serial)
        .execution_options(yield_per=_AT_ONCE)
    )
    yield from session.execute(query)


def _recorded(ask: Ask) -> tuple[ColumnElement[bool], ...]:
    until = redemption.c.at <= ask.as_of
    return (until,) if ask.since is None else (until, redemption.c.at >= ask.since)


def _with_region(ask: Ask) -> tuple[FromClause, ColumnElement[Any]]:
    """Redemptions with their accounts, and the region that each account had at the instant."""
    change = account_region_change
    first = (
        select(change.c.account_number, func.min(change.c.at).label("at"))
        .where(change.c.at > ask.as_of)
        .group_by(change.c.account_number)
        .subquery("first_change")
    )
    account = electricity_account.c
    table = (
        redemption.join(electricity_account, account.number == redemption.c.account_number)
        .outerjoin(first, first.c.account_number == redemption.c.account_number)
        .outerjoin(
            change,
            and_(change.c.account_number == first.c.account_number, change.c.at == first.c.at),
        )
    )
    region = case((first.c.at.is_not(None), change.c.region_before), else_=account.region)
    return table, region


REPORTS = (
    Report(
        name="redemptions",
        zh="充值：按渠道、地区、面值",
        en="Redemptions by channel, region of the account, and face.",
        make=_redemptions,
        has_period=True,
    ),
    Report(
        name="out-of-territory",
        zh="窜货：为一地激活，在另一地充值",
        en="Cards activated for one region and redeemed in another.",
        make=_out_of_territory,
        has_period=True,
    ),
)
