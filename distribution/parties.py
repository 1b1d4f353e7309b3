"""Parties: a tree of those who can hold cards, with the company warehouse at its root."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, literal, select

from core.db import Session
from core.errors import InvalidInput
from core.text import clean
from distribution.errors import NotHolder, PartyExists, PartyMisplaced, PartyUnknown
from distribution.tables import party
from staff import events
from staff.permissions import Actor, Permission, require

KINDS = ("warehouse", "province", "city", "outlet")
"""From the root down; a party stands below any party of a kind further left."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who can hold cards; `region` is where it sells."""

    id: int
    parent_id: int | None
    kind: str
    code: str
    name: str
    region: str


def seed_warehouse(session: Session, name: str = "Warehouse", region: str = "-") -> int:
    """Write the company warehouse, party code WAREHOUSE, if there is none; return its id."""
    found = session.execute(_of_warehouse()).scalar_one_or_none()
    if found is not None:
        return int(found)
    return _insert(session, None, "warehouse", "WAREHOUSE", name, region)


def add_party(
    session: Session,
    actor: Actor,
    kind: str,
    code: str,
    name: str,
    parent_code: str,
    region: str,
) -> Party:
    """Add a province, city or outlet below a party of a higher kind.

    Raises InvalidInput, PartyUnknown (the parent), PartyMisplaced, PartyExists.
    """
    require(actor, Permission.MANAGE_PARTIES)
    if kind not in KINDS[1:]:
        raise InvalidInput(f"a party is one of {', '.join(KINDS[1:])}")
    if _CODE.fullmatch(code) is None:
        raise InvalidInput("a party's code has 1 to 32 letters, digits, dots, dashes")
    name, region = clean(name, "the party's name", 100), clean(region, "the region", 50)
    parent = party_by_code(session, parent_code)
    require_scope(session, actor, {parent.id})
    if KINDS.index(parent.kind) >= KINDS.index(kind):
        raise PartyMisplaced(f"{kind} cannot stand below {parent.kind}")
    party_id = _insert(session, parent.id, kind, code, name, region)
    events.record(session, actor, "party.added", f"party:{party_id}", code=code, party_kind=kind)
    return party_by_id(session, party_id)


def party_by_code(session: Session, code: str) -> Party:
    """Return a party; raises PartyUnknown."""
    # A text that is no code is not looked for: it may hold what a database cannot even read.
    query = select(party).where(party.c.code == code)
    row = session.execute(query).one_or_none() if _CODE.fullmatch(code) else None
    if row is None:
        raise PartyUnknown("there is no party with this code")
    return _party(row)


def party_by_id(session: Session, party_id: int) -> Party:
    """Return a party; raises PartyUnknown."""
    row = session.execute(select(party).where(party.c.id == party_id)).one_or_none()
    if row is None:
        raise PartyUnknown("there is no such party")
    return _party(row)


def list_parties(session: Session, after_code: str = "", limit: int = 50) -> list[Party]:
    """Return parties by code, those after `after_code`, at most `limit` (1 to 500)."""
    if after_code and _CODE.fullmatch(after_code) is None:
        raise InvalidInput("ask for the parties that follow a party's code")
    rows = session.execute(
        select(party)
        .where(party.c.code > after_code)
        .order_by(party.c.code)
        .limit(max(1, min(limit, 500)))
    )
    return [_party(row) for row in rows]


def warehouse_id(session: Session) -> int:
    """Return the id of the company warehouse; raises PartyUnknown before it is written."""
    found = session.execute(_of_warehouse()).scalar_one_or_none()
    if found is None:
        raise PartyUnknown("the company warehouse is missing; run `wanneng init`")
    return int(found)


def subtree_ids(session: Session, party_id: int) -> set[int]:
    """Return the ids of a party and of all below it."""
    tree = select(party.c.id).where(party.c.id == party_id).cte("tree", recursive=True)
    tree = tree.union(select(party.c.id).where(party.c.parent_id == tree.c.id))
    return set(session.execute(select(tree.c.id)).scalars())


def ancestors(session: Session, party_id: int) -> list[Party]:
    """Return a party and all above it, the party itself first."""
    line = select(party, literal(0).label("depth")).where(party.c.id == party_id)
    tree = line.cte("line", recursive=True)
    tree = tree.union_all(
        select(party, tree.c.depth + 1).where(party.c.id == tree.c.parent_id)  # ends at the root
    )
    columns = [tree.c[column.name] for column in party.c]
    return [_party(row) for row in session.execute(select(*columns).order_by(tree.c.depth))]


def require_scope(session: Session, actor: Actor, party_ids: Collection[int]) -> None:
    """Raise NotHolder unless the actor may act for these parties.

    Domain rule: a member of a party acts for it and those below it, company staff for all.
    """
    if actor.party_id is not None and not set(party_ids) <= subtree_ids(session, actor.party_id):
        raise NotHolder("you can act for your own party and those below it only")


def _insert(
    session: Session, parent_id: int | None, kind: str, code: str, name: str, region: str
) -> int:
    party_id = session.new_id()
    row = {
        "id": party_id,
        "parent_id": parent_id,
        "kind": kind,
        "code": code,
        "name": name,
        "region": region,
        "created_at": session.now,
    }
    if session.execute(session.insert_new(party), row).rowcount != 1:
        raise PartyExists(f"there is a party with the code {code} already")
    return party_id


def _of_warehouse() -> Any:
    return select(party.c.id).where(party.c.kind == "warehouse")


def _party(row: Row[Any]) -> Party:
    return Party(
        id=row.id,
        parent_id=row.parent_id,
        kind=row.kind,
        code=row.code,
        name=row.name,
        region=row.region,
    )
