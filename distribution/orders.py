"""Orders of stock: a party asks its parent for cards by face value and count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Database, Session
from core.errors import InvalidInput
from core.numbers import paper_number
from core.text import clean
from distribution import papers
from distribution.errors import NotTheParent
from distribution.paper_tables import consignment, stock_order, stock_order_line
from distribution.parties import Party, party_by_code, party_by_id, require_scope
from distribution.tables import party
from staff import events
from staff.approvals import SamePerson
from staff.permissions import Actor, Permission, require
from staff.tables import staff_member
from vouchers.denominations import by_face
from vouchers.tables import denomination

MAX_CARDS = 1_000_000
"""An order asks for at most so many cards of one face value."""

_PARTIES = (stock_order.c.buyer_id, stock_order.c.supplier_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """Cards of one face value; `approved_count` is None until the supplier decided."""

    face_fen: int
    requested_count: int
    approved_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order; `state` is requested, approved, refused, cancelled or sent."""

    id: int
    number: str
    buyer: str
    supplier: str
    state: str
    reference: str
    requested_at: datetime
    decided_at: datetime | None
    sent_at: datetime | None
    reason: str | None
    consignment: str | None
    lines: tuple[OrderLine, ...]


def place_order(
    db: Database,
    actor: Actor,
    counts: Mapping[int, int],
    reference: str,
    buyer_code: str | None = None,
) -> Order:
    """Order cards, by face in fen, for the actor's party or one below; once for each reference.

    Raises InvalidInput, FaceUnknown, NotTheParent (the warehouse orders from nobody),
    RequestConflict where the reference was used for something else.
    """
    require(actor, Permission.ORDER_STOCK)
    known_as = clean(reference, "the reference", 128)
    if not counts or not all(1 <= count <= MAX_CARDS for count in counts.values()):
        raise InvalidInput(f"order 1 to {MAX_CARDS} cards of each face value")

    def work(session: Session) -> Order:
        buyer = _buyer(session, actor, buyer_code)
        digest = papers.content_digest([buyer.code, sorted(counts.items())])
        number = _insert(session, actor, buyer, counts, (known_as, digest))
        return read_order(session, actor, number)

    return db.transact(work)


def approve_order(
    db: Database, actor: Actor, number: str, counts: Mapping[int, int] | None = None
) -> Order:
    """Agree to an order as its supplier, by face in fen to fewer cards where `counts` says so.

    Raises PaperUnknown, PaperStateWrong, NotHolder, SamePerson (whoever placed it), InvalidInput
    (more than was asked for, a face that was not, or nothing at all).
    """

    def work(session: Session) -> Order:
        row = _lock(session, actor, number)
        _require_supplier(session, actor, row)
        _require_another_person(session, actor, row)
        asked = {line.face_fen: line.requested_count for line in _lines(session, row.id)}
        agreed = dict(asked) if counts is None else dict.fromkeys(asked, 0) | dict(counts)
        if not all(0 <= agreed[face] <= asked.get(face, -1) for face in agreed):
            raise InvalidInput("agree to at most what was asked for")
        if not any(agreed.values()):
            raise InvalidInput("refuse an order of which nothing shall be sent")
        _write_agreed(session, row.id, agreed)
        _decide(session, actor, row, "approved", None)
        return read_order(session, actor, number)

    return db.transact(work)


def refuse_order(db: Database, actor: Actor, number: str, reason: str) -> Order:
    """Refuse an order as its supplier; raises PaperUnknown, PaperStateWrong, NotHolder."""
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Order:
        row = _lock(session, actor, number)
        _require_supplier(session, actor, row)
        _decide(session, actor, row, "refused", why)
        return read_order(session, actor, number)

    return db.transact(work)


def cancel_order(db: Database, actor: Actor, number: str, reason: str) -> Order:
    """Withdraw an order that nobody has decided on; raises as `refuse_order` does."""
    require(actor, Permission.ORDER_STOCK)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Order:
        row = _lock(session, actor, number)
        require_scope(session, actor, {row.buyer_id})
        _decide(session, actor, row, "cancelled", why)
        return read_order(session, actor, number)

    return db.transact(work)


def read_order(session: Session, actor: Actor, number: str) -> Order:
    """Return an order that the actor is a side of; raises PaperUnknown."""
    require(actor, Permission.VIEW_TRADE)
    row = papers.find(session, actor, stock_order, number, _PARTIES)
    return _orders(session, list(session.execute(_query().where(stock_order.c.id == row.id))))[0]


def list_orders(
    session: Session,
    actor: Actor,
    state: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Order]:
    """Return the orders that the actor's party or one below has placed or shall fill, by id."""
    require(actor, Permission.VIEW_TRADE)
    query = _query()
    condition = papers.within_scope(session, actor, *_PARTIES)
    if condition is not None:
        query = query.where(condition)
    if state is not None:
        query = query.where(stock_order.c.state == state)
    return _orders(session, papers.page(session, query, stock_order, after_id, limit))


