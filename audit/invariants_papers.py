"""Invariants of papers: consignments, receipts, claims and credit notes say what the cards did."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select

from audit.invariant import Invariant, Offence, first_of, none_of
from audit.ranges import movement_size
from core.db import Session
from distribution.paper_tables import (
    claim,
    claim_event,
    consignment,
    consignment_line,
    credit_note,
    credit_note_line,
    goods_receipt,
    goods_receipt_line,
    stock_order,
    stock_order_line,
)
from distribution.ranges import Ranges, card_count, joined, shared, without
from staff.tables import approval
from vouchers.serials import SerialRange
from vouchers.tables import batch, lot, stock_movement

_SENDING = ("dispatch", "transfer", "return")
_moved = stock_movement.c
_line_size = consignment_line.c.last_serial - consignment_line.c.first_serial + 1


@dataclass(frozen=True)
class _Paper:
    """A consignment, its lines, and the cards that each move moved under its number."""

    row: Row[Any]
    lines: Ranges
    moved: Mapping[str, Ranges]

    @property
    def is_sent(self) -> bool:
        return self.row.state in ("sent", "closed")

    def ranges(self, *moves: str) -> Ranges:
        return [cards for move in moves for cards in self.moved.get(move, ())]

    def offence(self, **found: object) -> Offence:
        facts = {name: str(fact) for name, fact in found.items()}
        return Offence(f"consignment {self.row.number}", facts)


def _papers(session: Session) -> Iterator[_Paper]:
    """Yield all consignments, the movements read in one pass."""
    lines: dict[int, Ranges] = {}
    for row in session.execute(select(consignment_line)):
        cards = SerialRange(row.first_serial, row.last_serial)
        lines.setdefault(row.consignment_id, []).append(cards)
    moved: dict[str, dict[str, Ranges]] = {}
    query = select(_moved.document, _moved.move, _moved.first_serial, _moved.last_serial).join(
        consignment, consignment.c.number == _moved.document
    )
    for row in session.execute(query):
        of_paper = moved.setdefault(row.document, {})
        of_paper.setdefault(row.move, []).append(SerialRange(row.first_serial, row.last_serial))
    for row in session.execute(select(consignment).order_by(consignment.c.id)).all():
        yield _Paper(row, lines.get(row.id, []), moved.get(row.number, {}))


def _lines_unlike_movements(session: Session) -> Iterator[Offence]:
    """What was sent under a number must be its lines; a draft has sent nothing."""
    for paper in _papers(session):
        sent = paper.ranges(paper.row.kind)
        expected = joined(paper.lines) if paper.is_sent else []
        twice = card_count(paper.lines) - card_count(joined(paper.lines))
        if joined(sent) != expected or twice:
            yield paper.offence(lines=card_count(paper.lines), moved=card_count(sent))


def _sent_otherwise() -> Select[Any]:
    """Movements that name a consignment, but are not of its kind, or between other parties."""
    return (
        select(
            _moved.first_serial.label("serial"),
            _moved.last_serial,
            _moved.document,
            _moved.move,
            consignment.c.state,
        )
        .join(consignment, consignment.c.number == _moved.document)
        .where(
            _moved.move.in_(_SENDING),
            or_(
                _moved.move != consignment.c.kind,
                _moved.from_holder != consignment.c.sender_id,
                _moved.in_transit_to != consignment.c.receiver_id,
            ),
        )
    )


def _balance(session: Session) -> Iterator[Offence]:
    """Sent is received, void, or still on the way; claims are on what is still on the way."""
    for paper in _papers(session):
        ended = paper.ranges("receive", "void")
        rest = without(paper.lines, ended) if paper.is_sent else []
        on_the_way = _on_the_way(session, paper.row, rest)
        claimed = _claims(session, paper.row.id, "open")
        if (
            (paper.is_sent and without(ended, paper.lines))
            or card_count(ended) != card_count(joined(ended))
            or on_the_way != rest
            or bool(rest) != (paper.row.state == "sent")
            or without(claimed, rest)
            or card_count(claimed) != card_count(joined(claimed))
        ):
            yield paper.offence(
                state=paper.row.state,
                sent=card_count(paper.lines),
                received_or_void=card_count(ended),
                on_the_way=card_count(on_the_way),
                claimed=card_count(claimed),
            )


def _receipts_unlike_movements(session: Session) -> Iterator[Offence]:
    """What receipts and answered claims say was received is what the movements received."""
    for paper in _papers(session):
        scanned = _receipt_lines(session, paper.row.id, "received")
        told = [*scanned, *_claims(session, paper.row.id, "received")]
        void = _claims(session, paper.row.id, "void")
        received, made_void = paper.ranges("receive"), paper.ranges("void")
        if joined(told) != joined(received) or joined(void) != joined(made_void):
            yield paper.offence(
                receipts=card_count(told),
                received=card_count(received),
                claims_void=card_count(void),
                made_void=card_count(made_void),
            )


def _on_the_way(session: Session, row: Row[Any], rest: Ranges) -> Ranges:
    found: Ranges = []
    for cards in rest:
        lots = session.execute(
            select(lot.c.first_serial, lot.c.last_serial).where(
                lot.c.batch_id == cards.batch_id,
                lot.c.first_serial <= cards.last,
                lot.c.last_serial >= cards.first,
                lot.c.stage == "in_transit",
                lot.c.holder_id == row.sender_id,
                lot.c.in_transit_to == row.receiver_id,
            )
        )
        found += shared([cards], [SerialRange(*each) for each in lots])
    return joined(found)


def _claims(session: Session, consignment_id: int, state: str) -> Ranges:
    rows = session.execute(
        select(claim.c.first_serial, claim.c.last_serial).where(
            claim.c.consignment_id == consignment_id,
            claim.c.state == state,
            claim.c.kind != "unexpected",
        )
    )
    return [SerialRange(*row) for row in rows]


def _receipt_lines(session: Session, consignment_id: int, outcome: str) -> Ranges:
    line = goods_receipt_line.c
    rows = session.execute(
        select(line.first_serial, line.last_serial)
        .join(goods_receipt, goods_receipt.c.id == line.receipt_id)
        .where(goods_receipt.c.consignment_id == consignment_id, line.outcome == outcome)
    )
    return [SerialRange(*row) for row in rows]


def _claim_without_history() -> Select[Any]:
    """A claim whose last change is not how it stands."""
    last = (
        select(func.max(claim_event.c.id))
        .where(claim_event.c.claim_id == claim.c.id)
        .correlate(claim)
        .scalar_subquery()
    )
    event = claim_event.c
    return (
        select(
            claim.c.number.label("claim"),
            claim.c.state,
            event.state.label("last_state"),
            event.first_serial,
            event.last_serial,
        )
        .outerjoin(claim_event, event.id == last)
        .where(
            or_(
                event.id.is_(None),
                event.state != claim.c.state,
                event.first_serial != claim.c.first_serial,
                event.last_serial != claim.c.last_serial,
                func.coalesce(event.owner_member_id, 0)
                != func.coalesce(claim.c.owner_member_id, 0),
            )
        )
    )


def _void_claim_without_second_person() -> Select[Any]:
    return (
        select(claim.c.number.label("claim"), approval.c.kind, approval.c.state)
        .outerjoin(approval, approval.c.id == claim.c.approval_id)
        .where(
            claim.c.state == "void",
            or_(
                approval.c.id.is_(None),
                approval.c.state != "agreed",
                approval.c.kind != "claim",
                ~approval.c.content.contains(claim.c.number),
            ),
        )
    )


def _credit_unlike_movements() -> Select[Any]:
    """By note: what it says, and what the movements that it names credited to its party."""
    gross = func.sum(_moved.price_fen * movement_size)
    commission = func.sum(_moved.commission_fen * movement_size)
    strange = func.count().filter(
        or_(
            _moved.owing_party_id != credit_note.c.party_id,
            _moved.document.is_distinct_from(consignment.c.number),
            _moved.move != "receive",
        )
    )
    return (
        select(
            credit_note.c.number.label("credit_note"),
            credit_note.c.credit_fen,
            (gross - commission).label("movements_fen"),
            strange.label("strange_movements"),
        )
        .join(consignment, consignment.c.id == credit_note.c.consignment_id)
        .outerjoin(credit_note_line, credit_note_line.c.credit_note_id == credit_note.c.id)
        .outerjoin(stock_movement, _moved.id == credit_note_line.c.movement_id)
        .group_by(credit_note.c.id)
        .having(
            or_(
                func.coalesce(gross, 0) != credit_note.c.face_value_fen,
                func.coalesce(commission, 0) != credit_note.c.commission_fen,
                func.coalesce(func.sum(movement_size), 0) != credit_note.c.card_count,
                strange > 0,
            )
        )
    )


def _credit_without_note() -> Select[Any]:
    return (
        select(
            _moved.first_serial.label("serial"),
            _moved.last_serial,
            _moved.document,
            _moved.entry_id.label("entry"),
        )
        .join(consignment, consignment.c.number == _moved.document)
        .outerjoin(credit_note_line, credit_note_line.c.movement_id == _moved.id)
        .where(
            _moved.move == "receive",
            _moved.price_fen.is_not(None),
            credit_note_line.c.movement_id.is_(None),
        )
    )


def _order_unlike_consignment() -> Select[Any]:
    """Orders that are decided without a count, or were sent otherwise than agreed."""
    sent = (
        select(func.coalesce(func.sum(_line_size), 0))
        .select_from(consignment)
        .join(consignment_line, consignment_line.c.consignment_id == consignment.c.id)
        .join(batch, batch.c.id == consignment_line.c.batch_id)
        .where(
            consignment.c.order_id == stock_order.c.id,
            consignment.c.state.in_(("sent", "closed")),
            batch.c.denomination_id == stock_order_line.c.denomination_id,
        )
        .correlate(stock_order, stock_order_line)
        .scalar_subquery()
    )
    line, decided = stock_order_line.c, stock_order.c.state.in_(("approved", "sent"))
    expected = func.coalesce(line.approved_count, 0)
    return (
        select(
            stock_order.c.number.label("order"),
            stock_order.c.state,
            line.approved_count,
            sent.label("sent"),
        )
        .outerjoin(stock_order_line, line.order_id == stock_order.c.id)
        .where(
            or_(
                line.order_id.is_(None),
                decided != line.approved_count.is_not(None),
                and_(stock_order.c.state == "sent", sent != expected),
                and_(stock_order.c.state != "sent", sent != 0),
            )
        )
    )


PAPERS = (
    Invariant(
        "consignment_lines",
        "每张发货单的号段等于以其单号记录的发货流水。",
        "The ranges of each consignment are what the movements with its number sent.",
        lambda session: first_of(
            [*none_of(_sent_otherwise())(session), *_lines_unlike_movements(session)]
        ),
    ),
    Invariant(
        "consignment_balance",
        "每张发货单：已发等于已收、作废与仍在途之和，未结差异都在在途的卡上。",
        "Of each consignment: sent is received, void and still on the way; open claims are on what"
        " is still on the way.",
        lambda session: first_of(_balance(session)),
    ),
    Invariant(
        "receipts_tell",
        "收货单和已处理的差异单所记与收货、作废流水一致。",
        "Receipts and answered claims say what the movements received and made void.",
        lambda session: first_of(_receipts_unlike_movements(session)),
    ),
    Invariant(
        "claims_answered",
        "差异单与其最后一条历史一致，作废的有另一人同意。",
        "Every claim is as its last change left it, and void only where a second person agreed.",
        none_of(_claim_without_history(), _void_claim_without_second_person()),
    ),
    Invariant(
        "credit_notes",
        "贷项通知单等于其所列收货流水的贷记金额，随发货单退回的已售卡都有贷项通知单。",
        "A credit note is what its movements credited, and sold cards that came back in a"
        " consignment have one.",
        none_of(_credit_unlike_movements(), _credit_without_note()),
    ),
    Invariant(
        "orders_sent",
        "订货单发出的正是供货方同意的张数。",
        "What was sent for an order is what its supplier agreed to.",
        none_of(_order_unlike_consignment()),
    ),
)
