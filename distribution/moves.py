"""The moves of cards between parties: one transaction each, all of the range or nothing.

Order of work: lock the lots, see whether all of them may make the move, lock the party that owes,
post the money, write lots and movements. Moves that need a second person are checked in the same
way first, so that nobody is asked to agree to what cannot be done.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from core.db import Database, Session
from distribution.books import Sale, book
from distribution.consigned import check_papers
from distribution.electronic import check_electronic, withdrawals
from distribution.errors import AlreadyRedeemed, NothingToMove, NotHolder
from distribution.limits import check_stock_limit
from distribution.parties import require_scope
from distribution.requests import MoveOrder, MoveRequest, parse_content, parse_request
from distribution.routes import Route, find_route
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, require
from vouchers.lots import Lot, cut, cut_out, load_lots, merge, save_lots
from vouchers.movements import Cause, Step, record_movements
from vouchers.moves import MOVES, LotOnHold, Terms, after, check, needs_second_person
from vouchers.queries import BatchTerms, batch_terms, held_serials, spent_serials
from vouchers.serials import SerialRange, serial_text
from vouchers.tables import batch


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: how many cards, the movements that tell of it, and its entry in the books."""

    cards: int
    movement_ids: tuple[int, ...]
    entry_id: int | None = None


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """Nothing has moved yet: a second person must agree."""

    approval_id: int


@dataclass(frozen=True, slots=True)
class Movable:
    """The locked lots of a move that may be made, and how many of their cards it would move.

    `cards` is 0 only for a return of cards that are all used: they stay where they are.
    """

    lots: Sequence[Lot]
    cards: int


@dataclass(frozen=True, slots=True)
class Consigned:
    """That a move is part of a consignment: its number, and the approval that covers the whole."""

    number: str
    approval_id: int | None = None


RouteOf = Callable[[Sequence[Lot]], Route]
"""Tells how locked lots travel, or raises where they may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Locked and checked: the lots as they are, and what the move will make of them."""

    order: MoveOrder
    route: Route
    terms: BatchTerms
    locked: Sequence[Lot]
    inside: Sequence[Lot]
    outside: Sequence[Lot]
    staying: Sequence[Lot]
    steps: Sequence[Step]
    spent: Sequence[int]

    @property
    def count(self) -> int:
        return sum(step.count for step in self.steps)


def request_move(db: Database, actor: Actor, request: MoveRequest) -> Moved | PendingApproval:
    """Move cards, or ask for the second person that the move needs, in one transaction.

    A range of up to a whole batch of 100,000. Raises the errors named in distribution.errors;
    then nothing has changed.
    """
    return db.transact(lambda session: move_cards(session, actor, request))


def move_cards(
    session: Session, actor: Actor, request: MoveRequest, consigned: Consigned | None = None
) -> Moved | PendingApproval:
    """Do what `request_move` does in the caller's transaction.

    As part of a consignment the caller has seen to the second person.
    """
    order = parse_request(request)
    plan = _prepare(session, actor, order, _lock(session, actor, order, consigned))
    if consigned is None and needs_second_person(plan.inside, plan.route.move):
        return PendingApproval(_ask(session, actor, plan))
    approval_id = consigned.approval_id if consigned else None
    return _carry_out(session, actor, plan, _cause(actor, order, approval_id))


def activate_at(session: Session, outlet_id: int, cards: SerialRange, cause: Cause) -> Moved:
    """Activate cards that an outlet holds, for one of its tills; no member acts.

    The rules are those of the move `activate`. Raises what it raises.
    """
    order = MoveOrder(
        move=MOVES["activate"],
        cards=cards,
        to=None,
        holder=None,
        spoilt=frozenset(),
        document=cause.document,
        reason=None,
        hold=None,
    )

    def route(lots: Sequence[Lot]) -> Route:
        if {lot.holder_id for lot in lots} != {outlet_id}:
            raise NotHolder("the cards are not all held by the outlet of this till")
        return Route(order.move)

    locked = load_lots(session, cards)
    check_papers(session, order)
    return _carry_out(session, None, _plan(session, order, locked, route), cause)


def check_move(
    session: Session, actor: Actor, request: MoveRequest, consigned: Consigned
) -> Movable:
    """Return what a move that may be made would move; raises as the move, but for NothingToMove."""
    order = parse_request(request)
    locked = _lock(session, actor, order, consigned)
    plan = _plan(session, order, locked, partial(find_route, session, actor, order))
    return Movable(plan.inside, plan.count)


def carry_out_agreed(session: Session, decision: Decision) -> Moved:
    """Make the move that two persons want, as the first of them.

    Raises ContentChanged where the lots are no longer those that were asked about.
    """
    order = parse_content(decision.content)
    locked = _lock(session, decision.requester, order, None)
    _, inside, _ = cut(locked, order.cards)
    if lots_digest(inside) != decision.content["lots_digest"]:
        raise ContentChanged("the cards have moved since; ask again")
    require_scope(session, decision.decider, {lot.holder_id for lot in inside})
    plan = _prepare(session, decision.requester, order, locked)
    cause = _cause(decision.requester, order, decision.approval_id)
    return _carry_out(session, decision.decider, plan, cause)


def lots_digest(lots: Sequence[Lot]) -> str:
    """Name the state of lots: any change of any card's facts in them changes it."""
    text = ",".join(f"{lot.first_serial}-{lot.last_serial}:{lot.version}" for lot in lots)
    return hashlib.sha256(text.encode()).hexdigest()


