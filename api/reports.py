"""GET /api/v1/reports/{name}: stock and money as of an instant, as JSON, CSV or a workbook."""

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, cast

from litestar import Response, Router, get
from litestar.openapi.spec import OpenAPIMediaType, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from api.guards import WithActor, WithRuntime, staff
from api.parameters import AfterId
from api.runtime import Runtime
from audit.as_of import parse_instant
from audit.reports import catalogue
from audit.reports.catalogue import REPORTS, Form, Wanted
from core.errors import TryLater
from core.sheets import MEDIA_TYPES, plain
from staff.permissions import Actor

REPORTS_AT_ONCE = 2
"""So many reports a process makes at a time; a connection each is kept from the requests."""

_WAIT_S = 5
_MAY_TAKE_S = 120
_IN_MEMORY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_free = threading.BoundedSemaphore(REPORTS_AT_ONCE)

_WHEN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
ReportPath = Annotated[
    str, PathParameter(pattern=r"^[a-z-]+$", max_length=40, description=", ".join(REPORTS))
]
AsOf = Annotated[
    str | None,
    QueryParameter(
        pattern=_WHEN,
        max_length=40,
        description="A day, meaning its end, or an instant; at the latest, and by default, a "
        "minute ago. Such a report is the same for ever.",
        schema_extra={"examples": ["2025-06-11", "2025-06-11T09:30:00+08:00"]},
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        pattern=_WHEN,
        max_length=40,
        description="Where the report is of a period: the day, or instant, it begins with.",
    ),
]
FormName = Annotated[
    Literal["json", "csv", "xlsx"],
    QueryParameter(
        name="format", description="csv (UTF-8, sums in yuan), xlsx, or json (sums in fen)."
    ),
]
Lines = Annotated[
    int | None,
    QueryParameter(
        ge=1, le=catalogue.MAX_LINES, description="In JSON: lines at most, where there are pages."
    ),
]


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """A report: its facts (of when, totals), and its lines by the names of their columns.

    Sums are fen, their names end with `_fen`. `next_after` begins the next page, where a report
    has pages and there is more.
    """

    report: str
    as_of: str
    facts: dict[str, str | int | float | None]
    lines: list[dict[str, str | int | float | None]]
    next_after: str | None


@dataclass
class _ReportOperation(Operation):
    """The call's description, with the forms that are files."""

    def __post_init__(self) -> None:
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        for code, response in (self.responses or {}).items():
            content = getattr(response, "content", None)
            if code == "200" and content is not None:
                content |= {MEDIA_TYPES[form]: file for form in ("csv", "xlsx")}


@get(
    "/{name:str}",
    guards=[staff()],
    sync_to_thread=True,
    summary="Make a report",
    operation_id="readReport",
    operation_class=_ReportOperation,
)
def read_report(
    name: ReportPath,
    runtime: WithRuntime,
    actor: WithActor,
    as_of: AsOf = None,
    since: Since = None,
    form: FormName = "json",
    after: AfterId = None,
    limit: Lines = None,
) -> Response[ReportAnswer]:
    """Return a report of cards or money as of an instant.

    A member of a party sees its part of the tree, in those reports that are made for parties.
    """
    zone = runtime.settings.zone
    wanted = Wanted(
        name=name,
        as_of=None if as_of is None else parse_instant(as_of, zone),
        since=None if since is None else parse_instant(since, zone, end_of_day=False),
        after_id=after or 0,
        limit=limit,
        terms=catalogue.terms_of(runtime.settings),
    )
    if not _free.acquire(timeout=_WAIT_S):
        raise TryLater("others are having reports made; try again in a moment")
    try:
        if form == "json":
            return Response(_page(runtime, actor, wanted))
        return cast(Response[ReportAnswer], _file(runtime, actor, wanted, form))
    finally:
        _free.release()


def _page(runtime: Runtime, actor: Actor, wanted: Wanted) -> ReportAnswer:
    with runtime.db.read() as session:
        catalogue.allow_time(session, _MAY_TAKE_S)
        page = catalogue.page(session, actor, wanted)
    facts: dict[str, Any] = {name: plain(value) for name, value in page.facts.items()}
    return ReportAnswer(
        report=facts.pop("report"),
        as_of=facts.pop("as_of"),
        facts=facts,
        lines=cast(Any, page.lines),
        next_after=None if page.next_after_id is None else str(page.next_after_id),
    )


def _file(runtime: Runtime, actor: Actor, wanted: Wanted, form: Form) -> Stream:
    """Write the whole file first: a slow reader must not hold the database's snapshot."""
    # Closed when it has been read, after this call.
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115
    try:
        with runtime.db.read() as session:
            catalogue.allow_time(session, _MAY_TAKE_S)
            catalogue.write(session, actor, wanted, form, file)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{wanted.name}.{form}"'}
    return Stream(_read(file), media_type=MEDIA_TYPES[form], headers=headers)


def _read(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


router = Router("/reports", route_handlers=[read_report], tags=["reports"])
