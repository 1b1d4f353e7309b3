"""Who acts in a world of the benchmark, and the parties that hold its cards."""

import secrets
from dataclasses import dataclass

import pyrage
from sqlalchemy import select

from cli.actions import ACTIONS
from core.db import Database, Session
from core.keyfile import KeyFile, Keys
from distribution.contracts import set_contract
from distribution.parties import add_party, party_by_code, warehouse_id
from staff import approvals
from staff.members import add_member
from staff.permissions import Actor
from staff.tables import staff_member
from vouchers.printers import request_printer

FACE_FEN = 5_000
PRINTER = "bench"
PROVINCE = "BENCH"
OUTLETS = tuple(f"BENCH-{number:02d}" for number in range(1, 21))
_COMMISSION_FEN = 50
_LIMIT_FEN = 10**12
_PERSONS = {"one": ("bench 1", "BENCH-1"), "two": ("bench 2", "BENCH-2")}


@dataclass(frozen=True)
class People:
    """The members that a card's life needs; two persons, so that one can agree to the other."""

    admin: Actor
    issuer: Actor
    second: Actor
    warehouse: Actor
    distributor: Actor
    warehouse_id: int


def settle_in(db: Database, keys: Keys) -> People:
    """Open accounts, add the province and its outlets, and register a printer by two persons."""
    keyfile = keys.get()
    admin = _join(db, keyfile, None, "one", "bench.admin", "admin")
    second = _join(db, keyfile, None, "two", "bench.second", "issuer")
    province_id = db.transact(lambda session: _add_parties(session, admin))
    with db.read() as session:
        warehouse = warehouse_id(session)
    people = People(
        admin=admin,
        issuer=_join(db, keyfile, admin, "one", "bench.issuer", "issuer"),
        second=second,
        warehouse=_join(db, keyfile, admin, "two", "bench.stock", "warehouse"),
        distributor=_join(db, keyfile, admin, "two", "bench.shop", "distributor", province_id),
        warehouse_id=warehouse,
    )
    public_key = str(pyrage.x25519.Identity.generate().to_public())
    asked = db.transact(lambda session: request_printer(session, admin, PRINTER, "1", public_key))
    approvals.agree(db, second, asked, ACTIONS)
    return people


def _add_parties(session: Session, admin: Actor) -> int:
    add_party(session, admin, "province", PROVINCE, PROVINCE, "WAREHOUSE", "42")
    for code in OUTLETS:
        add_party(session, admin, "outlet", code, code, PROVINCE, "4201")
    set_contract(session, admin, PROVINCE, "credit", _LIMIT_FEN, {FACE_FEN: _COMMISSION_FEN})
    return party_by_code(session, PROVINCE).id


def _join(
    db: Database,
    keyfile: KeyFile,
    by: Actor | None,
    person: str,
    username: str,
    role: str,
    party_id: int | None = None,
) -> Actor:
    password = secrets.token_urlsafe(16)

    def add(session: Session) -> Actor:
        enrolled = add_member(
            session, keyfile, by, *_PERSONS[person], username, password, role, party_id
        )
        query = select(staff_member.c.person_id).where(staff_member.c.id == enrolled.member_id)
        person_id = session.execute(query).scalar_one()
        return Actor(enrolled.member_id, person_id, username, role, party_id)

    return db.transact(add)
