"""Which cards travel in which consignment: its lines, and the movements with its number."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from core.db import Session
from core.errors import InvalidInput
from core.numbers import is_paper_number
from distribution.errors import InConsignment
from distribution.paper_tables import consignment, consignment_line
from distribution.ranges import Ranges, joined, shared, without
from distribution.requests import MoveOrder
from vouchers.serials import SerialRange, serial_text
from vouchers.tables import stock_movement

SENDING = ("dispatch", "transfer", "return")
"""The moves that send; each is also a kind of consignment."""

ENDING = ("receive", "void")
"""The moves that end a card's way in a consignment."""


def lines_of(session: Session, consignment_id: int) -> Ranges:
    """Return the ranges of a consignment, sorted."""
    line = consignment_line.c
    rows = session.execute(
        select(line.first_serial, line.last_serial)
        .where(line.consignment_id == consignment_id)
        .order_by(line.first_serial)
    )
    return [SerialRange(*row) for row in rows]


def outstanding(session: Session, number: str, lines: Sequence[SerialRange]) -> Ranges:
    """Return the cards of a sent consignment that are still on the way in it.

    Only final while the caller holds the consignment, or the lots of the cards.
    """
    return without(lines, moved_ranges(session, number, lines, ENDING))


def moved_ranges(
    session: Session, number: str, lines: Iterable[SerialRange], moves: Sequence[str]
) -> Ranges:
    """Return the cards that these moves moved under a consignment's number."""
    moved = stock_movement.c
    rows = session.execute(
        select(moved.first_serial, moved.last_serial).where(
            moved.batch_id.in_({item.batch_id for item in lines}),
            moved.document == number,
            moved.move.in_(moves),
        )
    )
    return joined(SerialRange(*row) for row in rows)


def check_papers(session: Session, order: MoveOrder) -> None:
    """Raise where a move by hand would get in the way of consignments; its lots are locked.

    InvalidInput for a document that only the program writes; InConsignment for cards on the way in
    a consignment, which are received, or made void, by its own papers.
    """
    if order.document is not None and is_paper_number(order.document):
        raise InvalidInput("numbers of this form are given by the program alone")
    if order.move.name not in ENDING:
        return
    for number, lines in _sent_with(session, order.cards):
        found = shared(outstanding(session, number, lines), [order.cards])
        if found:
            raise InConsignment(
                f"the cards are on the way in {number}; receive them there",
                consignment=number,
                first_serial=serial_text(found[0].first),
            )


def _sent_with(session: Session, cards: SerialRange) -> list[tuple[str, Ranges]]:
    line = consignment_line.c
    rows = session.execute(
        select(consignment.c.number, line.first_serial, line.last_serial)
        .join(consignment, consignment.c.id == line.consignment_id)
        .where(
            line.batch_id == cards.batch_id,
            line.first_serial <= cards.last,
            line.last_serial >= cards.first,
            consignment.c.state == "sent",
        )
        .order_by(consignment.c.number)
    )
    found: dict[str, Ranges] = {}
    for row in rows:
        found.setdefault(row.number, []).append(SerialRange(row.first_serial, row.last_serial))
    return list(found.items())
