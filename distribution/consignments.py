"""Consignments: cards set apart for one receiver (draft), before they are sent.

A consignment is drawn up from an approved order, or from named ranges: to a child, to a sibling
(transfer), or back to the parent (return).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Database, Session
from core.errors import InvalidInput
from core.numbers import paper_number
from core.text import clean
from distribution import papers
from distribution.allocation import Stock, allocate, free_of
from distribution.consigned import lines_of, outstanding
from distribution.errors import NotAChild, NotTheParent
from distribution.paper_tables import (
    consignment,
    consignment_line,
    stock_order,
    stock_order_line,
)
from distribution.parties import Party, party_by_code, party_by_id, require_scope
from distribution.ranges import Ranges, card_count, joined
from distribution.tables import party
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.queries import check_batches
from vouchers.serials import SerialRange, parse_range, serial_text
from vouchers.tables import batch, denomination, lot, voucher_hold

MAX_RANGES = 1_000
PARTIES = (consignment.c.sender_id, consignment.c.receiver_id)

PERMISSIONS = {
    "dispatch": Permission.DISPATCH,
    "transfer": Permission.TRANSFER,
    "return": Permission.RETURN_STOCK,
}
"""What drawing up and sending each kind takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A range of a consignment and the face value of its cards."""

    cards: SerialRange
    face_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """A consignment; `state` is draft, sent, closed or cancelled.

    `outstanding` is the number of its cards that are still on the way, 0 while it is a draft.
    """

    id: int
    number: str
    kind: str
    sender: str
    receiver: str
    state: str
    order: str | None
    reference: str | None
    reason: str | None
    created_at: datetime
    sent_at: datetime | None
    closed_at: datetime | None
    approval_id: int | None
    lines: tuple[Line, ...]
    outstanding: int

    @property
    def cards(self) -> int:
        """How many cards it holds."""
        return card_count(line.cards for line in self.lines)

    @property
    def face_value_fen(self) -> int:
        """What its cards are worth, in fen."""
        return sum(line.cards.count * line.face_fen for line in self.lines)


def allocate_order(db: Database, actor: Actor, number: str) -> Consignment:
    """Set cards of the supplier's stock apart for an approved order; return the draft.

    Raises PaperUnknown, PaperStateWrong (also where a consignment is drawn up already), NotHolder,
    NotEnoughStock.
    """
    require(actor, Permission.DISPATCH)

    def work(session: Session) -> Consignment:
        sides = (stock_order.c.buyer_id, stock_order.c.supplier_id)
        order = papers.find(session, actor, stock_order, number, sides, lock=True)
        require_scope(session, actor, {order.supplier_id})
        papers.check_state(order, "approved")
        _check_not_drawn_up(session, order)
        _lock_party(session, order.supplier_id)
        ranges = _allocate(session, order)
        row = {"kind": "dispatch", "order_id": order.id, "sender_id": order.supplier_id}
        made = _insert(session, actor, row | {"receiver_id": order.buyer_id}, ranges)
        return read_consignment(session, actor, str(made))

    return db.transact(work)


def draw_up(
    db: Database,
    actor: Actor,
    kind: str,
    ranges: Sequence[tuple[str, str]],
    reference: str,
    sender_code: str | None = None,
    receiver_code: str | None = None,
    reason: str | None = None,
) -> Consignment:
    """Set named ranges apart for a dispatch, transfer or return; once for each reference.

    Whether the cards may go is checked when they are sent. Raises InvalidInput, PartyUnknown,
    NotHolder, NotAChild, NotTheParent, BatchUnknown, RequestConflict, and as SerialRange does.
    """
    if kind not in PERMISSIONS:
        raise InvalidInput(f"a consignment is one of {', '.join(PERMISSIONS)}")
    require(actor, PERMISSIONS[kind])
    known_as = clean(reference, "the reference", 128)
    why = None if reason is None else clean(reason, "the reason", 500)
    if not 1 <= len(ranges) <= MAX_RANGES:
        raise InvalidInput(f"name 1 to {MAX_RANGES} ranges")
    cards = _apart([parse_range(first, last) for first, last in ranges])

    def work(session: Session) -> Consignment:
        sender = _sender(session, actor, sender_code)
        receiver = _receiver(session, kind, sender, receiver_code)
        check_batches(session, cards)
        content = [kind, sender.code, receiver.code, why, [[c.first, c.last] for c in cards]]
        digest = papers.content_digest(content)
        row = {"kind": kind, "sender_id": sender.id, "receiver_id": receiver.id, "reason": why}
        row |= {"reference": known_as, "content_digest": digest}
        made = _known(session, actor, row) or _insert(session, actor, row, cards)
        made = made or _known(session, actor, row)  # somebody was quicker with the same reference
        return read_consignment(session, actor, str(made))

    return db.transact(work)


def cancel_consignment(db: Database, actor: Actor, number: str, reason: str) -> Consignment:
    """Give the cards of a draft free again; its order can be allocated anew.

    Raises PaperUnknown, PaperStateWrong, NotHolder.
    """
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Consignment:
        row = papers.find(session, actor, consignment, number, PARTIES, lock=True)
        require(actor, PERMISSIONS[row.kind])
        require_scope(session, actor, {row.sender_id})
        papers.check_state(row, "draft")
        values = {"state": "cancelled", "closed_at": session.now, "reason": why}
        session.execute(consignment.update().where(consignment.c.id == row.id).values(values))
        events.record(session, actor, "consignment.cancelled", subject(number), reason=why)
        return read_consignment(session, actor, number)

    return db.transact(work)


def read_consignment(session: Session, actor: Actor, number: str) -> Consignment:
    """Return a consignment that the actor is a side of; raises PaperUnknown."""
    require(actor, Permission.VIEW_TRADE)
    found = papers.find(session, actor, consignment, number, PARTIES)
    row = session.execute(_query().where(consignment.c.id == found.id)).one()
    return _consignment(session, row)


def list_consignments(
    session: Session,
    actor: Actor,
    state: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Consignment]:
    """Return the consignments from or to the actor's party or one below, by id."""
    require(actor, Permission.VIEW_TRADE)
    query = _query()
    condition = papers.within_scope(session, actor, *PARTIES)
    if condition is not None:
        query = query.where(condition)
    if state is not None:
        query = query.where(consignment.c.state == state)
    rows = papers.page(session, query, consignment, after_id, limit)
    return [_consignment(session, row) for row in rows]


