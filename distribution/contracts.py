"""Contracts: on what terms a party is sold to. One owes for all below it without their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from accounts import ledger
from core.db import Session
from core.errors import InvalidInput
from core.money import MAX_FEN
from distribution.commissions import Rate, check_rates, insert_rates, rates_of
from distribution.errors import NoContract
from distribution.parties import ancestors, party_by_code, require_scope
from distribution.tables import contract, contract_version, party
from staff import events
from staff.permissions import Actor, Permission, require

SALE_MODELS = ("prepaid", "credit", "consignment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A party's terms. `limit_fen` is what it may owe (credit) or hold unsold (consignment)."""

    party_id: int
    version: int
    sale_model: str
    limit_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractVersion:
    """One form of a contract with its commission; `owed_fen` is what was owed when it began."""

    version: int
    sale_model: str
    limit_fen: int
    owed_fen: int
    at: datetime
    rates: tuple[Rate, ...]


def set_contract(
    session: Session,
    actor: Actor,
    party_code: str,
    sale_model: str,
    limit_fen: int = 0,
    commissions: Mapping[int, int] | None = None,
    rates: Sequence[Rate] = (),
) -> Contract:
    """Write or replace a party's contract: commission in fen a card by face from today, or `rates`.

    A new version is written unless all stays as it is. Faces that are not named earn nothing.
    Raises PartyUnknown, FaceUnknown, InvalidInput.
    """
    require(actor, Permission.MANAGE_PARTIES)
    found = party_by_code(session, party_code)
    require_scope(session, actor, {found.id})
    flat = [
        Rate(face_fen=face_fen, effective_from=session.today, commission_fen=fen)
        for face_fen, fen in (commissions or {}).items()
    ]
    wanted = tuple(sorted([*flat, *rates]))
    _check_terms(found.kind, sale_model, limit_fen)
    check_rates(wanted)
    lock_party(session, found.id)
    current = contract_of(session, found.id)
    new = Contract(
        party_id=found.id,
        version=current.version + 1 if current else 1,
        sale_model=sale_model,
        limit_fen=limit_fen,
    )
    if current and _stays(session, current, new, wanted):
        return current
    _write_version(session, actor, new, wanted)
    return new


def contract_of(session: Session, party_id: int) -> Contract | None:
    """Return the party's own contract, None if it has none."""
    row = session.execute(select(contract).where(contract.c.party_id == party_id)).one_or_none()
    return Contract(**row._mapping) if row else None


def contract_versions(session: Session, actor: Actor, party_code: str) -> list[ContractVersion]:
    """Return every form a party's contract ever had, the last one last.

    Raises PartyUnknown, NotHolder for a party that is not the actor's or below, NoContract.
    """
    require(actor, Permission.VIEW_SETTLEMENTS)
    found = party_by_code(session, party_code)
    require_scope(session, actor, {found.id})
    columns = [
        column for column in contract_version.c if column.name not in ("party_id", "member_id")
    ]
    rows = session.execute(
        select(*columns)
        .where(contract_version.c.party_id == found.id)
        .order_by(contract_version.c.version)
    ).all()
    if not rows:
        raise NoContract("the party has no contract of its own")
    return [
        ContractVersion(**row._mapping, rates=rates_of(session, found.id, row.version))
        for row in rows
    ]


def nearest_contract(session: Session, party_id: int) -> Contract | None:
    """Return the contract of the nearest party at or above, None if nobody has one."""
    line = [item.id for item in ancestors(session, party_id)]
    found = {
        row.party_id: Contract(**row._mapping)
        for row in session.execute(select(contract).where(contract.c.party_id.in_(line)))
    }
    return next((found[each] for each in line if each in found), None)


def lock_nearest_contract(session: Session, party_id: int) -> Contract:
    """Lock the party that owes for `party_id`, then return its contract; raises NoContract.

    Guarantee: until the transaction ends nobody else activates on this contract or changes it.
    Lots are locked before (lock order: lots, parties, accounts).
    """
    found = nearest_contract(session, party_id)
    if found is None:
        raise NoContract("no party at or above the holder has a contract")
    lock_party(session, found.party_id)
    row = session.execute(select(contract).where(contract.c.party_id == found.party_id)).one()
    return Contract(**row._mapping)


def contract_area(party_id: int) -> Select[Any]:
    """Return a query for the ids of the parties whose nearest contract is that of `party_id`."""
    area = select(party.c.id).where(party.c.id == party_id).cte("area", recursive=True)
    below = (
        select(party.c.id)
        .join(area, party.c.parent_id == area.c.id)
        .outerjoin(contract, contract.c.party_id == party.c.id)
        .where(contract.c.party_id.is_(None))
    )
    return select(area.union(below).c.id)


def lock_party(session: Session, party_id: int) -> None:
    """Lock a party's row until the transaction ends; foreign keys to it may still be checked."""
    session.execute(
        select(party.c.id).where(party.c.id == party_id).with_for_update(key_share=True)
    )


def _stays(session: Session, current: Contract, new: Contract, rates: tuple[Rate, ...]) -> bool:
    same = replace(new, version=current.version) == current
    return same and rates_of(session, current.party_id, current.version) == rates


def _write_version(session: Session, actor: Actor, new: Contract, rates: Sequence[Rate]) -> None:
    terms = {
        "version": new.version,
        "sale_model": new.sale_model,
        "limit_fen": new.limit_fen,
    }
    row = terms | {"party_id": new.party_id}
    if new.version == 1:
        session.execute(contract.insert(), row)
    else:
        session.execute(contract.update().where(contract.c.party_id == new.party_id).values(terms))
    owed_fen = ledger.party_receivable(session, new.party_id)
    past = {"owed_fen": owed_fen, "member_id": actor.member_id, "at": session.now}
    session.execute(contract_version.insert(), row | past)
    insert_rates(session, new.party_id, new.version, rates)
    shown = [
        [rate.face_fen, rate.effective_from.isoformat(), rate.after_cards, rate.commission_fen]
        for rate in rates
    ]
    subject = f"party:{new.party_id}"
    events.record(session, actor, "contract.set", subject, commissions=shown, **terms)


def _check_terms(kind: str, sale_model: str, limit_fen: int) -> None:
    if kind == "warehouse":
        raise InvalidInput("the company cannot owe to itself; give a party below it a contract")
    if sale_model not in SALE_MODELS:
        raise InvalidInput(f"a sale model is one of {', '.join(SALE_MODELS)}")
    if not 0 <= limit_fen < MAX_FEN:
        raise InvalidInput("the limit must be 0 or more and below the largest sum", limit=limit_fen)
