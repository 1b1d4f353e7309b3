"""Callers who are locked out: who they are, and how an operator lets one in again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select

from core.db import Session
from core.errors import DomainError, NotFound
from core.text import clean
from redemption.facts import caller_state
from redemption.requests import Budget
from redemption.tables import caller, caller_lock
from redemption.throttle import CallerState, Limits, is_locked, on_day, tries_left
from staff import events
from staff.permissions import Actor, Permission, require

_LATEST_LOCKS = 10


class CallerUnknown(NotFound):
    """Nobody of this identity ever sent a wrong PIN."""

    code = "caller_unknown"


class CallerNotLocked(DomainError):
    """The caller is not locked, so there is nothing to lift."""

    code = "caller_not_locked"


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock in a caller's history; `until` is empty where only an operator unlocks."""

    rule: str
    at: datetime
    until: datetime | None
    released_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CallerView:
    """A caller as of now: today's wrong PINs, those in a row, tries left, the latest locks."""

    state: CallerState
    locked: bool
    tries_left: int
    locks: tuple[Lock, ...]


def view_caller(session: Session, actor: Actor, limits: Limits, identity: str) -> CallerView:
    """Return what is counted on a caller, like `tel:+8613800138000`; raises CallerUnknown."""
    require(actor, Permission.VIEW_REDEMPTIONS)
    state = _read(session, _of(identity))
    rows = session.execute(
        select(caller_lock)
        .where(caller_lock.c.caller == identity)
        .order_by(caller_lock.c.at.desc(), caller_lock.c.id.desc())
        .limit(_LATEST_LOCKS)
    )
    locks = tuple(Lock(r.rule, r.at, r.until, r.released_at, r.reason) for r in rows)
    left = tries_left(state, Budget.OWN, limits) or 0
    return CallerView(state, is_locked(state), 0 if is_locked(state) else left, locks)


def look_at_caller(session: Session, actor: Actor, limits: Limits, identity: str) -> CallerView:
    """Do as `view_caller`, and put on record who looked."""
    view = view_caller(session, actor, limits, identity)
    events.record(session, actor, "caller.looked_up", f"caller:{identity}")
    return view


def unlock_caller(session: Session, actor: Actor, identity: str, reason: str) -> None:
    """Lift the locks of a caller and begin his counts of wrong PINs anew.

    Domain rule: unlocking needs a reason and is on record; a second person is not needed. A new
    lock within 7 days is still a second one. Raises CallerUnknown, CallerNotLocked, InvalidInput.
    """
    require(actor, Permission.UNLOCK_CALLER)
    why = clean(reason, "the reason", 500)
    state = _read(session, _of(identity).with_for_update())
    if not is_locked(state):
        raise CallerNotLocked("the caller is not locked")
    session.execute(
        caller.update()
        .where(caller.c.identity == identity)
        .values(
            day=state.day,
            wrong_today=0,
            malformed_today=0,
            wrong_in_row=0,
            locked_rule=None,
            locked_until=None,
        )
    )
    session.execute(
        caller_lock.update()
        .where(
            caller_lock.c.caller == identity,
            caller_lock.c.released_at.is_(None),
            or_(caller_lock.c.until.is_(None), caller_lock.c.until > session.now),
        )
        .values(released_at=session.now, released_by=actor.member_id, reason=why)
    )
    events.record(session, actor, "caller.unlocked", f"caller:{identity}", reason=why)


def _of(identity: str) -> Select[tuple[object, ...]]:
    return select(*caller.c).where(caller.c.identity == identity)


def _read(session: Session, query: Select[tuple[object, ...]]) -> CallerState:
    row = session.execute(query).one_or_none()
    if row is None:
        raise CallerUnknown("nothing was ever counted on this caller: he is not locked")
    return on_day(caller_state(row), session.now, session.zone)
