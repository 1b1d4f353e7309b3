"""What one person asks for and another must agree to before it happens."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Database, Session
from core.errors import DomainError, NotFound
from core.settings import Settings
from core.text import clean
from staff import events
from staff.permissions import Actor, Forbidden, Permission, require
from staff.tables import approval, staff_member

LIFETIME = timedelta(days=7)
"""An approval that nobody decided for this long is closed."""


class SamePerson(DomainError):
    """Nobody decides on his own request, under whatever account."""

    code = "same_person"


class ApprovalClosed(DomainError):
    """The approval was decided before, or it expired."""

    code = "approval_closed"


class ApprovalExpired(ApprovalClosed):
    """Nobody decided in time."""


class ContentChanged(DomainError):
    """What was asked for no longer fits the facts; the approval is void, ask again."""

    code = "content_changed"


@dataclass(frozen=True)
class Approval:
    """A stored request; `state` is requested, agreed, refused or void."""

    id: int
    kind: str
    content: dict[str, Any]
    content_text: str
    digest: str
    state: str
    requester: Actor
    requester_active: bool
    requested_at: datetime
    decider: str | None
    decided_at: datetime | None
    reason: str | None

    @property
    def expires_at(self) -> datetime:
        """The instant from which it can no longer be decided."""
        return self.requested_at + LIFETIME


@dataclass(frozen=True)
class Decision:
    """What an action is told: the content agreed to (or refused), and by whom.

    `decider` is the requester himself only where an expired request is cleared away. `settings` are
    those of the process that carries it out.
    """

    approval_id: int
    kind: str
    content: dict[str, Any]
    requester: Actor
    decider: Actor
    settings: Settings


@dataclass(frozen=True, slots=True)
class Summary:
    """What agreeing will do, in one sentence of each language."""

    zh: str
    en: str


@dataclass(frozen=True)
class Action:
    """What deciding on one kind of approval means.

    The decider needs Permission.APPROVE and `permission`. `carry_out` runs in the transaction
    that stores the agreement. `on_refuse` clears away what the request had prepared, when it is
    refused, expires or becomes void. `summary` says from the content alone what will happen.
    """

    permission: Permission
    carry_out: Callable[[Session, Decision], Any]
    on_refuse: Callable[[Session, Decision], None] | None = None
    summary: Callable[[Mapping[str, Any]], Summary] | None = None


Actions = Mapping[str, Action]


def request(session: Session, actor: Actor, kind: str, content: dict[str, Any]) -> int:
    """Store a request for a second person; return the approval's id.

    The content must be plain JSON values and hold all that is asked for: agreeing carries out
    exactly this text.
    """
    text = events.canonical_json(content)
    approval_id = session.new_id()
    row = {
        "id": approval_id,
        "kind": kind,
        "content": text,
        "digest": _digest(text),
        "state": "requested",
        "requested_by": actor.member_id,
        "requester_person_id": actor.person_id,
        "requested_at": session.now,
    }
    session.execute(approval.insert(), row)
    events.record(session, actor, "approval.requested", subject(approval_id), approval_kind=kind)
    return approval_id


def subject(approval_id: int) -> str:
    """Return the name under which the event log keeps an approval."""
    return f"approval:{approval_id}"


def get(session: Session, approval_id: int) -> Approval:
    """Return a stored approval; NotFound if there is none."""
    row = session.execute(_query().where(approval.c.id == approval_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no approval {approval_id}")
    return _approval(row)


def list_open(session: Session, after_id: int = 0, limit: int = 50) -> list[Approval]:
    """Return approvals that still can be decided, oldest first, at most `limit` (1 to 500)."""
    query = _query().where(
        approval.c.state == "requested",
        approval.c.requested_at > session.now - LIFETIME,
        approval.c.id > after_id,
    )
    rows = session.execute(query.order_by(approval.c.id).limit(max(1, min(limit, 500))))
    return [_approval(row) for row in rows]


def agree(db: Database, actor: Actor, approval_id: int, actions: Actions) -> Any:
    """Agree, and carry the request out in the same transaction; return what the action returns.

    Raises SamePerson, Forbidden, ApprovalClosed. Where the content no longer holds
    (ContentChanged) or the time is over, nothing is carried out and the approval is stored as
    void. Any other error of the action leaves the approval open.
    """

    def work(session: Session) -> Any:
        decision = _decide(db, session, actor, approval_id, actions, "agreed", None)
        return actions[decision.kind].carry_out(session, decision)

    return _void_if_outdated(db, actor, approval_id, actions, work)


def refuse(db: Database, actor: Actor, approval_id: int, reason: str, actions: Actions) -> None:
    """Refuse with a reason; raises as `agree` does, and InvalidInput for an empty reason."""
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> None:
        decision = _decide(db, session, actor, approval_id, actions, "refused", why)
        _clear_away(session, decision, actions)

    _void_if_outdated(db, actor, approval_id, actions, work)


def close_expired(db: Database, actions: Actions) -> list[int]:
    """Make void what nobody decided within LIFETIME; return the ids. For the daily round."""

    def work(session: Session) -> list[int]:
        query = _query().where(
            approval.c.state == "requested",
            approval.c.requested_at <= session.now - LIFETIME,
            approval.c.kind.in_(actions),
        )
        old = [_approval(row) for row in session.execute(query.order_by(approval.c.id).limit(500))]
        return [item.id for item in old if _make_void(db, session, item, None, "expired", actions)]

    return db.transact(work)


def summarise(found: Approval, actions: Actions) -> Summary:
    """Return what agreeing will do; a kind without a sentence is told by its content. Pure."""
    action = actions.get(found.kind)
    if action is not None and action.summary is not None:
        return action.summary(found.content)
    plain = {k: v for k, v in found.content.items() if isinstance(v, str | int) and v != ""}
    facts = "; ".join(f"{name} {value}" for name, value in plain.items())
    what = found.kind.replace("_", " ")
    return Summary(f"{what}：{facts}", f"{what}: {facts}")


def check_decidable(found: Approval, decider: Actor, now: datetime) -> None:
    """Raise unless this person may decide on this approval now. Pure.

    Domain rule: nobody approves his own request; a person with two accounts is one person.
    """
    if found.requester.person_id == decider.person_id:
        raise SamePerson("another person must decide on your request")
    if found.state != "requested":
        raise ApprovalClosed(f"the approval is closed: {found.state}", state=found.state)
    if now >= found.expires_at:
        raise ApprovalExpired("the approval expired, ask again", state="expired")
    if _digest(found.content_text) != found.digest:
        raise ContentChanged("the stored content is not what was asked for")
    if not found.requester_active:
        raise ContentChanged("the member who asked for this is disabled")


def _decide(
    db: Database,
    session: Session,
    actor: Actor,
    approval_id: int,
    actions: Actions,
    state: str,
    reason: str | None,
) -> Decision:
    found = get(session, approval_id)
    require(actor, Permission.APPROVE)
    if found.kind not in actions:
        raise NotFound(f"approvals of the kind {found.kind} cannot be decided here")
    require(actor, actions[found.kind].permission)
    if state == "refused" and actor.party_id is not None:
        # What is agreed to looks at whose cards they are when it is carried out; this would not.
        raise Forbidden("members of a party agree for its cards, and refuse nothing")
    check_decidable(found, actor, session.now)
    if not _close(session, found, actor, state, reason):
        raise ApprovalClosed("the approval was decided just now by somebody else")
    return Decision(found.id, found.kind, found.content, found.requester, actor, db.settings)


def _close(
    session: Session, found: Approval, actor: Actor | None, state: str, reason: str | None
) -> bool:
    """Move an open approval to its last state; False when another transaction did so first."""
    done = session.execute(
        approval.update()
        .where(approval.c.id == found.id, approval.c.state == "requested")
        .values(
            state=state,
            decided_by=actor.member_id if actor else None,
            decider_person_id=actor.person_id if actor else None,
            decided_at=session.now,
            reason=reason,
        )
    )
    if done.rowcount != 1:
        return False
    detail = {"approval_kind": found.kind, "digest": found.digest, "reason": reason}
    events.record(session, actor, f"approval.{state}", subject(found.id), **detail)
    return True


def _void_if_outdated(
    db: Database,
    actor: Actor,
    approval_id: int,
    actions: Actions,
    work: Callable[[Session], Any],
) -> Any:
    try:
        return db.transact(work)
    except (ContentChanged, ApprovalExpired) as error:
        # The first transaction is rolled back with all the action did; this must be kept.
        why = "expired" if isinstance(error, ApprovalExpired) else error.message
        db.transact(
            lambda session: _make_void(db, session, get(session, approval_id), actor, why, actions)
        )
        raise


def _make_void(
    db: Database,
    session: Session,
    found: Approval,
    actor: Actor | None,
    why: str,
    actions: Actions,
) -> bool:
    if not _close(session, found, actor, "void", why):
        return False
    if _digest(found.content_text) != found.digest:
        return True  # nothing may be done by a text that nobody asked for
    decision = Decision(
        found.id, found.kind, found.content, found.requester, actor or found.requester, db.settings
    )
    _clear_away(session, decision, actions)
    return True


def _clear_away(session: Session, decision: Decision, actions: Actions) -> None:
    on_refuse = actions[decision.kind].on_refuse
    if on_refuse is not None:
        on_refuse(session, decision)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _query() -> Select[Any]:
    requester, decider = staff_member.alias("requester"), staff_member.alias("decider")
    return (
        select(
            approval,
            requester.c.person_id,
            requester.c.username,
            requester.c.role,
            requester.c.party_id,
            requester.c.active,
            decider.c.username.label("decider"),
        )
        .join(requester, requester.c.id == approval.c.requested_by)
        .outerjoin(decider, decider.c.id == approval.c.decided_by)
    )


def _approval(row: Row[Any]) -> Approval:
    requester = Actor(row.requested_by, row.person_id, row.username, row.role, row.party_id)
    return Approval(
        id=row.id,
        kind=row.kind,
        content=json.loads(row.content),
        content_text=row.content,
        digest=row.digest,
        state=row.state,
        requester=requester,
        requester_active=row.active,
        requested_at=row.requested_at,
        decider=row.decider,
        decided_at=row.decided_at,
        reason=row.reason,
    )
