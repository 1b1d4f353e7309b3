"""What the lists of papers and of money share: who sees what, references, pages."""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, or_, select

from core.db import Session
from distribution.errors import PaperStateWrong, PaperUnknown, RequestConflict
from distribution.parties import party_by_code, require_scope, subtree_ids
from staff.events import canonical_json
from staff.permissions import Actor

MAX_PAGE = 500


def within_scope(
    session: Session, actor: Actor, *parties: ColumnElement[Any]
) -> ColumnElement[bool] | None:
    """Return the condition that one of the parties is the actor's own or below; None: sees all."""
    if actor.party_id is None:
        return None
    mine = sorted(subtree_ids(session, actor.party_id))
    return or_(*(party.in_(mine) for party in parties))


def page(
    session: Session, query: Select[Any], table: Table, after_id: int, limit: int
) -> list[Row[Any]]:
    """Return the rows that follow an id, at most `limit` (1 to 500)."""
    wanted = query.where(table.c.id > after_id).order_by(table.c.id)
    return list(session.execute(wanted.limit(max(1, min(limit, MAX_PAGE)))))


def page_of_party(
    session: Session,
    actor: Actor,
    query: Select[Any],
    table: Table,
    party_code: str | None,
    after_id: int,
    limit: int,
) -> list[Row[Any]]:
    """Do as `page` for rows of one party, or of all that the actor sees; raises NotHolder."""
    if party_code is None:
        condition = within_scope(session, actor, table.c.party_id)
    else:
        wanted = party_by_code(session, party_code)
        require_scope(session, actor, {wanted.id})
        condition = table.c.party_id == wanted.id
    if condition is not None:
        query = query.where(condition)
    return page(session, query, table, after_id, limit)


def find(
    session: Session,
    actor: Actor,
    table: Table,
    number: str,
    parties: tuple[ColumnElement[Any], ...],
    *,
    lock: bool = False,
) -> Row[Any]:
    """Return a paper by its number; PaperUnknown too for what the actor may not see.

    Papers are locked before lots, parties and accounts.
    """
    query = select(table).where(table.c.number == number)
    condition = within_scope(session, actor, *parties)
    if condition is not None:
        query = query.where(condition)
    row = session.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise PaperUnknown(f"there is no paper {number[:40]}")
    return row


def check_state(row: Row[Any], *states: str) -> None:
    """Raise PaperStateWrong unless a paper is in one of the states."""
    if row.state not in states:
        raise PaperStateWrong(
            f"{row.number} is {row.state}; this starts from {' or '.join(states)}", state=row.state
        )


def content_digest(content: Any) -> str:
    """Name the content of a request, so that it is known when it comes again."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def check_same(row: Row[Any], digest: str) -> None:
    """Raise RequestConflict unless a stored paper was made by a request of this content."""
    if row.content_digest != digest:
        raise RequestConflict(f"the reference was used for other content: {row.number}")
