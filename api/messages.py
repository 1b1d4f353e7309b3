"""/api/v1/messages: what left for customers and staff, what did not, and sending it again."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.params import QueryParameter
from msgspec import Struct

from api.fields import MAX_ID
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import IdPath, Limit
from api.strict import no_body
from staff.messages import StoredMessage, list_messages, resend_message
from staff.permissions import Permission

StateWanted = Annotated[
    Literal["waiting", "sent", "given_up"] | None,
    QueryParameter(name="state", description="Only messages in this state."),
]
BeforeId = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=MAX_ID, description="Only those before this id: `next_before` of the last page."
    ),
]


class MessageShown(Struct, frozen=True, kw_only=True):
    """One message: never its text, and the recipient with its middle hidden.

    `state` is waiting, sent or given_up; `last_error` says why the last try failed, `delivery` what
    the gateway reported: accepted, buffered, failed or delivered.
    """

    id: str
    kind: str
    recipient: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    given_up_at: datetime | None
    last_error: str | None
    delivery: str | None


class Messages(Struct, frozen=True):
    """A page of messages, newest first. `next_before` begins the next page, or is null."""

    messages: list[MessageShown]
    next_before: str | None


class Resent(Struct, frozen=True):
    """The message waits to be sent again."""

    message_id: str
    state: str


@get(
    "/",
    guards=[staff(Permission.VIEW_MESSAGES)],
    sync_to_thread=True,
    summary="List messages",
    operation_id="listMessages",
)
def list_all(
    runtime: WithRuntime,
    actor: WithActor,
    message_state: StateWanted = None,
    before: BeforeId = None,
    limit: Limit = 50,
) -> Messages:
    """Return messages to customers and staff, newest first."""
    with runtime.db.read() as session:
        found = list_messages(session, actor, message_state, before, limit + 1)
    page, more = cut_page(found, limit)
    return Messages([_shown(item) for item in page], more)


@post(
    "/{message_id:str}/resend",
    status_code=200,
    guards=[staff(Permission.RESEND_MESSAGES), no_body],
    sync_to_thread=True,
    summary="Send a message again",
    operation_id="resendMessage",
)
def resend(message_id: IdPath, runtime: WithRuntime, actor: WithActor) -> Resent:
    """Have a message that was given up tried again, under its own id.

    It needs no Idempotency-Key: sent again it finds the message waiting and is refused.
    """
    runtime.db.transact(lambda session: resend_message(session, actor, message_id))
    return Resent(str(message_id), "waiting")


def _shown(item: StoredMessage) -> MessageShown:
    return MessageShown(
        id=str(item.id),
        kind=item.kind,
        recipient=item.recipient,
        state=item.state,
        attempts=item.attempts,
        created_at=item.created_at,
        due_at=item.due_at,
        sent_at=item.sent_at,
        given_up_at=item.given_up_at,
        last_error=item.last_error,
        delivery=item.delivery,
    )


router = Router("/messages", route_handlers=[list_all, resend], tags=["messages"])