def _lock(
    session: Session, actor: Actor, order: MoveOrder, consigned: Consigned | None
) -> list[Lot]:
    require(actor, order.move.permission)
    locked = load_lots(session, order.cards)
    if consigned is None:
        check_papers(session, order)
    return locked


def _prepare(session: Session, actor: Actor, order: MoveOrder, locked: list[Lot]) -> _Plan:
    plan = _plan(session, order, locked, partial(find_route, session, actor, order))
    if not plan.steps:
        raise NothingToMove("every card of the range is redeemed or replaced")
    return plan


def _plan(session: Session, order: MoveOrder, locked: list[Lot], route_of: RouteOf) -> _Plan:
    left, inside, right = cut(locked, order.cards)
    route = route_of(inside)
    check(inside, route.move)
    if route.move.held == "no":
        _check_single_holds(session, order)
    # Only now: with the lots locked no redemption can be added to the range.
    spent = spent_serials(session, order.cards)
    terms = batch_terms(session, order.cards.batch_id)
    if terms.is_electronic:
        check_electronic(order)
    moving, staying = _part(order, inside, spent)
    return _Plan(
        order=order,
        route=route,
        terms=terms,
        locked=locked,
        inside=inside,
        outside=[*left, *right],
        staying=staying,
        steps=_steps(session, order, route, terms, moving),
        spent=spent,
    )


def _part(order: MoveOrder, inside: list[Lot], spent: Sequence[int]) -> tuple[list[Lot], list[Lot]]:
    """Part the lots into those that move and those that stay, as the move treats used cards."""
    if order.move.name == "deactivate" and spent:
        raise AlreadyRedeemed(
            f"{len(spent)} cards of the range are redeemed or replaced",
            count=len(spent),
            serial=serial_text(spent[0]),
        )
    if order.move.name != "return" or not spent:
        return inside, []
    moving, staying = cut_out(inside, spent)
    return moving, merge(staying)


def _steps(
    session: Session, order: MoveOrder, route: Route, terms: BatchTerms, moving: Sequence[Lot]
) -> list[Step]:
    facts = Terms(
        party_id=route.to_id,
        hold=order.hold,
        today=session.today,
        printed_expires_on=terms.printed_expires_on,
    )
    good, spoilt = cut_out(moving, order.spoilt)
    pieces = [(lot, route.move) for lot in good] + [(lot, MOVES["spoil"]) for lot in merge(spoilt)]
    return [
        Step(move=move.name, before=lot, after=after(lot, move, facts))
        for lot, move in sorted(pieces, key=lambda piece: piece[0].first_serial)
    ]


def _carry_out(session: Session, by: Actor | None, plan: _Plan, cause: Cause) -> Moved:
    order = plan.order
    sale = Sale(cards=order.cards, terms=plan.terms, spent=plan.spent)
    steps = book(session, sale, plan.steps)
    last = withdrawals(session, plan.steps) if plan.terms.is_electronic else []
    new = [*plan.outside, *plan.staying, *(step.after for step in last or plan.steps)]
    save_lots(session, plan.locked, sorted(new, key=lambda lot: lot.first_serial))
    movement_ids = record_movements(session, [*steps, *last], cause)
    if plan.route.move.name in ("dispatch", "transfer") and plan.route.to_id is not None:
        check_stock_limit(session, plan.inside[0].holder_id, plan.route.to_id)
    _count_deliveries(session, plan)
    _log(session, by, plan)
    entry_id = next((step.entry_id for step in steps if step.entry_id is not None), None)
    return Moved(plan.count, tuple(movement_ids), entry_id)


def _count_deliveries(session: Session, plan: _Plan) -> None:
    """Keep delivered + spoilt of the batch; cards made void before they came count as spoilt."""
    fresh = [s for s in plan.steps if s.before and s.before.stage in ("generated", "printing")]
    spoilt = sum(step.count for step in fresh if step.after.stage == "void")
    delivered = sum(step.count for step in fresh if step.after.stage == "stocked")
    if spoilt or delivered:
        session.execute(
            batch.update()
            .where(batch.c.id == plan.order.cards.batch_id)
            .values(
                delivered_count=batch.c.delivered_count + delivered,
                spoilt_count=batch.c.spoilt_count + spoilt,
            )
        )


def _ask(session: Session, actor: Actor, plan: _Plan) -> int:
    content = plan.order.content() | {
        "cards": plan.count,
        "face_fen": plan.terms.face_fen,
        "lots_digest": lots_digest(plan.inside),
    }
    move = plan.route.move.name
    return approvals.request(session, actor, move, content)


def _check_single_holds(session: Session, order: MoveOrder) -> None:
    held = held_serials(session, order.cards)
    if held:
        raise LotOnHold(
            f"the card {serial_text(held[0])} is on hold", first_serial=serial_text(held[0])
        )


def _cause(actor: Actor, order: MoveOrder, approval_id: int | None = None) -> Cause:
    return Cause(
        member_id=actor.member_id,
        approval_id=approval_id,
        document=order.document,
        reason=order.reason,
    )


def _log(session: Session, actor: Actor | None, plan: _Plan) -> None:
    order = plan.order
    events.record(
        session,
        actor,
        f"stock.{plan.route.move.name}",
        f"batch:{order.cards.batch_id}",
        first_serial=serial_text(order.cards.first),
        last_serial=serial_text(order.cards.last),
        cards=plan.count,
        to_party_id=plan.route.to_id,
        document=order.document,
        reason=order.reason,
    )