def subject(number: str) -> str:
    """Return the name under which the event log keeps a consignment."""
    return f"consignment:{number}"


def insert_lines(session: Session, consignment_id: int, ranges: Iterable[SerialRange]) -> None:
    """Write the ranges of a consignment."""
    rows = [
        {
            "consignment_id": consignment_id,
            "first_serial": item.first,
            "last_serial": item.last,
            "batch_id": item.batch_id,
        }
        for item in ranges
    ]
    session.execute(consignment_line.insert(), rows)


def _check_not_drawn_up(session: Session, order: Row[Any]) -> None:
    drawn_up = session.execute(
        select(consignment.c.number, consignment.c.state).where(
            consignment.c.order_id == order.id, consignment.c.state != "cancelled"
        )
    ).one_or_none()
    if drawn_up is not None:
        papers.check_state(drawn_up, "cancelled")


def _lock_party(session: Session, party_id: int) -> None:
    # So that two drafts at once never set the same cards apart.
    query = select(party.c.id).where(party.c.id == party_id)
    session.execute(query.with_for_update(key_share=True))


def _allocate(session: Session, order: Row[Any]) -> Ranges:
    reserved = _reserved(session, order.supplier_id)
    line = stock_order_line.c
    rows = session.execute(
        select(line.denomination_id, line.approved_count)
        .where(line.order_id == order.id, line.approved_count > 0)
        .order_by(line.denomination_id)
    ).all()
    found: Ranges = []
    for row in rows:
        stock = free_of(_stock(session, order.supplier_id, row.denomination_id), reserved)
        found += allocate(stock, row.approved_count)
    return sorted(found)


def _stock(session: Session, party_id: int, denomination_id: int) -> list[Stock]:
    """What a party has in stock, not on hold and not expired."""
    rows = session.execute(
        select(lot.c.first_serial, lot.c.last_serial, lot.c.expires_on)
        .join(batch, batch.c.id == lot.c.batch_id)
        .where(
            lot.c.holder_id == party_id,
            lot.c.stage == "stocked",
            lot.c.hold.is_(None),
            lot.c.expires_on >= session.today,
            batch.c.denomination_id == denomination_id,
        )
    )
    return [Stock(SerialRange(row.first_serial, row.last_serial), row.expires_on) for row in rows]


