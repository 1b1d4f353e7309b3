"""Differences of stock counts: as each reader may see them, and how they end."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select

from core.db import Database, Session
from core.errors import InvalidInput
from core.sets import among, insert_new_rows, insert_rows
from core.text import clean
from distribution.errors import DifferenceAnswered, NotAnswered, PaperUnknown
from distribution.papers import MAX_PAGE, within_scope
from distribution.parties import subtree_ids
from distribution.ranges import covers, shared
from distribution.tables import (
    difference_answer,
    difference_movement,
    party,
    stock_count,
    stock_difference,
)
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.serials import SerialRange, batch_of, serial_text
from vouchers.tables import stock_movement


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Cards missing from a shelf, or found there unexpectedly, and where the books have them.

    `booked_stage` is None for serials that no card of ours has, and to a reader bound to a party
    for cards of others too: he is told of neither where they are nor where one lot ends.
    `answered_at` and `note` are set where it has ended.
    """

    id: int
    count_id: int
    kind: str
    first_serial: int
    last_serial: int
    booked_stage: str | None
    booked_holder: str | None
    owner: str | None
    answered_at: datetime | None
    note: str | None

    @property
    def cards(self) -> int:
        """How many cards it is about."""
        return self.last_serial - self.first_serial + 1


Seen = AbstractSet[int] | None
"""The parties that a reader may be told of; None: all."""


def differences_of(
    session: Session, which: ColumnElement[bool], seen: Seen, as_of: datetime | None = None
) -> list[Difference]:
    """Return the differences of these counts, by count and serial, as they stood at an instant."""
    return [_difference(group, seen) for group in _groups(session, which, seen, as_of)]


def seen_by(session: Session, actor: Actor) -> Seen:
    """Return the parties that an actor may be told of; None for all."""
    return None if actor.party_id is None else subtree_ids(session, actor.party_id)


def answer_difference(
    db: Database,
    actor: Actor,
    difference_id: int,
    note: str,
    movement_ids: Sequence[int] = (),
    recount_id: int | None = None,
) -> Difference:
    """End a difference, once for ever: name the moves since the count, or the later count.

    The moves together must cover all its cards; the later count of the same party must have no
    difference about them. Raises PaperUnknown, DifferenceAnswered, NotAnswered, InvalidInput.
    """
    require(actor, Permission.COUNT_STOCK)
    why = clean(note, "the note", 500)
    if (recount_id is None) == (not movement_ids) or len(movement_ids) > MAX_PAGE:
        raise InvalidInput("name the moves that cleared it up, or the later count")

    def work(session: Session) -> Difference:
        count = _count_of(session, actor, difference_id)
        group = _group(session, actor, count.id, difference_id)
        cards = SerialRange(group[0].first_serial, group[-1].last_serial)
        if recount_id is None:
            _check_moves(session, count.at, cards, movement_ids)
        else:
            _check_recount(session, count, cards, recount_id)
        answer = {
            "at": session.now,
            "member_id": actor.member_id,
            "note": why,
            "recount_id": recount_id,
        }
        open_ids = [row.id for row in group if row.answered_at is None]
        if not open_ids:
            raise DifferenceAnswered("this difference has ended before")
        _end(session, [answer | {"difference_id": row_id} for row_id in open_ids])
        links = [
            {"difference_id": row_id, "movement_id": movement_id}
            for row_id in open_ids
            for movement_id in sorted(set(movement_ids))
        ]
        insert_rows(session, difference_movement, links)
        subject = f"difference:{group[0].id}"
        events.record(session, actor, "stock.difference_answered", subject, note=why)
        seen = seen_by(session, actor)
        return _difference(_group(session, actor, count.id, difference_id), seen)

    return db.transact(work)


def _end(session: Session, answers: Sequence[dict[str, Any]]) -> None:
    def all_new(ended: int) -> None:
        if ended != len(answers):
            raise DifferenceAnswered("this difference has ended before")

    insert_new_rows(session, difference_answer, answers, all_new)


