"""Stock counts: what was found on a shelf against the books, as documents.

A count never changes a lot. What differs is listed with the party that has to clear it up, and ends
by moves made since (received, sent, put on hold, void), or by a later count that agrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from core.db import Database, Session
from core.errors import InvalidInput
from core.sets import insert_rows, range_values, ranges
from core.text import clean
from distribution.differences import Difference, differences_of, seen_by
from distribution.errors import PaperUnknown
from distribution.papers import MAX_PAGE, check_same, content_digest, within_scope
from distribution.parties import party_by_code, require_scope
from distribution.ranges import Ranges, card_count, joined, without
from distribution.scans import Scan, parse_scan
from distribution.tables import (
    party,
    stock_count,
    stock_count_line,
    stock_difference,
)
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.queries import clip_to_batches
from vouchers.serials import SerialRange
from vouchers.tables import lot

MAX_SCANS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A count sheet with its differences."""

    id: int
    party_code: str
    at: datetime
    note: str | None
    expected_cards: int
    found_cards: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Booked:
    cards: SerialRange
    stage: str
    holder_id: int
    receiver_id: int | None


def record_count(
    db: Database,
    actor: Actor,
    party_code: str,
    scans: Sequence[str],
    reference: str,
    note: str | None = None,
) -> Count:
    """Record what was found on a party's shelf: cards, packs, cartons or ranges as scanned.

    Once for a reference of the actor's; sent again it returns what is stored. Cards are expected
    where the books have them in stock, on hold or not. Raises PartyUnknown, NotHolder,
    ScanUnreadable, SerialInvalid, RequestConflict, InvalidInput.
    """
    require(actor, Permission.COUNT_STOCK)
    if len(scans) > MAX_SCANS:
        raise InvalidInput(f"a count holds at most {MAX_SCANS} scans")
    named = [parse_scan(scan) for scan in scans]
    about = None if note is None else clean(note, "the note", 500)
    content = [str(r) for r in joined(scan.cards for scan in named)]
    digest = content_digest({"party": party_code, "found": content, "note": about})
    head = {
        "reference": clean(reference, "the reference", 128),
        "content_digest": digest,
        "note": about,
    }
    return db.transact(lambda session: _record(session, actor, party_code, named, head))


def read_count(session: Session, actor: Actor, count_id: int) -> Count:
    """Return a count; PaperUnknown too for one that the actor may not see."""
    found = _counts(session, actor, stock_count.c.id == count_id, 1)
    if not found:
        raise PaperUnknown("there is no such stock count")
    return found[0]


def list_counts(session: Session, actor: Actor, after_id: int = 0, limit: int = 50) -> list[Count]:
    """Return counts that the actor may see, those after an id, at most `limit` (1 to 500)."""
    return _counts(session, actor, stock_count.c.id > after_id, max(1, min(limit, MAX_PAGE)))


def _record(
    session: Session, actor: Actor, party_code: str, scans: Sequence[Scan], head: dict[str, Any]
) -> Count:
    counted = party_by_code(session, party_code)
    require_scope(session, actor, {counted.id})
    found = _found(session, scans)
    booked = _booked_there(session, counted.id)
    count_id = session.new_id()
    row = head | {
        "id": count_id,
        "party_id": counted.id,
        "at": session.now,
        "member_id": actor.member_id,
        "expected_cards": card_count(booked),
        "found_cards": card_count(found),
    }
    if session.execute(session.insert_new(stock_count), row).rowcount != 1:
        return _stored(session, actor, head)
    insert_rows(
        session,
        stock_count_line,
        [{"count_id": count_id, "first_serial": r.first, "last_serial": r.last} for r in found],
    )
    missing = [_Booked(r, "stocked", counted.id, None) for r in without(booked, found)]
    strange = without(found, booked)
    elsewhere = _booked_elsewhere(session, strange)
    rows = [_row(session, count_id, counted.id, "missing", item) for item in missing]
    rows += [_row(session, count_id, counted.id, "unexpected", item) for item in elsewhere]
    unknown = without(strange, [item.cards for item in elsewhere])
    rows += [_unknown(session, count_id, counted.id, cards) for cards in unknown]
    insert_rows(session, stock_difference, rows)
    events.record(
        session,
        actor,
        "stock.counted",
        f"party:{counted.id}",
        count_id=str(count_id),
        found=card_count(found),
        differences=len(rows),
    )
    return read_count(session, actor, count_id)


