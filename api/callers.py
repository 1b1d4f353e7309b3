"""/api/v1/callers: who recharges, his wrong PINs and locks, and letting him in again."""

from datetime import date, datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from msgspec import Meta, Struct

from api.fields import Reason
from api.guards import WithActor, WithRuntime, staff
from redemption.throttle import Limits
from redemption.unlock import CallerView, Lock, look_at_caller, unlock_caller
from staff.permissions import Permission

_PATTERN = r"^[^\u0000-\u001f\u007f]+$(?!\n)"
_WHO = "tel:NUMBER, partner:NAME/CALLER or staff:USERNAME"
CallerQuery = Annotated[
    str,
    QueryParameter(name="caller", pattern=_PATTERN, min_length=1, max_length=200, description=_WHO),
]
CallerIdentity = Annotated[
    str,
    Meta(
        pattern=_PATTERN,
        min_length=1,
        max_length=200,
        description=_WHO,
        examples=["tel:+8613800138000"],
    ),
]


class UnlockBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose locks are lifted, and why."""

    caller: CallerIdentity
    reason: Reason


class LockShown(Struct, frozen=True, kw_only=True):
    """One lock; `until` is null where only an operator unlocks."""

    rule: str
    at: datetime
    until: datetime | None
    released_at: datetime | None
    reason: str | None


class CallerShown(Struct, frozen=True, kw_only=True):
    """A caller as of now, with his latest locks."""

    caller: str
    locked: bool
    lock_rule: str | None
    locked_until: datetime | None
    day: date
    wrong_today: int
    wrong_in_row: int
    malformed_today: int
    tries_left: int
    locks: list[LockShown]


class Unlocked(Struct, frozen=True):
    """A caller who may go on."""

    caller: str
    locked: bool


@get(
    "/",
    guards=[staff(Permission.VIEW_REDEMPTIONS)],
    sync_to_thread=True,
    summary="Look a caller up",
    operation_id="readCaller",
)
def read_caller(caller: CallerQuery, runtime: WithRuntime, actor: WithActor) -> CallerShown:
    """Return a caller's wrong PINs and locks; that you looked is on record."""
    limits = Limits.of(runtime.settings)
    view = runtime.db.transact(lambda session: look_at_caller(session, actor, limits, caller))
    return _shown(caller, view)


@post(
    "/unlock",
    status_code=200,
    guards=[staff(Permission.UNLOCK_CALLER)],
    sync_to_thread=True,
    summary="Unlock a caller",
    operation_id="unlockCaller",
)
def unlock(
    data: Annotated[
        UnlockBody,
        Body(examples=[Example(value={"caller": "tel:+8613800138000", "reason": "known to us"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> Unlocked:
    """Lift a caller's locks, for a reason that is on record. Sent again it is refused."""
    runtime.db.transact(lambda session: unlock_caller(session, actor, data.caller, data.reason))
    return Unlocked(data.caller, False)


def _shown(caller: str, view: CallerView) -> CallerShown:
    state = view.state
    return CallerShown(
        caller=caller,
        locked=view.locked,
        lock_rule=state.locked_rule,
        locked_until=state.locked_until,
        day=state.day,
        wrong_today=state.wrong_today,
        wrong_in_row=state.wrong_in_row,
        malformed_today=state.malformed_today,
        tries_left=view.tries_left,
        locks=[_lock(lock) for lock in view.locks],
    )


def _lock(lock: Lock) -> LockShown:
    return LockShown(
        rule=lock.rule,
        at=lock.at,
        until=lock.until,
        released_at=lock.released_at,
        reason=lock.reason,
    )


router = Router("/callers", route_handlers=[read_caller, unlock], tags=["customer service"])
