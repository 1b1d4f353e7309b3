"""Invariants of stock: counts add up and end on grounds, consigned stock stays within its limit."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Exists, ScalarSelect, Select, and_, exists, func, or_, select

from audit.invariant import SLACK_S, Invariant, Offence, first_of, none_of
from audit.ranges import movement_size, total
from core.db import Session
from distribution.contracts import contract_area
from distribution.limits import unsold_stock_fen
from distribution.parties import subtree_ids
from distribution.ranges import covers
from distribution.tables import (
    contract,
    contract_version,
    difference_answer,
    difference_movement,
    stock_count,
    stock_count_line,
    stock_difference,
)
from vouchers.serials import SerialRange
from vouchers.tables import batch, denomination, stock_movement

_SLACK = timedelta(seconds=SLACK_S)
_moved = stock_movement.c
_line, _difference = stock_count_line.c, stock_difference.c


def _count_unlike_its_lines() -> Select[Any]:
    """Found are the lines; expected is what was found, less the strange, with the missing."""
    found = (
        select(total(_line.last_serial - _line.first_serial + 1))
        .where(_line.count_id == stock_count.c.id)
        .scalar_subquery()
    )
    missing, strange = _cards("missing"), _cards("unexpected")
    return select(
        stock_count.c.id.label("count"),
        stock_count.c.expected_cards,
        stock_count.c.found_cards,
        found.label("lines"),
        missing.label("missing"),
        strange.label("unexpected"),
    ).where(
        or_(
            stock_count.c.found_cards != found,
            stock_count.c.expected_cards != found - strange + missing,
        )
    )


def _cards(kind: str) -> ScalarSelect[int]:
    """How many cards of the outer count's differences are of a kind."""
    return (
        select(total(_difference.last_serial - _difference.first_serial + 1))
        .where(_difference.count_id == stock_count.c.id, _difference.kind == kind)
        .scalar_subquery()
    )


def _difference_unlike_its_lines() -> Select[Any]:
    """Missing cards that were found, or unexpected ones that were not."""
    of_count = _line.count_id == _difference.count_id
    touched = exists().where(
        of_count,
        _line.first_serial <= _difference.last_serial,
        _line.last_serial >= _difference.first_serial,
    )
    found = exists().where(
        of_count,
        _line.first_serial <= _difference.first_serial,
        _line.last_serial >= _difference.last_serial,
    )
    return select(
        _difference.id.label("difference"),
        _difference.kind,
        _difference.first_serial,
        _difference.last_serial,
    ).where(
        or_(
            and_(_difference.kind == "missing", touched),
            and_(_difference.kind == "unexpected", ~found),
        )
    )


def _ended_by_another_count() -> Select[Any]:
    """Differences whose later count is of another party, not later, or differs about them too."""
    later = stock_count.alias("later")
    return (
        select(_difference.id.label("difference"), difference_answer.c.recount_id.label("count"))
        .join(difference_answer, difference_answer.c.difference_id == _difference.id)
        .join(stock_count, stock_count.c.id == _difference.count_id)
        .join(later, later.c.id == difference_answer.c.recount_id)
        .where(
            or_(
                later.c.party_id != stock_count.c.party_id,
                later.c.at <= stock_count.c.at,
                _differs_too(),
            )
        )
    )


def _differs_too() -> Exists:
    other = stock_difference.alias("other")
    return exists().where(
        other.c.count_id == difference_answer.c.recount_id,
        other.c.first_serial <= _difference.last_serial,
        other.c.last_serial >= _difference.first_serial,
    )


