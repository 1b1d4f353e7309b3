"""/api/v1/tills: the counters of an outlet, registered by its own people; undoing their sales."""

from datetime import datetime
from operator import attrgetter
from typing import Annotated

from litestar import Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from msgspec import Struct

from api.fields import PartyCode, Reason, TillCode, TillKey
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import IdPath, Limit, TillPath
from api.strict import no_body
from distribution.cancelling import request_cancelling
from distribution.tills import Till, add_till, disable_till, list_tills, rotate_till_key
from staff.permissions import Permission

_PUBLIC_KEY = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
_NEW = Example(value={"party": "WH-OUTLET-1", "code": "WH-1-T1", "public_key": _PUBLIC_KEY})


class TillBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new till: the outlet it stands in, its code, and the public key it made for itself."""

    party: PartyCode
    code: TillCode
    public_key: TillKey


class RotateBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With a public key, later PINs are sealed to that one; null keeps the one there is."""

    public_key: TillKey | None


class CancelBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a sale is undone."""

    reason: Reason


class TillShown(Struct, frozen=True, kw_only=True):
    """A till. Its API key is never shown again."""

    code: str
    party: str
    public_key: str
    active: bool
    created_at: datetime


class TillAdded(Struct, frozen=True, kw_only=True):
    """A till and its API key, shown once."""

    till: TillShown
    api_key: str


class NewTillKey(Struct, frozen=True):
    """A new API key, shown once."""

    api_key: str


class Tills(Struct, frozen=True):
    """A page of tills by code. `next_after` begins the next page; null on the last."""

    tills: list[TillShown]
    next_after: str | None


class TillDisabled(Struct, frozen=True):
    """A till that is refused from now on."""

    code: str
    active: bool = False


class CancelAsked(Struct, frozen=True):
    """Nothing is undone yet: a second person must agree."""

    approval_id: str


AfterTill = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[A-Za-z0-9._-]+$",
        max_length=32,
        description="Begin after this code: `next_after` of the page before.",
    ),
]


@post(
    "/",
    status_code=201,
    guards=[staff(Permission.MANAGE_TILLS)],
    sync_to_thread=True,
    summary="Register a till",
    operation_id="addTill",
)
def add(
    data: Annotated[TillBody, Body(examples=[_NEW])], runtime: WithRuntime, actor: WithActor
) -> TillAdded:
    """Register a till of an outlet of yours; its API key is shown this once."""
    made, key = runtime.db.transact(
        lambda session: add_till(session, actor, data.party, data.code, data.public_key)
    )
    return TillAdded(till=_shown(made), api_key=key)


@get(
    "/",
    guards=[staff(Permission.MANAGE_TILLS)],
    sync_to_thread=True,
    summary="List tills",
    operation_id="listTills",
)
def list_all(
    runtime: WithRuntime, actor: WithActor, after: AfterTill = None, limit: Limit = 50
) -> Tills:
    """Return the tills of your outlets."""
    with runtime.db.read() as session:
        found = list_tills(session, actor, after or "", limit + 1)
    page, more = cut_page(found, limit, attrgetter("code"))
    return Tills([_shown(item) for item in page], more)


@post(
    "/{code:str}/rotate-key",
    status_code=200,
    guards=[staff(Permission.MANAGE_TILLS)],
    sync_to_thread=True,
    summary="Give a till a new key",
    operation_id="rotateTillKey",
)
def rotate(
    code: TillPath,
    data: Annotated[RotateBody, Body(examples=[Example(value={"public_key": _PUBLIC_KEY})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> NewTillKey:
    """End the old API key now, and let a disabled till in again."""
    return NewTillKey(
        runtime.db.transact(lambda session: rotate_till_key(session, actor, code, data.public_key))
    )


@post(
    "/{code:str}/disable",
    status_code=200,
    guards=[staff(Permission.MANAGE_TILLS), no_body],
    sync_to_thread=True,
    summary="Disable a till",
    operation_id="disableTill",
)
def disable(code: TillPath, runtime: WithRuntime, actor: WithActor) -> TillDisabled:
    """Refuse a till from now on; one that was stolen, say."""
    runtime.db.transact(lambda session: disable_till(session, actor, code))
    return TillDisabled(code)


@post(
    "/sales/{sale_id:str}/cancel",
    status_code=202,
    guards=[staff(Permission.DEACTIVATE)],
    sync_to_thread=True,
    summary="Ask to undo a sale",
    operation_id="cancelSale",
)
def cancel(
    sale_id: IdPath,
    data: Annotated[CancelBody, Body(examples=[Example(value={"reason": "wrong face"})])],
    runtime: WithRuntime,
    actor: WithActor,
) -> CancelAsked:
    """Ask a second person to undo a till's sale of a few minutes ago, no card of which was used.

    The money goes back; a card of plastic is in stock again, an electronic one is void.
    """
    approval_id = runtime.db.transact(
        lambda session: request_cancelling(session, runtime.settings, actor, sale_id, data.reason)
    )
    return CancelAsked(str(approval_id))


def _shown(item: Till) -> TillShown:
    return TillShown(
        code=item.code,
        party=item.party_code,
        public_key=item.public_key,
        active=item.active,
        created_at=item.created_at,
    )


router = Router("/tills", route_handlers=[add, list_all, rotate, disable, cancel], tags=["tills"])
