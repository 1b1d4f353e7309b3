"""Claims: every difference between what was sent and what arrived, with an owner and an age."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Database, Session
from core.errors import NotFound
from core.numbers import paper_number
from core.text import clean
from distribution import papers
from distribution.errors import PaperUnknown
from distribution.paper_tables import claim, claim_event, consignment
from distribution.parties import require_scope
from distribution.ranges import Ranges, joined
from distribution.tables import party
from staff import events
from staff.permissions import Actor, Permission, require
from staff.tables import staff_member
from vouchers.serials import SerialRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEvent:
    """One change of a claim, as it was after it."""

    at: datetime
    by: str
    state: str
    owner: str | None
    cards: SerialRange
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A difference; `kind` is damaged, held, short or unexpected.

    `state` is open, received (found, or good after all), void or dismissed. `owner_party` must
    answer for it, `owner` is the member who sees to it; `charged_to` bears the loss of void cards.
    """

    id: int
    number: str
    consignment: str
    kind: str
    cards: SerialRange
    state: str
    owner_party: str
    owner: str | None
    charged_to: str | None
    opened_at: datetime
    closed_at: datetime | None
    age_days: int
    history: tuple[ClaimEvent, ...] = ()


def open_claims(
    session: Session,
    actor: Actor,
    of: Row[Any],
    receipt_id: int,
    kind: str,
    ranges: Iterable[SerialRange],
) -> None:
    """Open a claim for each range of a receipt; the sender of the consignment must answer."""
    for cards in ranges:
        row = {
            "id": session.new_id(),
            "number": paper_number(session, "CL"),
            "receipt_id": receipt_id,
            "consignment_id": of.id,
            "kind": kind,
            "first_serial": cards.first,
            "last_serial": cards.last,
            "state": "open",
            "owner_party_id": of.sender_id,
            "opened_at": session.now,
        }
        session.execute(claim.insert(), row)
        note_change(session, actor, row["id"], f"{kind} when received")


def note_change(session: Session, actor: Actor, claim_id: int, reason: str) -> None:
    """Write how a claim stands now, and why, into its history."""
    row = session.execute(select(claim).where(claim.c.id == claim_id)).one()
    session.execute(
        claim_event.insert(),
        {
            "id": session.new_id(),
            "claim_id": claim_id,
            "at": session.now,
            "member_id": actor.member_id,
            "first_serial": row.first_serial,
            "last_serial": row.last_serial,
            "state": row.state,
            "owner_member_id": row.owner_member_id,
            "reason": reason,
        },
    )
    events.record(session, actor, f"claim.{row.state}", f"claim:{row.number}", reason=reason)


def claimed_cards(session: Session, consignment_id: int) -> Ranges:
    """Return the cards on the way that wait for the answer to an open claim."""
    return _cards(session, consignment_id, claim.c.kind != "unexpected", claim.c.state == "open")


def strange_cards(session: Session, consignment_id: int) -> Ranges:
    """Return the cards that were recorded as unexpected, whatever became of the claims."""
    return _cards(session, consignment_id, claim.c.kind == "unexpected")


def assign_claim(db: Database, actor: Actor, number: str, username: str, reason: str) -> Claim:
    """Make a member see to an open claim; raises PaperUnknown, PaperStateWrong, NotFound."""
    require(actor, Permission.RESOLVE_CLAIMS)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Claim:
        _, row = lock_claim(session, actor, number)
        owner = _member_id(session, username)
        change_claim(session, actor, row.id, why, owner_member_id=owner)
        return read_claim(session, actor, number)

    return db.transact(work)


def lock_claim(session: Session, actor: Actor, number: str) -> tuple[Row[Any], Row[Any]]:
    """Lock the consignment of an open claim; return both.

    Raises PaperUnknown, PaperStateWrong, NotHolder.
    """
    known = session.execute(select(claim).where(claim.c.number == number)).one_or_none()
    if known is None:
        raise PaperUnknown(f"there is no claim {number[:40]}")
    of = session.execute(
        select(consignment).where(consignment.c.id == known.consignment_id).with_for_update()
    ).one()
    require_scope(session, actor, {of.sender_id, of.receiver_id})
    row = session.execute(select(claim).where(claim.c.id == known.id)).one()
    papers.check_state(row, "open")
    return of, row