def _ended_by_other_moves(session: Session) -> Iterator[Offence]:
    """Differences whose named moves, made since the count, do not cover all their cards."""
    since = and_(_moved.id == difference_movement.c.movement_id, _moved.at >= stock_count.c.at)
    rows = session.execute(
        select(
            _difference.id,
            _difference.first_serial,
            _difference.last_serial,
            _moved.first_serial.label("first_moved"),
            _moved.last_serial.label("last_moved"),
        )
        .join(difference_answer, difference_answer.c.difference_id == _difference.id)
        .join(stock_count, stock_count.c.id == _difference.count_id)
        .outerjoin(difference_movement, difference_movement.c.difference_id == _difference.id)
        .outerjoin(stock_movement, since)
        .where(difference_answer.c.recount_id.is_(None))
        .order_by(_difference.id)
    )
    for (difference_id, first, last), group in groupby(rows, key=lambda row: tuple(row[:3])):
        moved = [SerialRange(*row[3:]) for row in group if row.first_moved is not None]
        if not covers(moved, SerialRange(first, last)):
            yield Offence(f"difference {difference_id}", {"moves": str(len(moved))})


def _over_its_stock_limit(session: Session) -> Iterator[Offence]:
    """Parties that hold more than their contract lets them, though cards were sent to them since.

    Only sending looks at the limit: what is de-activated or comes back may stand above it, as may
    what was held before the contract, or one below it, was written.
    """
    consigned = select(contract).where(contract.c.sale_model == "consignment")
    for row in session.execute(consigned.order_by(contract.c.party_id)).all():
        area = contract_area(row.party_id)
        held_fen = unsold_stock_fen(session, row.party_id)
        if held_fen <= row.limit_fen:
            continue
        sent_at = _last_sent_at(session, area)
        if sent_at is None or sent_at <= _terms_since(session, row) + _SLACK:
            continue
        back_fen = _came_back_fen(session, area, sent_at - _SLACK)
        if held_fen - back_fen > row.limit_fen:
            facts = {"limit_fen": row.limit_fen, "held_fen": held_fen, "came_back_fen": back_fen}
            yield Offence(f"party {row.party_id}", {name: str(fen) for name, fen in facts.items()})


def _last_sent_at(session: Session, area: Select[Any]) -> datetime | None:
    """When cards were last sent to the parties of the contract by another."""
    sent = select(func.max(_moved.at)).where(
        _moved.move.in_(("dispatch", "transfer")),
        _moved.in_transit_to.in_(area),
        _moved.from_holder.not_in(area),
    )
    at: datetime | None = session.execute(sent).scalar_one()
    return at


def _terms_since(session: Session, row: Any) -> datetime:
    """Since when the contract is as it is, and is that of the same parties."""
    version = contract_version.c
    own = and_(version.party_id == row.party_id, version.version == row.version)
    below = subtree_ids(session, row.party_id) - {row.party_id}
    new = and_(version.party_id.in_(sorted(below)), version.version == 1)
    since: datetime = session.execute(
        select(func.max(version.at)).where(or_(own, new))
    ).scalar_one()
    return since


def _came_back_fen(session: Session, area: Select[Any], since: datetime) -> int:
    """What became unsold stock of these parties without being sent to them."""
    back = (
        select(total(movement_size * denomination.c.face_fen))
        .select_from(stock_movement)
        .join(batch, batch.c.id == _moved.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(
            _moved.move.in_(("deactivate", "return")),
            or_(_moved.to_holder.in_(area), _moved.in_transit_to.in_(area)),
            or_(_moved.from_stage == "active", _moved.from_holder.not_in(area)),
            _moved.at > since,
        )
    )
    return int(session.execute(back).scalar_one())


STOCK = (
    Invariant(
        "stock_counts",
        "每份盘点单：实盘等于明细，账面等于实盘减多出加缺少；已了结的差异有其后的流水或复盘为据。",
        "A stock count is the sum of its lines and differences, and a difference ended by later"
        " moves of all its cards or by a later count without it.",
        lambda session: first_of(
            [
                *none_of(
                    _count_unlike_its_lines(),
                    _difference_unlike_its_lines(),
                    _ended_by_another_count(),
                )(session),
                *_ended_by_other_moves(session),
            ]
        ),
    ),
    Invariant(
        "consigned_stock",
        "代销合同下的未售库存不超过合同限额；超出部分只能来自撤销激活、退回或合同变更。",
        "No party holds more unsold cards than its consignment contract allows, but for what came"
        " back or was held before.",
        lambda session: first_of(_over_its_stock_limit(session)),
    ),
)
