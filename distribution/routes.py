"""Who may move which cards to whom: holders, receivers, children, parents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.db import Session
from core.errors import InvalidInput
from distribution.errors import NotAChild, NotAtOutlet, NotHolder, NotReceiver, NotTheParent
from distribution.parties import (
    Party,
    party_by_code,
    party_by_id,
    require_scope,
    warehouse_id,
)
from distribution.requests import MoveOrder
from staff.permissions import Actor, require
from vouchers.lots import Lot
from vouchers.moves import MOVES, Move

_MANY_HOLDERS = ("hold", "release", "void")
"""Moves that leave the holder alone, so the range may be held by several."""


@dataclass(frozen=True, slots=True)
class Route:
    """The move as the parties make it, and the party the cards go to, if any."""

    move: Move
    to_id: int | None = None


def find_route(session: Session, actor: Actor, order: MoveOrder, lots: Sequence[Lot]) -> Route:
    """Return how the locked lots travel, once it is sure that this actor may send them there.

    Raises NotHolder, NotReceiver, NotAChild, NotTheParent, NotAtOutlet, PartyUnknown, Forbidden,
    InvalidInput.
    """
    holder = _the_holder(session, actor, order, lots)
    match order.move.name:
        case "take_into_stock":
            return Route(order.move, warehouse_id(session))
        case "dispatch":
            return _dispatch(session, actor, order, holder)
        case "return":
            return Route(order.move, _parent(session, order, holder))
        case "activate":
            _check_outlet(holder)
    return Route(order.move)


def _the_holder(
    session: Session, actor: Actor, order: MoveOrder, lots: Sequence[Lot]
) -> Party | None:
    holders = {lot.holder_id for lot in lots}
    if order.holder is not None and holders != {party_by_code(session, order.holder).id}:
        raise NotHolder("the cards are not all held by that party")
    if order.move.name == "receive":
        _check_receiver(session, actor, order, lots)
        return None
    require_scope(session, actor, holders)
    if order.move.name in _MANY_HOLDERS:
        return None
    if len(holders) != 1:
        raise NotHolder("the range is held by several parties; send one range for each")
    return party_by_id(session, holders.pop())


def _check_receiver(session: Session, actor: Actor, order: MoveOrder, lots: Iterable[Lot]) -> None:
    receivers = {lot.in_transit_to for lot in lots if lot.in_transit_to is not None}
    require_scope(session, actor, receivers or {lot.holder_id for lot in lots})
    if len(receivers) > 1:
        raise NotReceiver("the range is on the way to several parties; receive each apart")
    if order.to is not None and receivers != {party_by_code(session, order.to).id}:
        raise NotReceiver("the cards are not on the way to that party")


def _dispatch(session: Session, actor: Actor, order: MoveOrder, holder: Party | None) -> Route:
    if holder is None or order.to is None:
        raise InvalidInput("say to which party the cards go")
    receiver = party_by_code(session, order.to)
    if receiver.parent_id == holder.id:
        return Route(order.move, receiver.id)
    if receiver.id == holder.id or receiver.parent_id is None:
        raise NotAChild("the cards go to a party below their holder")
    if receiver.parent_id != holder.parent_id:
        raise NotAChild("the cards go to a child of their holder, or to a sibling by transfer")
    require(actor, MOVES["transfer"].permission)
    return Route(MOVES["transfer"], receiver.id)


def _parent(session: Session, order: MoveOrder, holder: Party | None) -> int:
    if holder is None or holder.parent_id is None:
        raise NotTheParent("the warehouse has nobody to return cards to")
    if order.to is not None and party_by_code(session, order.to).id != holder.parent_id:
        raise NotTheParent("cards are returned to the holder's parent")
    return holder.parent_id


def _check_outlet(holder: Party | None) -> None:
    if holder is None or holder.kind != "outlet":
        raise NotAtOutlet("cards are activated at the outlet that sells them")
