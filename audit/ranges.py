"""SQL over ranges of serials: cards are counted by arithmetic, used ones in the primary key."""

from typing import Any

from sqlalchemy import ColumnElement, FunctionElement, func, select
from sqlalchemy.sql.selectable import ScalarSelect

from redemption.tables import redemption
from vouchers.tables import lot, stock_movement, voucher_hold

lot_size = lot.c.last_serial - lot.c.first_serial + 1
movement_size = stock_movement.c.last_serial - stock_movement.c.first_serial + 1


def total(column: ColumnElement[Any]) -> FunctionElement[Any]:
    """Return the sum of a column, 0 where there are no rows."""
    return func.coalesce(func.sum(column), 0)


def used_cards(first: ColumnElement[int], last: ColumnElement[int]) -> ScalarSelect[int]:
    """Return the subquery of how many cards of an outer row's range are redeemed.

    A subquery for each range looks into the primary key; a join might try all ranges for each card.
    """
    return (
        select(func.count())
        .select_from(redemption)
        .where(redemption.c.serial.between(first, last))
        .scalar_subquery()
    )


def first_used_card(first: ColumnElement[int], last: ColumnElement[int]) -> ScalarSelect[int]:
    """Return the subquery of the first redeemed serial of an outer row's range, or NULL."""
    return (
        select(func.min(redemption.c.serial))
        .where(redemption.c.serial.between(first, last))
        .scalar_subquery()
    )


def replaced_cards(first: ColumnElement[int], last: ColumnElement[int]) -> ScalarSelect[int]:
    """Return the subquery of how many unused cards of an outer row's range are replaced.

    Other cards carry their value now.
    """
    return (
        select(func.count())
        .select_from(voucher_hold)
        .outerjoin(redemption, redemption.c.serial == voucher_hold.c.serial)
        .where(
            voucher_hold.c.serial.between(first, last),
            voucher_hold.c.hold == "replaced",
            redemption.c.serial.is_(None),
        )
        .scalar_subquery()
    )
