"""Invariants of second persons: nobody approved his own request, and nothing went without one."""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, or_, select

from audit.invariant import Invariant, Offence, first_of, none_of
from core.db import Session
from distribution.tables import stock_order
from staff.tables import approval, staff_member
from vouchers.moves import MOVES
from vouchers.tables import batch, batch_order, printer, stock_movement


def _own_request() -> Select[Any]:
    return select(
        approval.c.id.label("approval"),
        approval.c.kind,
        approval.c.state,
        approval.c.requester_person_id.label("requester"),
        approval.c.decider_person_id.label("decider"),
    ).where(
        or_(
            approval.c.decider_person_id == approval.c.requester_person_id,
            approval.c.decided_by == approval.c.requested_by,
            and_(
                approval.c.state.in_(("agreed", "refused")), approval.c.decider_person_id.is_(None)
            ),
        )
    )


def _another_person_named() -> Select[Any]:
    """The persons written down must be those whose accounts asked and decided."""
    asked, decided = staff_member.alias(), staff_member.alias()
    return (
        select(
            approval.c.id.label("approval"),
            approval.c.kind,
            approval.c.requester_person_id.label("requester"),
            asked.c.person_id.label("requested_by"),
            approval.c.decider_person_id.label("decider"),
            decided.c.person_id.label("decided_by"),
        )
        .outerjoin(asked, asked.c.id == approval.c.requested_by)
        .outerjoin(decided, decided.c.id == approval.c.decided_by)
        .where(
            or_(
                asked.c.person_id.is_(None),
                asked.c.person_id != approval.c.requester_person_id,
                decided.c.person_id != approval.c.decider_person_id,
                approval.c.decided_by.is_(None) != approval.c.decider_person_id.is_(None),
                and_(approval.c.decided_by.is_not(None), decided.c.person_id.is_(None)),
            )
        )
    )


def _own_order() -> Select[Any]:
    """Orders that went on by the word of whoever placed them."""
    asked, decided = staff_member.alias(), staff_member.alias()
    return (
        select(stock_order.c.number.label("order"), asked.c.person_id.label("requester"))
        .join(asked, asked.c.id == stock_order.c.requested_by)
        .join(decided, decided.c.id == stock_order.c.decided_by)
        .where(
            stock_order.c.state.in_(("approved", "sent")), decided.c.person_id == asked.c.person_id
        )
    )


def _approval_texts(session: Session) -> list[Offence]:
    rows = session.execute(
        select(approval.c.id, approval.c.kind, approval.c.content, approval.c.digest).order_by(
            approval.c.id
        )
    )
    return first_of(
        Offence(f"approval {row.id}", {"kind": row.kind, "digest": row.digest})
        for row in rows
        if hashlib.sha256(row.content.encode()).hexdigest() != row.digest
    )


def _not_agreed_to(kind: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Whether the approval of an outer row is missing, not agreed to, or of something else."""
    return or_(
        approval.c.id.is_(None),
        approval.c.state != "agreed",
        approval.c.kind != kind,
        approval.c.decider_person_id.is_(None),
        approval.c.decider_person_id == approval.c.requester_person_id,
    )


def _names(value: ColumnElement[Any]) -> ColumnElement[bool]:
    return approval.c.content.contains(cast(value, Text))


def _move_without_second_person() -> Select[Any]:
    moved = stock_movement.c
    needed = or_(
        *(
            and_(moved.move == move.name, moved.from_stage.in_(sorted(move.second_person_from)))
            for move in MOVES.values()
            if move.second_person_from
        )
    )
    return (
        select(
            moved.first_serial.label("serial"),
            moved.last_serial,
            moved.id.label("movement"),
            moved.move,
            moved.approval_id.label("approval"),
            approval.c.kind,
            approval.c.state,
        )
        .outerjoin(approval, approval.c.id == moved.approval_id)
        .where(needed, _not_agreed_to(_kind_of_move()))
    )


def _kind_of_move() -> ColumnElement[str]:
    """The kind of approval that covers a movement: its own, or that of the papers it names."""
    moved = stock_movement.c
    of_papers = _names(moved.document)
    return case(
        (
            and_(
                approval.c.kind == "consignment", moved.move.in_(("transfer", "return")), of_papers
            ),
            approval.c.kind,
        ),
        (and_(approval.c.kind == "claim", moved.move == "void", of_papers), approval.c.kind),
        else_=moved.move,
    )


def _batch_without_second_person() -> Select[Any]:
    return (
        select(
            batch.c.id.label("batch"),
            batch.c.state,
            batch_order.c.approval_id.label("approval"),
            approval.c.state.label("approval_state"),
        )
        .outerjoin(batch_order, batch_order.c.id == batch.c.order_id)
        .outerjoin(approval, approval.c.id == batch_order.c.approval_id)
        .where(
            batch.c.state.not_in(("requested", "refused")),
            or_(_not_agreed_to("batch_order"), ~_names(batch.c.order_id), ~_names(batch.c.id)),
        )
    )


def _export_without_second_person() -> Select[Any]:
    return (
        select(
            batch.c.id.label("batch"),
            batch.c.exported_at,
            batch.c.export_approval_id.label("approval"),
            approval.c.state.label("approval_state"),
        )
        .outerjoin(approval, approval.c.id == batch.c.export_approval_id)
        .where(
            or_(batch.c.exported_at.is_not(None), batch.c.export_approval_id.is_not(None)),
            or_(_not_agreed_to("export"), ~_names(batch.c.id)),
        )
    )


def _printer_without_second_person() -> Select[Any]:
    return (
        select(
            printer.c.name.label("printer"),
            printer.c.fingerprint,
            printer.c.approval_id.label("approval"),
            approval.c.state.label("approval_state"),
        )
        .outerjoin(approval, approval.c.id == printer.c.approval_id)
        .where(
            printer.c.active,
            or_(
                _not_agreed_to("printer"),
                ~_names(printer.c.public_key),
                ~_names(printer.c.fingerprint),
            ),
        )
    )


PEOPLE = (
    Invariant(
        "not_own_request",
        "没有人审批自己的申请或订货单，一人有多个账号也不行。",
        "Nobody decided on his own request or agreed to his own order, under whatever account.",
        none_of(_own_request(), _another_person_named(), _own_order()),
    ),
    Invariant(
        "approval_texts",
        "审批内容与申请时一字不差。",
        "What was agreed to is word for word what was asked for.",
        _approval_texts,
    ),
    Invariant(
        "two_persons",
        "批次、印刷厂密钥、导出、返销、作废、同级调拨都有另一人同意的审批。",
        "Batches, printer keys, exports, de-activations, voids and transfers to siblings each have"
        " the agreement of a second person.",
        none_of(
            _move_without_second_person(),
            _batch_without_second_person(),
            _export_without_second_person(),
            _printer_without_second_person(),
        ),
    ),
)