def _reserved(session: Session, party_id: int) -> Ranges:
    """Cards set apart in drafts, and single cards on hold or replaced."""
    line = consignment_line.c
    rows = session.execute(
        select(line.first_serial, line.last_serial)
        .join(consignment, consignment.c.id == line.consignment_id)
        .where(consignment.c.sender_id == party_id, consignment.c.state == "draft")
    )
    found = [SerialRange(*row) for row in rows]
    exceptions = session.execute(
        select(voucher_hold.c.serial).join(
            lot,
            (lot.c.first_serial <= voucher_hold.c.serial)
            & (lot.c.last_serial >= voucher_hold.c.serial)
            & (lot.c.holder_id == party_id)
            & (lot.c.stage == "stocked"),
        )
    ).scalars()
    return joined([*found, *(SerialRange(serial, serial) for serial in exceptions)])


def _insert(
    session: Session, actor: Actor, facts: dict[str, Any], ranges: Sequence[SerialRange]
) -> str | None:
    """Write a draft; return its number, or None where its reference or order has one already."""
    row = facts | {
        "id": session.new_id(),
        "number": paper_number(session, "CN"),
        "state": "draft",
        "created_by": actor.member_id,
        "created_at": session.now,
    }
    if session.execute(session.insert_new(consignment), row).rowcount != 1:
        return None
    insert_lines(session, row["id"], ranges)
    number = str(row["number"])
    events.record(
        session,
        actor,
        "consignment.drawn_up",
        subject(number),
        consignment_kind=row["kind"],
        cards=card_count(ranges),
        ranges=[f"{serial_text(item.first)}-{serial_text(item.last)}" for item in ranges],
    )
    return number


def _apart(ranges: list[SerialRange]) -> Ranges:
    found = joined(ranges)
    if card_count(found) != card_count(ranges):
        raise InvalidInput("the ranges overlap; name each card once")
    return found


def _sender(session: Session, actor: Actor, code: str | None) -> Party:
    if code is not None:
        sender = party_by_code(session, code)
    elif actor.party_id is not None:
        sender = party_by_id(session, actor.party_id)
    else:
        raise InvalidInput("say which party the cards leave")
    require_scope(session, actor, {sender.id})
    return sender


def _receiver(session: Session, kind: str, sender: Party, code: str | None) -> Party:
    if kind == "return":
        if sender.parent_id is None:
            raise NotTheParent("the warehouse has nobody to return cards to")
        parent = party_by_id(session, sender.parent_id)
        if code not in (None, parent.code):
            raise NotTheParent("cards are returned to the holder's parent")
        return parent
    if code is None:
        raise InvalidInput("say to which party the cards go")
    receiver = party_by_code(session, code)
    if kind == "dispatch" and receiver.parent_id != sender.id:
        raise NotAChild("a dispatch goes to a child of the sender")
    beside = receiver.parent_id == sender.parent_id and sender.parent_id is not None
    if kind == "transfer" and (receiver.id == sender.id or not beside):
        raise NotAChild("a transfer goes to a sibling of the sender")
    return receiver


def _known(session: Session, actor: Actor, request: dict[str, Any]) -> str | None:
    row = session.execute(
        select(consignment).where(
            consignment.c.created_by == actor.member_id,
            consignment.c.reference == request["reference"],
        )
    ).one_or_none()
    if row is None:
        return None
    papers.check_same(row, request["content_digest"])
    return str(row.number)


def _query() -> Select[Any]:
    sender, receiver = party.alias("sender"), party.alias("receiver")
    return (
        select(
            consignment,
            sender.c.code.label("sender"),
            receiver.c.code.label("receiver"),
            stock_order.c.number.label("order"),
        )
        .join(sender, sender.c.id == consignment.c.sender_id)
        .join(receiver, receiver.c.id == consignment.c.receiver_id)
        .outerjoin(stock_order, stock_order.c.id == consignment.c.order_id)
    )


def _consignment(session: Session, row: Row[Any]) -> Consignment:
    ranges = lines_of(session, row.id)
    faces: dict[int, int] = dict(
        session.execute(
            select(batch.c.id, denomination.c.face_fen)
            .join(denomination, denomination.c.id == batch.c.denomination_id)
            .where(batch.c.id.in_({item.batch_id for item in ranges}))
        )
        .tuples()
        .all()
    )
    sent = row.state == "sent"
    names = ("id", "number", "kind", "sender", "receiver", "state", "order", "reference", "reason")
    times = ("created_at", "sent_at", "closed_at", "approval_id")
    return Consignment(
        **{name: row._mapping[name] for name in (*names, *times)},
        lines=tuple(Line(cards=item, face_fen=faces[item.batch_id]) for item in ranges),
        outstanding=card_count(outstanding(session, row.number, ranges)) if sent else 0,
    )
