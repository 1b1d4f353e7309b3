"""Adjustments: what is charged or credited to a party beside its sales, agreed by two persons."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select

from accounts import ledger
from accounts.ledger import Entry, LedgerCode, Posting
from core.db import Database, Session
from core.errors import InvalidInput
from core.money import MAX_FEN
from core.text import clean
from distribution.contracts import Contract, contract_of, lock_party
from distribution.errors import NoContract, ReferenceUsed
from distribution.papers import page_of_party
from distribution.parties import Party, party_by_code, require_scope
from distribution.payments import clean_reference
from distribution.tables import adjustment, party
from staff import approvals, events
from staff.approvals import Decision
from staff.permissions import Actor, Permission, require

ADJUSTMENT = "adjustment"
AGAINST: Mapping[str, LedgerCode] = {
    "suspense": LedgerCode.SUSPENSE,
    "commission": LedgerCode.COMMISSION_EXPENSE,
}
"""Where the other side of an adjustment stands: value of void cards, or what was earned."""

Direction = Literal["charge", "credit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAdjustment:
    """What is asked for; `direction` charge: the party owes more, credit: less.

    `reference` names the paper behind it and is used once; `concerns_on` is a day of the month
    that it concerns.
    """

    reference: str
    party_code: str
    direction: str
    amount_fen: int
    against: str
    reason: str
    concerns_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A posted adjustment."""

    id: int
    reference: str
    party_code: str
    direction: str
    amount_fen: int
    against: str
    reason: str
    concerns_on: date | None
    approval_id: int
    entry_id: int
    at: datetime


def request_adjustment(db: Database, actor: Actor, new: NewAdjustment) -> int:
    """Ask a second person for an adjustment; return the approval's id. Nothing is posted yet.

    Raises PartyUnknown, NoContract, NotHolder, ReferenceUsed, InvalidInput, Forbidden.
    """
    require(actor, Permission.ADJUST)

    def work(session: Session) -> int:
        wanted = _checked(new, session.today)
        _owing(session, actor, wanted)
        return approvals.request(session, actor, ADJUSTMENT, _content(wanted))

    return db.transact(work)


def carry_out_adjustment(session: Session, decision: Decision) -> int:
    """Post an adjustment that two persons want; return its id."""
    wanted = _of_content(decision.content)
    found, _ = _owing(session, decision.requester, wanted)
    require_scope(session, decision.decider, {found.id})
    lock_party(session, found.id)
    _, contract = _owing(session, decision.requester, wanted)  # as it stands under the lock
    entry = Entry(session.new_id(), ADJUSTMENT, wanted.reference, (_posting(wanted, found.id),))
    ledger.post(session, [entry], session.zone)
    adjustment_id = session.new_id()
    row = {
        "id": adjustment_id,
        "reference": wanted.reference,
        "party_id": found.id,
        "direction": wanted.direction,
        "amount_fen": wanted.amount_fen,
        "against": wanted.against,
        "reason": wanted.reason,
        "concerns_on": wanted.concerns_on,
        "contract_version": contract.version,
        "approval_id": decision.approval_id,
        "entry_id": entry.id,
        "member_id": decision.requester.member_id,
        "at": session.now,
    }
    if session.execute(session.insert_new(adjustment), row).rowcount != 1:
        raise ReferenceUsed("the reference was used just now for another adjustment")
    subject = f"adjustment:{adjustment_id}"
    events.record(session, decision.decider, "adjustment.posted", subject, **decision.content)
    return adjustment_id


def list_adjustments(
    session: Session,
    actor: Actor,
    party_code: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Adjustment]:
    """Return adjustments by id, those after `after_id`, at most `limit` (1 to 500).

    A member of a party is shown those of his party and below only; raises NotHolder for others.
    """
    require(actor, Permission.VIEW_SETTLEMENTS)
    hidden = ("party_id", "contract_version", "member_id")
    columns = [column for column in adjustment.c if column.name not in hidden]
    query = select(*columns, party.c.code.label("party_code")).join(
        party, party.c.id == adjustment.c.party_id
    )
    rows = page_of_party(session, actor, query, adjustment, party_code, after_id, limit)
    return [Adjustment(**row._mapping) for row in rows]


def _checked(new: NewAdjustment, today: date) -> NewAdjustment:
    if new.direction not in ("charge", "credit"):
        raise InvalidInput("an adjustment is a charge (the party owes more) or a credit (less)")
    if new.against not in AGAINST:
        raise InvalidInput(f"the other side is one of {', '.join(AGAINST)}")
    if not 0 < new.amount_fen < MAX_FEN:
        raise InvalidInput("an adjustment is more than 0.00 and below the largest sum")
    concerns_on = new.concerns_on and new.concerns_on.replace(day=1)
    if concerns_on is not None and not date(2000, 1, 1) <= concerns_on <= today:
        raise InvalidInput("an adjustment concerns a month from 2000 on, and none after this one")
    return NewAdjustment(
        reference=clean_reference(new.reference),
        party_code=new.party_code,
        direction=new.direction,
        amount_fen=new.amount_fen,
        against=new.against,
        reason=clean(new.reason, "the reason", 500),
        concerns_on=concerns_on,
    )


def _owing(session: Session, actor: Actor, wanted: NewAdjustment) -> tuple[Party, Contract]:
    found = party_by_code(session, wanted.party_code)
    require_scope(session, actor, {found.id})
    contract = contract_of(session, found.id)
    if contract is None:
        raise NoContract("the party has no contract of its own; adjust what the one that owes owes")
    used = select(adjustment.c.id).where(adjustment.c.reference == wanted.reference)
    if session.execute(used).first() is not None:
        raise ReferenceUsed("the reference stands for another adjustment already")
    return found, contract


def _posting(wanted: NewAdjustment, party_id: int) -> Posting:
    owed, other = LedgerCode.DISTRIBUTOR_RECEIVABLE, AGAINST[wanted.against]
    debit, credit = (owed, other) if wanted.direction == "charge" else (other, owed)
    return Posting(debit, credit, wanted.amount_fen, party_id=party_id)


def _content(wanted: NewAdjustment) -> dict[str, Any]:
    return {
        "reference": wanted.reference,
        "party": wanted.party_code,
        "direction": wanted.direction,
        "amount_fen": wanted.amount_fen,
        "against": wanted.against,
        "reason": wanted.reason,
        "concerns_on": wanted.concerns_on and wanted.concerns_on.isoformat(),
    }


def _of_content(content: Mapping[str, Any]) -> NewAdjustment:
    concerns = content["concerns_on"]
    return NewAdjustment(
        reference=content["reference"],
        party_code=content["party"],
        direction=content["direction"],
        amount_fen=content["amount_fen"],
        against=content["against"],
        reason=content["reason"],
        concerns_on=date.fromisoformat(concerns) if concerns else None,
    )
