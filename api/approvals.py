"""/api/v1/approvals: what waits for a second person, and his decision."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct

from api.actions import ACTIONS
from api.fields import OneTimeCode, Reason
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, IdPath, Limit
from api.runtime import Runtime
from staff import approvals, second_person
from staff.approvals import Approval
from staff.permissions import Actor, Permission
from staff.second_person import Decider

CODE = Example(value={"code": "123456"})


class AgreeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The authenticator's code of now: a token alone is not enough."""

    code: OneTimeCode

    def __repr__(self) -> str:
        return "AgreeBody(hidden)"


class RefuseBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the request is refused, and the authenticator's code of now."""

    reason: Reason
    code: OneTimeCode

    def __repr__(self) -> str:
        return "RefuseBody(hidden)"


class ApprovalShown(Struct, frozen=True, kw_only=True):
    """A request for a second person; `content` is exactly what agreeing carries out.

    `state` is requested, agreed, refused or void.
    """

    id: str
    kind: str
    summary_zh: str
    summary_en: str
    content: dict[str, Any]
    digest: str
    state: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class Approvals(Struct, frozen=True):
    """A page of open requests, oldest first. `next_after` begins the next page, or is null."""

    approvals: list[ApprovalShown]
    next_after: str | None


class Decided(Struct, frozen=True):
    """The state of a request after the decision."""

    approval_id: str
    state: str


@get(
    "/",
    guards=[staff(Permission.VIEW_APPROVALS)],
    sync_to_thread=True,
    summary="List open approvals",
    operation_id="listApprovals",
)
def list_open(runtime: WithRuntime, after: AfterId = None, limit: Limit = 50) -> Approvals:
    """Return what still waits for a second person."""
    with runtime.db.read() as session:
        found = approvals.list_open(session, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Approvals([_shown(item) for item in page], more)


@get(
    "/{approval_id:str}",
    guards=[staff(Permission.VIEW_APPROVALS)],
    sync_to_thread=True,
    summary="Read an approval",
    operation_id="readApproval",
)
def read_approval(approval_id: IdPath, runtime: WithRuntime) -> ApprovalShown:
    """Return a request for a second person, open or decided."""
    with runtime.db.read() as session:
        return _shown(approvals.get(session, approval_id))


@post(
    "/{approval_id:str}/agree",
    status_code=200,
    guards=[staff(Permission.APPROVE)],
    sync_to_thread=True,
    summary="Agree",
    operation_id="agree",
)
def agree(
    approval_id: IdPath,
    data: Annotated[AgreeBody, Body(examples=[CODE])],
    runtime: WithRuntime,
    actor: WithActor,
) -> Decided:
    """Agree as another person than the requester; what was asked for happens in that moment.

    Each code works once, for one decision or one sign-in.
    """
    second_person.agree(runtime.db, decider(runtime, actor, data.code), approval_id, ACTIONS)
    return Decided(str(approval_id), "agreed")


@post(
    "/{approval_id:str}/refuse",
    status_code=200,
    guards=[staff(Permission.APPROVE)],
    sync_to_thread=True,
    summary="Refuse",
    operation_id="refuse",
)
def refuse(
    approval_id: IdPath,
    data: Annotated[
        RefuseBody, Body(examples=[Example(value={"reason": "wrong printer", "code": "123456"})])
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> Decided:
    """Refuse with a reason; nothing of what was asked for happens."""
    by = decider(runtime, actor, data.code)
    second_person.refuse(runtime.db, by, approval_id, data.reason, ACTIONS)
    return Decided(str(approval_id), "refused")


def decider(runtime: Runtime, actor: Actor, code: str) -> Decider:
    """Return who decides, with the code that he just read."""
    return Decider(actor, code, runtime.keys.get(), runtime.limits)


def _shown(item: Approval) -> ApprovalShown:
    told = approvals.summarise(item, ACTIONS)
    return ApprovalShown(
        id=str(item.id),
        kind=item.kind,
        summary_zh=told.zh,
        summary_en=told.en,
        content=item.content,
        digest=item.digest,
        state=item.state,
        requested_by=item.requester.username,
        requested_at=item.requested_at,
        expires_at=item.expires_at,
        decided_by=item.decider,
        decided_at=item.decided_at,
        reason=item.reason,
    )


router = Router(
    "/approvals", route_handlers=[list_open, read_approval, agree, refuse], tags=["approvals"]
)