def change_claim(session: Session, actor: Actor, claim_id: int, reason: str, **values: Any) -> None:
    """Change a claim and write the change into its history."""
    session.execute(claim.update().where(claim.c.id == claim_id).values(**values))
    note_change(session, actor, claim_id, reason)


def read_claim(session: Session, actor: Actor, number: str) -> Claim:
    """Return a claim with its history; PaperUnknown too for what the actor may not see."""
    require(actor, Permission.VIEW_TRADE)
    row = session.execute(_query(session, actor).where(claim.c.number == number)).one_or_none()
    if row is None:
        raise PaperUnknown(f"there is no claim {number[:40]}")
    return _claim(session, row, _history(session, row.id))


def list_claims(
    session: Session,
    actor: Actor,
    state: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Claim]:
    """Return the claims on consignments from or to the actor's party or one below, by id."""
    require(actor, Permission.VIEW_TRADE)
    query = _query(session, actor)
    if state is not None:
        query = query.where(claim.c.state == state)
    rows = papers.page(session, query, claim, after_id, limit)
    return [_claim(session, row, ()) for row in rows]


def _member_id(session: Session, username: str) -> int:
    found = session.execute(
        select(staff_member.c.id).where(staff_member.c.username == username, staff_member.c.active)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no active member of this name")
    return int(found)


def _cards(session: Session, consignment_id: int, *conditions: Any) -> Ranges:
    rows = session.execute(
        select(claim.c.first_serial, claim.c.last_serial).where(
            claim.c.consignment_id == consignment_id, *conditions
        )
    )
    return joined(SerialRange(*row) for row in rows)


def _query(session: Session, actor: Actor) -> Select[Any]:
    owner, charged, member = party.alias(), party.alias(), staff_member.alias()
    query = (
        select(
            claim,
            consignment.c.number.label("consignment"),
            owner.c.code.label("owner_party"),
            charged.c.code.label("charged_to"),
            member.c.username.label("owner"),
        )
        .join(consignment, consignment.c.id == claim.c.consignment_id)
        .join(owner, owner.c.id == claim.c.owner_party_id)
        .outerjoin(charged, charged.c.id == claim.c.charged_party_id)
        .outerjoin(member, member.c.id == claim.c.owner_member_id)
    )
    sides = (consignment.c.sender_id, consignment.c.receiver_id)
    condition = papers.within_scope(session, actor, *sides)
    return query if condition is None else query.where(condition)


def _history(session: Session, claim_id: int) -> tuple[ClaimEvent, ...]:
    by, owner = staff_member.alias(), staff_member.alias()
    rows = session.execute(
        select(claim_event, by.c.username.label("by"), owner.c.username.label("owner"))
        .join(by, by.c.id == claim_event.c.member_id)
        .outerjoin(owner, owner.c.id == claim_event.c.owner_member_id)
        .where(claim_event.c.claim_id == claim_id)
        .order_by(claim_event.c.id)
    )
    return tuple(
        ClaimEvent(
            at=row.at,
            by=row.by,
            state=row.state,
            owner=row.owner,
            cards=SerialRange(row.first_serial, row.last_serial),
            reason=row.reason,
        )
        for row in rows
    )


def _claim(session: Session, row: Row[Any], history: tuple[ClaimEvent, ...]) -> Claim:
    return Claim(
        id=row.id,
        number=row.number,
        consignment=row.consignment,
        kind=row.kind,
        cards=SerialRange(row.first_serial, row.last_serial),
        state=row.state,
        owner_party=row.owner_party,
        owner=row.owner,
        charged_to=row.charged_to,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        age_days=((row.closed_at or session.now) - row.opened_at).days,
        history=history,
    )
