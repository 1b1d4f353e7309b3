"""All reports by name: who may see which, of whose cards, as of when, in which form."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Literal

from sqlalchemy import text

from audit.as_of import final
from audit.pieces import Progress
from audit.reports import cards, counts, flow, money, months, territory
from audit.reports.report import Ask, Report
from core.db import Session
from core.errors import InvalidInput, NotFound
from core.settings import Settings
from core.sheets import Sheet, Value, csv_chunks, json_row, write_xlsx
from distribution.parties import subtree_ids
from distribution.reorder import TERMS, Terms
from staff.permissions import Actor, Forbidden, Permission, may, require

Form = Literal["json", "csv", "xlsx"]
MAX_LINES = 10_000
"""So many lines of a report that has pages come in one answer of JSON."""

REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        *cards.REPORTS,
        *flow.REPORTS,
        *counts.REPORTS,
        *money.REPORTS,
        *months.REPORTS,
        *territory.REPORTS,
    )
}


class ReportUnknown(NotFound):
    """No report has that name."""

    code = "report_unknown"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks for; without `as_of` the latest instant that is final."""

    name: str
    as_of: datetime | None = None
    since: datetime | None = None
    after_id: int = 0
    limit: int | None = None
    terms: Terms = TERMS


@dataclass(frozen=True)
class Page:
    """A report as JSON: its facts, its lines, and where the next page begins, if there is one."""

    facts: Mapping[str, Value]
    lines: list[dict[str, Value]]
    next_after_id: int | None


def make(
    session: Session, actor: Actor, wanted: Wanted, progress: Progress | None = None
) -> tuple[Report, Ask, Sheet]:
    """Return a report's table, to be written before the session ends; its facts say of when it is.

    A member of a party sees its part of the tree only. Raises ReportUnknown, Forbidden,
    AsOfTooLate, InvalidInput.
    """
    report = REPORTS.get(wanted.name)
    if report is None:
        raise ReportUnknown("there is no report with this name")
    ask = Ask(
        as_of=final(session.now, wanted.as_of),
        since=wanted.since,
        within=_scope(session, actor, report),
        after_id=wanted.after_id,
        limit=wanted.limit,
        terms=wanted.terms,
        progress=progress,
    )
    if ask.since is not None and not (report.has_period and ask.since <= ask.as_of):
        raise InvalidInput("this report has no period, or the period ends before it begins")
    sheet = report.make(session, ask)
    facts: dict[str, Value] = {"report": report.name, "as_of": ask.as_of}
    if ask.since is not None:
        facts["since"] = ask.since
    return report, ask, replace(sheet, facts=facts | dict(sheet.facts))


def page(session: Session, actor: Actor, wanted: Wanted, progress: Progress | None = None) -> Page:
    """Return a report for JSON; one that has pages gives at most MAX_LINES. Raises as `make`."""
    known = REPORTS.get(wanted.name)
    if known is not None and known.has_pages:
        limit = min(wanted.limit or MAX_LINES, MAX_LINES)
        wanted = replace(wanted, limit=limit + 1)
    report, ask, sheet = make(session, actor, wanted, progress)
    lines = [json_row(sheet, row) for row in sheet.rows]
    if not report.has_pages or ask.limit is None or len(lines) < ask.limit:
        return Page(sheet.facts, lines, None)
    lines.pop()
    return Page(sheet.facts, lines, int(str(lines[-1]["id"])) if lines else None)


def write(
    session: Session,
    actor: Actor,
    wanted: Wanted,
    form: Form,
    out: BinaryIO,
    progress: Progress | None = None,
) -> None:
    """Write a whole report as CSV or as a workbook. Raises as `make`; then nothing is written."""
    _, ask, sheet = make(session, actor, wanted, progress)
    if form == "csv":
        for chunk in csv_chunks(sheet, session.zone):
            out.write(chunk)
    elif form == "xlsx":
        write_xlsx([sheet], out, session.zone, ask.as_of)
    else:
        raise InvalidInput("a file is csv or xlsx")


def may_see(actor: Actor, report: Report) -> bool:
    """Tell whether a member may see a report at all."""
    if actor.party_id is not None and not report.of_parties:
        return False
    return may(actor, Permission.VIEW_REPORTS) or (
        report.of_parties and may(actor, Permission.VIEW_STOCK)
    )


def terms_of(settings: Settings) -> Terms:
    """Return the terms of ordering again that are set."""
    return Terms(settings.reorder_lead_days, settings.reorder_service_percent / 100)


def allow_time(session: Session, seconds: int) -> None:
    """Let the statements of this transaction run longer than those of customers may; 0: for ever.

    PostgreSQL only; SQLite knows no such limit.
    """
    if not session.is_sqlite:
        session.execute(text(f"SET LOCAL statement_timeout = {seconds * 1000:d}"))


def _scope(session: Session, actor: Actor, report: Report) -> frozenset[int] | None:
    if not may_see(actor, report):
        require(actor, Permission.VIEW_REPORTS)
        raise Forbidden("this report is for the company's own staff")
    if actor.party_id is None:
        return None
    return frozenset(subtree_ids(session, actor.party_id))