def _groups(
    session: Session, which: ColumnElement[bool], seen: Seen, as_of: datetime | None = None
) -> list[list[Row[Any]]]:
    """The stored differences of counts, those together that are one to the reader."""
    answered = difference_answer.c.difference_id == stock_difference.c.id
    if as_of is not None:
        answered = and_(answered, difference_answer.c.at <= as_of)
    counted, holder, owner = party.alias("counted"), party.alias("holder"), party.alias("owner")
    rows = session.execute(
        select(
            stock_difference,
            counted.c.code.label("counted"),
            holder.c.code.label("holder"),
            owner.c.code.label("owner"),
            difference_answer.c.at.label("answered_at"),
            difference_answer.c.note,
        )
        .join(stock_count, stock_count.c.id == stock_difference.c.count_id)
        .join(counted, counted.c.id == stock_count.c.party_id)
        .outerjoin(holder, holder.c.id == stock_difference.c.booked_holder_id)
        .join(owner, owner.c.id == stock_difference.c.owner_id)
        .outerjoin(difference_answer, answered)
        .where(which)
        .order_by(stock_difference.c.count_id, stock_difference.c.first_serial)
    )
    found: list[list[Row[Any]]] = []
    for row in rows:
        if found and _one_to_reader(found[-1][-1], row, seen):
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _one_to_reader(left: Row[Any], right: Row[Any], seen: Seen) -> bool:
    """Whether a reader is shown one difference for both: not where the lots of others end."""
    return (
        _is_foreign(left, seen)
        and _is_foreign(right, seen)
        and left.count_id == right.count_id
        and left.last_serial + 1 == right.first_serial
        and batch_of(left.last_serial) == batch_of(right.first_serial)
    )


def _is_foreign(row: Row[Any], seen: Seen) -> bool:
    """Whether its cards are neither held by a party that the reader sees nor on the way to one."""
    if seen is None:
        return False
    return row.booked_stage is None or seen.isdisjoint((row.booked_holder_id, row.owner_id))


def _difference(group: Sequence[Row[Any]], seen: Seen) -> Difference:
    first, last = group[0], group[-1]
    foreign = _is_foreign(first, seen)
    ended = [row for row in group if row.answered_at is not None]
    end = max(ended, key=lambda row: row.answered_at) if len(ended) == len(group) else None

    def named(party_id: int | None, code: str | None) -> str | None:
        return code if seen is None or party_id in seen else None

    return Difference(
        id=first.id,
        count_id=first.count_id,
        kind=first.kind,
        first_serial=first.first_serial,
        last_serial=last.last_serial,
        booked_stage=None if foreign else first.booked_stage,
        booked_holder=named(first.booked_holder_id, first.holder),
        owner=first.counted if foreign else named(first.owner_id, first.owner),
        answered_at=end.answered_at if end else None,
        note=end.note if end else None,
    )


def _count_of(session: Session, actor: Actor, difference_id: int) -> Row[Any]:
    query = (
        select(stock_count)
        .join(stock_difference, stock_count.c.id == stock_difference.c.count_id)
        .where(stock_difference.c.id == difference_id)
    )
    condition = within_scope(session, actor, stock_count.c.party_id)
    if condition is not None:
        query = query.where(condition)
    row = session.execute(query).one_or_none()
    if row is None:
        raise PaperUnknown("there is no such difference")
    return row


def _group(session: Session, actor: Actor, count_id: int, difference_id: int) -> list[Row[Any]]:
    groups = _groups(session, stock_count.c.id == count_id, seen_by(session, actor))
    return next(group for group in groups if any(row.id == difference_id for row in group))


def _check_moves(
    session: Session, since: datetime, cards: SerialRange, movement_ids: Sequence[int]
) -> None:
    moved = stock_movement.c
    rows = session.execute(
        select(moved.first_serial, moved.last_serial).where(
            among(moved.id, "ids"), moved.at >= since
        ),
        {"ids": sorted(set(movement_ids))},
    )
    if not covers([SerialRange(first, last) for first, last in rows], cards):
        raise NotAnswered(
            "the moves since the count do not cover all cards of the difference",
            first_serial=serial_text(cards.first),
            last_serial=serial_text(cards.last),
        )


def _check_recount(session: Session, row: Row[Any], cards: SerialRange, recount_id: int) -> None:
    later = session.execute(
        select(stock_count.c.id).where(
            stock_count.c.id == recount_id,
            stock_count.c.party_id == row.party_id,
            stock_count.c.at > row.at,
        )
    ).one_or_none()
    differs = session.execute(
        select(stock_difference.c.first_serial, stock_difference.c.last_serial).where(
            stock_difference.c.count_id == recount_id
        )
    )
    if later is None or shared([SerialRange(first, last) for first, last in differs], [cards]):
        raise NotAnswered("name a later count of the same party that has no such difference")
