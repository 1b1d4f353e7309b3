"""/api/v1/settlements: what a party owes by month, closed once, as JSON, PDF or workbook.

Closing a month that is closed answers what stands, so a request may be sent again.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import Struct

from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, Limit, MonthPath, PartyPath, PartyQuery
from api.strict import no_body
from core import sheets
from distribution.settlement_lines import Line
from distribution.settlement_papers import export_bytes
from distribution.settlements import (
    Closed,
    Statement,
    close_period,
    list_closed,
    parse_month,
    read_statement,
)
from staff.permissions import Permission

_MEDIA_TYPES: Mapping[str, str] = {**sheets.MEDIA_TYPES, "pdf": "application/pdf"}
Format = Annotated[
    Literal["pdf", "xlsx", "csv"], QueryParameter(description="csv holds the lines only.")
]
LanguageQuery = Annotated[Literal["zh", "en"], QueryParameter(description="Of headings and words.")]


class SumsShown(Struct, frozen=True, kw_only=True):
    """The totals; each is what it adds to what is owed, below 0 less is owed."""

    opening_fen: int
    activations_fen: int
    commission_fen: int
    returns_fen: int
    clawback_fen: int
    payments_fen: int
    bounced_fen: int
    adjustments_fen: int
    other_fen: int
    closing_fen: int


class LineShown(Struct, frozen=True, kw_only=True):
    """One line; cards are told by day, outlet, face and rate.

    `concerns` is the earlier month that it concerns. A void line adds nothing: the value of the
    cards waits in suspense.
    """

    day: date
    kind: str
    holder: str | None
    cards: int | None
    face_fen: int | None
    rate_fen: int | None
    value_fen: int
    commission_fen: int
    amount_fen: int
    reference: str | None
    reason: str | None
    concerns: str | None
    entry_id: str | None


class StatementShown(Struct, frozen=True, kw_only=True):
    """A party's month. Without `closed_at` it is open, and may still grow."""

    party: str
    party_name: str
    month: str
    starts_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    digest: str | None
    sums: SumsShown
    lines: list[LineShown]


class ClosedShown(Struct, frozen=True, kw_only=True):
    """A closed month without its lines."""

    id: str
    party: str
    month: str
    closed_at: datetime
    digest: str
    opening_fen: int
    closing_fen: int


class ClosedMonths(Struct, frozen=True):
    """A page of closed months, oldest first. `next_after` begins the next page, or is null."""

    settlements: list[ClosedShown]
    next_after: str | None


@get(
    "/",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="List closed months",
    operation_id="listSettlements",
)
def list_all(
    runtime: WithRuntime,
    actor: WithActor,
    party: PartyQuery = None,
    after: AfterId = None,
    limit: Limit = 50,
) -> ClosedMonths:
    """Return closed months; a member of a party is shown those of his party and below."""
    with runtime.db.read() as session:
        found = list_closed(session, actor, party, after or 0, limit + 1)
    page, more = cut_page(found, limit)
    return ClosedMonths([_closed(item) for item in page], more)


@get(
    "/{code:str}/{month:str}",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="Read a settlement statement",
    operation_id="readSettlement",
)
def read(
    code: PartyPath, month: MonthPath, runtime: WithRuntime, actor: WithActor
) -> StatementShown:
    """Return a party's month: as it was closed, for ever the same, or as the books have it now."""
    with runtime.db.read() as session:
        return _shown(read_statement(session, actor, code, parse_month(month)))


@post(
    "/{code:str}/{month:str}/close",
    status_code=200,
    guards=[staff(Permission.CLOSE_SETTLEMENTS), no_body],
    sync_to_thread=True,
    summary="Close a month",
    operation_id="closeSettlement",
)
def close(
    code: PartyPath, month: MonthPath, runtime: WithRuntime, actor: WithActor
) -> StatementShown:
    """Close a month once it is over, one after the other; what comes later falls into the next."""
    return _shown(close_period(runtime.db, actor, code, parse_month(month)))


@get(
    "/{code:str}/{month:str}/export",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="Export a settlement statement",
    operation_id="exportSettlement",
    media_type="application/pdf",
    responses={200: ResponseSpec(bytes, description="The file", media_type="application/pdf")},
)
def export(
    code: PartyPath,
    month: MonthPath,
    runtime: WithRuntime,
    actor: WithActor,
    format: Format = "pdf",  # noqa: A002 - the word of the address
    language: LanguageQuery = "zh",
) -> Response[bytes]:
    """Return the statement as a file: its figures are those of the JSON."""
    with runtime.db.read() as session:
        found = read_statement(session, actor, code, parse_month(month))
    content = export_bytes(found, format, language, runtime.settings)
    name = f"settlement-{found.party_code}-{found.month}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=_MEDIA_TYPES[format], headers=headers)


def _shown(found: Statement) -> StatementShown:
    return StatementShown(
        party=found.party_code,
        party_name=found.party_name,
        month=found.month,
        starts_at=found.starts_at.astimezone(UTC),
        ends_at=found.ends_at.astimezone(UTC),
        closed_at=found.closed_at,
        digest=found.digest,
        sums=SumsShown(**asdict(found.sums)),
        lines=[_line(found, line) for line in found.lines],
    )


def _line(found: Statement, line: Line) -> LineShown:
    return LineShown(
        day=line.day,
        kind=line.kind,
        holder=found.holders.get(line.holder_id or 0),
        cards=line.cards,
        face_fen=line.face_fen,
        rate_fen=line.rate_fen,
        value_fen=line.value_fen,
        commission_fen=line.commission_fen,
        amount_fen=line.amount_fen,
        reference=line.reference,
        reason=line.reason,
        concerns=None if line.concerns_on is None else f"{line.concerns_on:%Y-%m}",
        entry_id=None if line.entry_id is None else str(line.entry_id),
    )


def _closed(item: Closed) -> ClosedShown:
    return ClosedShown(
        id=str(item.id),
        party=item.party_code,
        month=item.month,
        closed_at=item.closed_at,
        digest=item.digest,
        opening_fen=item.sums.opening_fen,
        closing_fen=item.sums.closing_fen,
    )


router = Router(
    "/settlements", route_handlers=[list_all, read, close, export], tags=["settlements"]
)
