"""/api/v1/claims and /api/v1/credit-notes: differences and their answers, what was credited."""

from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta, Struct

from api.consignment_shapes import (
    ClaimShown,
    CreditNoteShown,
    RangeBody,
    claim_shown,
    credit_note_shown,
)
from api.consignments import PDF, pdf_response
from api.fields import PartyCode, Reason, Username
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit
from core.errors import InvalidInput
from core.pdf import render
from distribution import claim_answers, claims, credit_notes
from distribution.prints import credit_note_print
from staff.permissions import Permission

ClaimPath = Annotated[
    str, PathParameter(pattern=r"^[A-Z0-9-]+$", max_length=40, description="A claim's number.")
]
NotePath = Annotated[
    str,
    PathParameter(pattern=r"^[A-Z0-9-]+$", max_length=40, description="A credit note's number."),
]
ClaimState = Annotated[
    Literal["open", "received", "void", "dismissed"] | None,
    QueryParameter(name="state", description="Only those in this state."),
]


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a claim is answered: received, held (as lost), void or dismissed, and why.

    `found`: the part of the claim's cards that is there (received); `charged_to`: the party that
    bears the loss (void, which a second person must agree to).
    """

    answer: Annotated[str, Meta(max_length=20, examples=["received"])]
    reason: Reason
    found: RangeBody | None = None
    charged_to: PartyCode | None = None


class AssignBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who sees to the claim from now on, and why."""

    username: Username
    reason: Reason


class Answered(Struct, frozen=True, kw_only=True):
    """The claim after the answer; `approval_id` where a second person must agree first."""

    claim: ClaimShown
    approval_id: str | None


class Claims(Struct, frozen=True):
    """A page of claims, oldest first. `next_after` begins the next page, or is null."""

    claims: list[ClaimShown]
    next_after: str | None


class CreditNotes(Struct, frozen=True):
    """A page of credit notes, oldest first. `next_after` begins the next page, or is null."""

    credit_notes: list[CreditNoteShown]
    next_after: str | None


@get(
    "/",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="List claims",
    operation_id="listClaims",
)
def list_claims(
    runtime: WithRuntime,
    actor: WithActor,
    in_state: ClaimState = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> Claims:
    """Return the claims on consignments from or to your party or one below."""
    with runtime.db.read() as session:
        found = claims.list_claims(session, actor, in_state, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return Claims([claim_shown(item) for item in page], more)


@get(
    "/{claim_number:str}",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Read a claim",
    operation_id="readClaim",
)
def read_claim(claim_number: ClaimPath, runtime: WithRuntime, actor: WithActor) -> ClaimShown:
    """Return a claim with all its changes."""
    with runtime.db.read() as session:
        return claim_shown(claims.read_claim(session, actor, claim_number))


@post(
    "/{claim_number:str}/assign",
    status_code=200,
    guards=[staff(Permission.RESOLVE_CLAIMS)],
    sync_to_thread=True,
    summary="Say who sees to a claim",
    operation_id="assignClaim",
)
def assign(
    claim_number: ClaimPath,
    data: Annotated[
        AssignBody,
        Body(examples=[Example(value={"username": "li.wei", "reason": "knows the shop"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> ClaimShown:
    """Make a member of staff see to an open claim."""
    return claim_shown(
        claims.assign_claim(runtime.db, actor, claim_number, data.username, data.reason)
    )


@post(
    "/{claim_number:str}/answer",
    status_code=200,
    guards=[staff(Permission.RESOLVE_CLAIMS)],
    sync_to_thread=True,
    summary="Answer a claim",
    operation_id="answerClaim",
)
def answer(
    claim_number: ClaimPath,
    data: Annotated[
        AnswerBody,
        Body(examples=[Example(value={"answer": "received", "reason": "behind the counter"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> Answered:
    """Answer an open claim. Sent again it finds the claim answered, and is refused."""
    db, why = runtime.db, data.reason
    found = None if data.found is None else (data.found.first_serial, data.found.last_serial)
    approval_id = None
    match data.answer:
        case "received":
            item = claim_answers.answer_received(db, actor, claim_number, why, found)
        case "held":
            item = claim_answers.hold_as_lost(db, actor, claim_number, why)
        case "dismissed":
            item = claim_answers.dismiss(db, actor, claim_number, why)
        case "void" if data.charged_to is not None:
            asked = claim_answers.request_void(db, actor, claim_number, why, data.charged_to)
            approval_id = str(asked.approval_id)
            with db.read() as session:
                item = claims.read_claim(session, actor, claim_number)
        case _:
            raise InvalidInput("answer received, held, dismissed, or void with charged_to")
    return Answered(claim=claim_shown(item), approval_id=approval_id)


@get(
    "/",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="List credit notes",
    operation_id="listCreditNotes",
)
def list_credit_notes(
    runtime: WithRuntime, actor: WithActor, after: AfterId = None, limit: Limit = 50
) -> CreditNotes:
    """Return the credit notes of your party or one below."""
    with runtime.db.read() as session:
        found = credit_notes.list_credit_notes(session, actor, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return CreditNotes([credit_note_shown(item) for item in page], more)


@get(
    "/{note_number:str}",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Read a credit note",
    operation_id="readCreditNote",
)
def read_credit_note(
    note_number: NotePath, runtime: WithRuntime, actor: WithActor
) -> CreditNoteShown:
    """Return a credit note with the movements and entries behind it."""
    with runtime.db.read() as session:
        return credit_note_shown(credit_notes.read_credit_note(session, actor, note_number))


@get(
    "/{note_number:str}/print",
    guards=[staff(Permission.VIEW_TRADE)],
    sync_to_thread=True,
    summary="Print a credit note",
    operation_id="printCreditNote",
    media_type=PDF,
    responses={200: ResponseSpec(bytes, media_type=PDF, description="The note, A4")},
)
def print_credit_note(
    note_number: NotePath, runtime: WithRuntime, actor: WithActor
) -> Response[bytes]:
    """Return a credit note as PDF."""
    with runtime.db.read() as session:
        item = credit_notes.read_credit_note(session, actor, note_number)
        document = credit_note_print(session, item)
    return pdf_response(render(document, runtime.settings.pdf_font), item.number)


router = Router(
    "/claims", route_handlers=[list_claims, read_claim, assign, answer], tags=["claims"]
)
credit_note_router = Router(
    "/credit-notes",
    route_handlers=[list_credit_notes, read_credit_note, print_credit_note],
    tags=["claims"],
)