def _buyer(session: Session, actor: Actor, code: str | None) -> Party:
    if code is not None:
        buyer = party_by_code(session, code)
    elif actor.party_id is not None:
        buyer = party_by_id(session, actor.party_id)
    else:
        raise InvalidInput("say for which party the cards are")
    require_scope(session, actor, {buyer.id})
    if buyer.parent_id is None:
        raise NotTheParent("the warehouse orders from nobody; cards are made for it")
    return buyer


def _insert(
    session: Session,
    actor: Actor,
    buyer: Party,
    counts: Mapping[int, int],
    request: tuple[str, str],
) -> str:
    reference, digest = request
    faces = {face: by_face(session, face).id for face in sorted(counts)}
    known = _known(session, actor, reference)
    if known is None:
        row: dict[str, Any] = {
            "id": session.new_id(),
            "number": paper_number(session, "SO"),
            "buyer_id": buyer.id,
            "supplier_id": buyer.parent_id,
            "state": "requested",
            "reference": reference,
            "content_digest": digest,
            "requested_by": actor.member_id,
            "requested_at": session.now,
        }
        if session.execute(session.insert_new(stock_order), row).rowcount == 1:
            _insert_lines(session, row["id"], faces, counts)
            detail = {str(face): count for face, count in counts.items()}
            number = str(row["number"])
            events.record(session, actor, "order.placed", f"order:{number}", cards=detail)
            return number
        known = _known(session, actor, reference)  # somebody was quicker with the same reference
    assert known is not None  # noqa: S101 - a row stood in the way
    papers.check_same(known, digest)
    return str(known.number)


def _known(session: Session, actor: Actor, reference: str) -> Row[Any] | None:
    return session.execute(
        select(stock_order).where(
            stock_order.c.requested_by == actor.member_id, stock_order.c.reference == reference
        )
    ).one_or_none()


def _insert_lines(
    session: Session, order_id: int, faces: Mapping[int, int], counts: Mapping[int, int]
) -> None:
    rows = [
        {
            "order_id": order_id,
            "denomination_id": faces[face],
            "requested_count": counts[face],
        }
        for face in sorted(counts)
    ]
    session.execute(stock_order_line.insert(), rows)


def _lock(session: Session, actor: Actor, number: str) -> Row[Any]:
    row = papers.find(session, actor, stock_order, number, _PARTIES, lock=True)
    papers.check_state(row, "requested")
    return row


def _require_supplier(session: Session, actor: Actor, row: Row[Any]) -> None:
    require(actor, Permission.APPROVE_ORDERS)
    require_scope(session, actor, {row.supplier_id})


def _require_another_person(session: Session, actor: Actor, row: Row[Any]) -> None:
    placed_by = select(staff_member.c.person_id).where(staff_member.c.id == row.requested_by)
    if session.execute(placed_by).scalar_one() == actor.person_id:
        raise SamePerson("another person must agree to the order that you placed")


def _write_agreed(session: Session, order_id: int, agreed: Mapping[int, int]) -> None:
    for face, count in sorted(agreed.items()):
        face_id = select(denomination.c.id).where(denomination.c.face_fen == face)
        session.execute(
            stock_order_line.update()
            .where(
                stock_order_line.c.order_id == order_id,
                stock_order_line.c.denomination_id == face_id.scalar_subquery(),
            )
            .values(approved_count=count)
        )


def _decide(session: Session, actor: Actor, row: Row[Any], state: str, reason: str | None) -> None:
    session.execute(
        stock_order.update()
        .where(stock_order.c.id == row.id)
        .values(state=state, decided_by=actor.member_id, decided_at=session.now, reason=reason)
    )
    events.record(session, actor, f"order.{state}", f"order:{row.number}", reason=reason)


def _query() -> Select[Any]:
    buyer, supplier = party.alias("buyer"), party.alias("supplier")
    return (
        select(
            stock_order,
            buyer.c.code.label("buyer"),
            supplier.c.code.label("supplier"),
            consignment.c.number.label("consignment"),
        )
        .join(buyer, buyer.c.id == stock_order.c.buyer_id)
        .join(supplier, supplier.c.id == stock_order.c.supplier_id)
        .outerjoin(
            consignment,
            (consignment.c.order_id == stock_order.c.id) & (consignment.c.state != "cancelled"),
        )
    )


def _orders(session: Session, rows: list[Row[Any]]) -> list[Order]:
    return [
        Order(
            id=row.id,
            number=row.number,
            buyer=row.buyer,
            supplier=row.supplier,
            state=row.state,
            reference=row.reference,
            requested_at=row.requested_at,
            decided_at=row.decided_at,
            sent_at=row.sent_at,
            reason=row.reason,
            consignment=row.consignment,
            lines=_lines(session, row.id),
        )
        for row in rows
    ]


def _lines(session: Session, order_id: int) -> tuple[OrderLine, ...]:
    line = stock_order_line.c
    rows = session.execute(
        select(denomination.c.face_fen, line.requested_count, line.approved_count)
        .join(denomination, denomination.c.id == line.denomination_id)
        .where(line.order_id == order_id)
        .order_by(denomination.c.face_fen)
    )
    return tuple(OrderLine(**row._mapping) for row in rows)
