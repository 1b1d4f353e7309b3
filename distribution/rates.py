"""At which price each card was sold: told by the last movement that posted money for it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, select

from core.db import Session
from vouchers.movements import Price, Step, latest
from vouchers.serials import SerialRange
from vouchers.tables import stock_movement


@dataclass(frozen=True, slots=True)
class Sold:
    """The last movement with money of some cards.

    After `activate` their value is in the voucher liability, after `return` in returns clearing;
    after any other it is with the party again.
    """

    move: str
    price: Price


def load_sold(session: Session, cards: SerialRange) -> list[tuple[SerialRange, Sold]]:
    """Cut a range by the price each card was sold at; cards never sold are left out.

    Only final while the caller holds the lots of the range.
    """
    rows = session.execute(
        select(stock_movement)
        .where(
            stock_movement.c.batch_id == cards.batch_id,
            stock_movement.c.price_fen.is_not(None),
            stock_movement.c.first_serial <= cards.last,
            stock_movement.c.last_serial >= cards.first,
        )
        .order_by(stock_movement.c.version)
    )
    return latest(cards, [(row.first_serial, row.last_serial, _sold(row)) for row in rows])


def price_steps(steps: Sequence[Step], sold: Sequence[tuple[SerialRange, Sold]]) -> list[Step]:
    """Cut sorted steps at the borders of sorted prices, and give each piece its price. Pure."""
    priced: list[Step] = []
    index = 0
    for step in steps:
        first, last = step.after.first_serial, step.after.last_serial
        while index < len(sold) and sold[index][0].last < first:
            index += 1
        for cards, item in _overlapping(sold, index, last):
            if cards.first > first:
                priced.append(step.clip(first, cards.first - 1))
            first, stop = max(first, cards.first), min(last, cards.last)
            priced.append(replace(step.clip(first, stop), price=item.price))
            first = stop + 1
        if first <= last:
            priced.append(step.clip(first, last))
    return priced


def price_in_turn(steps: Sequence[Step], prices: Sequence[tuple[int, Price]]) -> list[Step]:
    """Give the cards of the steps, one after the other, so many of each price. Pure.

    The steps are cut where a price ends; together the prices count as many cards as the steps.
    """
    priced: list[Step] = []
    waiting = list(prices)
    for step in steps:
        first, last = step.after.first_serial, step.after.last_serial
        while first <= last:
            left, price = waiting[0]
            stop = min(last, first + left - 1)
            priced.append(replace(step.clip(first, stop), price=price))
            waiting[:1] = [(left - (stop - first + 1), price)] if stop - first + 1 < left else []
            first = stop + 1
    return priced


def count_unspent(cards: SerialRange, spent: Sequence[int]) -> int:
    """Count the cards of a range that are not among the sorted spent serials. Pure."""
    return cards.count - (bisect_right(spent, cards.last) - bisect_left(spent, cards.first))


def _overlapping(
    sold: Sequence[tuple[SerialRange, Sold]], index: int, last: int
) -> list[tuple[SerialRange, Sold]]:
    found = []
    while index < len(sold) and sold[index][0].first <= last:
        found.append(sold[index])
        index += 1
    return found


def _sold(row: Row[Any]) -> Sold:
    price = Price(
        owing_party_id=row.owing_party_id,
        price_fen=row.price_fen,
        commission_fen=row.commission_fen,
    )
    return Sold(row.move, price)
