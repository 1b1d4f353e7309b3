"""Sending a consignment: every range moves in one transaction, or none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from core.db import Database, Session
from distribution import papers
from distribution.consigned import lines_of, moved_ranges
from distribution.consignments import (
    PARTIES,
    PERMISSIONS,
    Consignment,
    insert_lines,
    read_consignment,
    subject,
)
from distribution.errors import NothingToMove
from distribution.moves import (
    Consigned,
    Movable,
    PendingApproval,
    check_move,
    lots_digest,
    move_cards,
)
from distribution.paper_tables import consignment, consignment_line, stock_order
from distribution.parties import party_by_id, require_scope
from distribution.ranges import Ranges, card_count
from distribution.requests import MoveRequest
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, require
from vouchers.lots import load_lots
from vouchers.moves import MOVES, needs_second_person
from vouchers.queries import batch_terms
from vouchers.serials import SerialRange, serial_text

APPROVAL = "consignment"
"""The kind of approval that a transfer, or a return of active cards, waits for."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A range of a draft, locked and checked."""

    cards: SerialRange
    movable: Movable


def send_consignment(db: Database, actor: Actor, number: str) -> Consignment | PendingApproval:
    """Send a draft, or ask for the second person that its kind needs.

    Raises PaperUnknown, PaperStateWrong, NotHolder, Forbidden, and as the moves do; then nothing
    has moved. Used cards of a return stay where they are and leave the consignment; NothingToMove
    where all are used.
    """

    def work(session: Session) -> Consignment | PendingApproval:
        row = papers.find(session, actor, consignment, number, PARTIES, lock=True)
        require(actor, PERMISSIONS[row.kind])
        require_scope(session, actor, {row.sender_id})
        papers.check_state(row, "draft")
        _lock_order(session, row)
        lines = _checked(session, actor, row, None)
        if any(needs_second_person(line.movable.lots, MOVES[row.kind]) for line in _going(lines)):
            return PendingApproval(_ask(session, actor, row, lines))
        return _send(session, actor, actor, row, lines)

    return db.transact(work)


def send_agreed(session: Session, decision: Decision) -> Consignment:
    """Send what two persons want to be sent; ContentChanged where it is not as it was asked."""
    asked_by, content = decision.requester, decision.content
    row = papers.find(session, asked_by, consignment, content["number"], PARTIES, lock=True)
    require_scope(session, decision.decider, {row.sender_id})
    if row.state != "draft":
        raise ContentChanged(f"{row.number} is {row.state} meanwhile")
    _lock_order(session, row)
    lines = _checked(session, asked_by, row, decision.approval_id)
    if _digest(lines) != content["lots_digest"]:
        raise ContentChanged("the cards have moved since; ask again")
    return _send(session, asked_by, decision.decider, row, lines, decision.approval_id)


def _lock(session: Session, lines: Ranges) -> None:
    # All lots before any party, and in one order: the moves would lock them range by range.
    for cards in lines:
        load_lots(session, cards)


def _checked(session: Session, actor: Actor, row: Row[Any], approval_id: int | None) -> list[_Line]:
    ranges = lines_of(session, row.id)
    _lock(session, ranges)
    consigned = Consigned(row.number, approval_id)
    lines = [
        _Line(cards, check_move(session, actor, _request(session, row, cards), consigned))
        for cards in ranges
    ]
    if not _going(lines):
        raise NothingToMove(f"every card of {row.number} is redeemed or replaced")
    return lines


def _going(lines: Sequence[_Line]) -> list[_Line]:
    """The lines of which any card moves."""
    return [line for line in lines if line.movable.cards]


def _digest(lines: Sequence[_Line]) -> str:
    # Of all lines: one whose last card is used meanwhile changes nothing of what was agreed to.
    return lots_digest([lot for line in lines for lot in line.movable.lots])


def _request(session: Session, row: Row[Any], cards: SerialRange) -> MoveRequest:
    return MoveRequest(
        move="return" if row.kind == "return" else "dispatch",  # to a sibling it is a transfer
        first_serial=serial_text(cards.first),
        last_serial=serial_text(cards.last),
        to=party_by_id(session, row.receiver_id).code,
        holder=party_by_id(session, row.sender_id).code,
        document=row.number,
        reason=row.reason and row.reason[:200],
    )


def _ask(session: Session, actor: Actor, row: Row[Any], lines: Sequence[_Line]) -> int:
    going = _going(lines)
    faces = {
        line.cards.batch_id: batch_terms(session, line.cards.batch_id).face_fen for line in going
    }
    content = {
        "number": row.number,
        "consignment_kind": row.kind,
        "from": party_by_id(session, row.sender_id).code,
        "to": party_by_id(session, row.receiver_id).code,
        "cards": sum(line.movable.cards for line in going),
        "face_value_fen": sum(line.movable.cards * faces[line.cards.batch_id] for line in going),
        "ranges": [
            f"{serial_text(line.cards.first)}-{serial_text(line.cards.last)}" for line in going
        ],
        "reason": row.reason,
        "lots_digest": _digest(lines),
    }
    return approvals.request(session, actor, APPROVAL, content)


def _send(
    session: Session,
    actor: Actor,
    by: Actor,
    row: Row[Any],
    lines: Sequence[_Line],
    approval_id: int | None = None,
) -> Consignment:
    for line in _going(lines):
        request = _request(session, row, line.cards)
        move_cards(session, actor, request, Consigned(row.number, approval_id))
    drafted = [line.cards for line in lines]
    sent = moved_ranges(session, row.number, drafted, (row.kind,))
    session.execute(consignment_line.delete().where(consignment_line.c.consignment_id == row.id))
    insert_lines(session, row.id, sent)
    session.execute(
        consignment.update()
        .where(consignment.c.id == row.id)
        .values(state="sent", sent_by=actor.member_id, sent_at=session.now, approval_id=approval_id)
    )
    _close_order(session, row)
    detail = {
        "cards": card_count(sent),
        "left_out": card_count(drafted) - card_count(sent),
        "approval_id": approval_id and str(approval_id),
    }
    events.record(session, by, "consignment.sent", subject(row.number), **detail)
    return read_consignment(session, actor, row.number)


def _lock_order(session: Session, row: Row[Any]) -> None:
    if row.order_id is not None:
        query = select(stock_order).where(stock_order.c.id == row.order_id)
        papers.check_state(session.execute(query.with_for_update()).one(), "approved")


def _close_order(session: Session, row: Row[Any]) -> None:
    if row.order_id is not None:
        session.execute(
            stock_order.update()
            .where(stock_order.c.id == row.order_id)
            .values(state="sent", sent_at=session.now)
        )