def _found(session: Session, scans: Sequence[Scan]) -> Ranges:
    """What was scanned; the label of a batch's last pack or carton reaches beyond its cards."""
    labels = clip_to_batches(session, [scan.cards for scan in scans if scan.is_label])
    return joined([*labels, *(scan.cards for scan in scans if not scan.is_label)])


def _stored(session: Session, actor: Actor, head: dict[str, Any]) -> Count:
    row = session.execute(
        select(
            stock_count.c.id, stock_count.c.content_digest, stock_count.c.reference.label("number")
        )
        .where(stock_count.c.member_id == actor.member_id)
        .where(stock_count.c.reference == head["reference"])
    ).one()
    check_same(row, head["content_digest"])
    return read_count(session, actor, row.id)


def _row(
    session: Session, count_id: int, party_id: int, kind: str, item: _Booked
) -> dict[str, Any]:
    """A difference; cards on the way belong to whom they go to, others to whose they should be."""
    return {
        "id": session.new_id(),
        "count_id": count_id,
        "kind": kind,
        "first_serial": item.cards.first,
        "last_serial": item.cards.last,
        "booked_stage": item.stage,
        "booked_holder_id": item.holder_id,
        "owner_id": party_id if kind == "missing" else item.receiver_id or item.holder_id,
    }


def _unknown(session: Session, count_id: int, party_id: int, cards: SerialRange) -> dict[str, Any]:
    nobody = _Booked(cards, "", party_id, None)
    row = _row(session, count_id, party_id, "unexpected", nobody)
    return row | {"booked_stage": None, "booked_holder_id": None}


def _booked_there(session: Session, party_id: int) -> Ranges:
    rows = session.execute(
        select(lot.c.first_serial, lot.c.last_serial).where(
            lot.c.holder_id == party_id, lot.c.stage == "stocked"
        )
    )
    return joined(SerialRange(first, last) for first, last in rows)


def _booked_elsewhere(session: Session, cards: Ranges) -> list[_Booked]:
    """Where the books have cards, piece by piece."""
    if not cards:
        return []
    given = ranges(session)
    rows = session.execute(
        select(lot, given.c.first, given.c.last).join(
            given, and_(lot.c.first_serial <= given.c.last, lot.c.last_serial >= given.c.first)
        ),
        range_values(session, [(item.first, item.last) for item in cards]),
    )
    return [
        _Booked(
            SerialRange(max(row.first_serial, row.first), min(row.last_serial, row.last)),
            row.stage,
            row.holder_id,
            row.in_transit_to,
        )
        for row in rows
    ]


def _counts(session: Session, actor: Actor, which: Any, limit: int) -> list[Count]:
    query = (
        select(stock_count, party.c.code)
        .join(party, party.c.id == stock_count.c.party_id)
        .where(which)
        .order_by(stock_count.c.id)
        .limit(limit)
    )
    condition = within_scope(session, actor, stock_count.c.party_id)
    rows = session.execute(query if condition is None else query.where(condition)).all()
    found: dict[int, list[Difference]] = {row.id: [] for row in rows}
    if rows:
        these = stock_count.c.id.in_(sorted(found))
        for item in differences_of(session, these, seen_by(session, actor)):
            found[item.count_id].append(item)
    return [
        Count(
            id=row.id,
            party_code=row.code,
            at=row.at,
            note=row.note,
            expected_cards=row.expected_cards,
            found_cards=row.found_cards,
            differences=tuple(found[row.id]),
        )
        for row in rows
    ]
