"""Contracts: on what terms a party is sold to. One owes for all below it without their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from core.db import Session
from core.errors import InvalidInput
from core.money import MAX_FEN, format_yuan
from distribution.errors import NoContract
from distribution.parties import ancestors, party_by_code, require_scope
from distribution.tables import commission, contract, party
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.denominations import by_face

SALE_MODELS = ("prepaid", "credit", "consignment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A party's terms. `limit_fen` is what it may owe (credit) or hold unsold (consignment)."""

    party_id: int
    sale_model: str
    limit_fen: int


def set_contract(
    session: Session,
    actor: Actor,
    party_code: str,
    sale_model: str,
    limit_fen: int = 0,
    commissions: Mapping[int, int] | None = None,
) -> Contract:
    """Write or replace a party's contract, with its commission in fen a card by face in fen.

    Faces that are not named earn nothing. Raises PartyUnknown, FaceUnknown, InvalidInput.
    """
    require(actor, Permission.MANAGE_PARTIES)
    found = party_by_code(session, party_code)
    require_scope(session, actor, {found.id})
    commissions = commissions or {}
    _check_terms(found.kind, sale_model, limit_fen, commissions)
    lock_party(session, found.id)
    terms = {"sale_model": sale_model, "limit_fen": limit_fen}
    row = terms | {"party_id": found.id}
    if session.execute(session.insert_new(contract), row).rowcount != 1:
        session.execute(contract.update().where(contract.c.party_id == found.id).values(terms))
    _replace_commissions(session, found.id, commissions)
    shown = {str(face_fen): fen for face_fen, fen in commissions.items()}
    events.record(session, actor, "contract.set", f"party:{found.id}", commissions=shown, **terms)
    return Contract(party_id=found.id, sale_model=sale_model, limit_fen=limit_fen)


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


def commission_fen(session: Session, party_id: int, denomination_id: int) -> int:
    """Return what the party earns for each card of a denomination, in fen; 0 if nothing is set."""
    found = session.execute(
        select(commission.c.commission_fen).where(
            commission.c.party_id == party_id, commission.c.denomination_id == denomination_id
        )
    ).scalar_one_or_none()
    return int(found or 0)


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


def _replace_commissions(session: Session, party_id: int, commissions: Mapping[int, int]) -> None:
    session.execute(commission.delete().where(commission.c.party_id == party_id))
    rows = [
        {
            "party_id": party_id,
            "denomination_id": by_face(session, face_fen).id,
            "commission_fen": fen,
        }
        for face_fen, fen in sorted(commissions.items())
    ]
    if rows:
        session.execute(commission.insert(), rows)


def _check_terms(
    kind: str, sale_model: str, limit_fen: int, commissions: Mapping[int, int]
) -> None:
    if kind == "warehouse":
        raise InvalidInput("the company cannot owe to itself; give a party below it a contract")
    if sale_model not in SALE_MODELS:
        raise InvalidInput(f"a sale model is one of {', '.join(SALE_MODELS)}")
    if not 0 <= limit_fen < MAX_FEN:
        raise InvalidInput("the limit must be 0 or more and below the largest sum", limit=limit_fen)
    for face_fen, fen in commissions.items():
        if not 0 <= fen <= face_fen:
            raise InvalidInput(
                f"the commission on {format_yuan(face_fen)} yuan must lie between 0 and the face"
            )
