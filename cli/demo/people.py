"""The people of the demo: real accounts, random passwords, real one-time codes."""

import secrets
from dataclasses import dataclass

import pyotp

from core.db import Database, Session
from core.keyfile import KeyFile
from distribution.contracts import set_contract
from distribution.parties import add_party, party_by_code
from staff.limits import SignInLimits
from staff.members import add_member
from staff.permissions import Actor
from staff.signin import authenticate, sign_in

CITY, SHOP = "WH", "WH-SHOP1"
_FACE_COMMISSIONS = {5_000: 50, 10_000: 100, 20_000: 200}


@dataclass(frozen=True)
class People:
    """Who is signed in. Two persons of the company have several accounts, the clerk has one."""

    admin: Actor
    issuer: Actor
    second_issuer: Actor
    warehouse: Actor
    finance: Actor
    clerk: Actor
    admin_token: str


@dataclass(frozen=True)
class _Account:
    username: str
    name: str
    identity_number: str
    role: str
    party: str | None = None


_JIA, _YI, _BING = ("演示甲", "DEMO-1"), ("演示乙", "DEMO-2"), ("演示丙", "DEMO-3")
_ADMIN = _Account("jia", *_JIA, "admin")
_SECOND = _Account("yi", *_YI, "issuer")
_ISSUER = _Account("jia.cards", *_JIA, "issuer")
_WAREHOUSE = _Account("yi.stock", *_YI, "warehouse")
_FINANCE = _Account("yi.money", *_YI, "finance")
_CLERK = _Account("bing", *_BING, "distributor", CITY)


def sign_everybody_in(db: Database, keyfile: KeyFile) -> People:
    """Open the accounts and sign in to each, with password and one-time code."""
    limits = SignInLimits.of("")
    admin, token = _join(db, keyfile, limits, None, _ADMIN)
    second, _ = _join(db, keyfile, limits, None, _SECOND)
    db.transact(lambda session: _add_parties(session, admin))
    issuer, warehouse, finance, clerk = (
        _join(db, keyfile, limits, admin, account)[0]
        for account in (_ISSUER, _WAREHOUSE, _FINANCE, _CLERK)
    )
    return People(
        admin=admin,
        issuer=issuer,
        second_issuer=second,
        warehouse=warehouse,
        finance=finance,
        clerk=clerk,
        admin_token=token,
    )


def _add_parties(session: Session, admin: Actor) -> None:
    add_party(session, admin, "city", CITY, "武汉演示经销", "WAREHOUSE", "4201")
    add_party(session, admin, "outlet", SHOP, "街角演示超市", CITY, "420106")
    set_contract(session, admin, CITY, "credit", 10_000_000, _FACE_COMMISSIONS)


def _join(
    db: Database,
    keyfile: KeyFile,
    limits: SignInLimits,
    by: Actor | None,
    account: _Account,
) -> tuple[Actor, str]:
    password = secrets.token_urlsafe(12)

    def add(session: Session) -> str:
        party_id = None if account.party is None else party_by_code(session, account.party).id
        enrolled = add_member(
            session,
            keyfile,
            by,
            account.name,
            account.identity_number,
            account.username,
            password,
            account.role,
            party_id,
        )
        return enrolled.otpauth_uri

    totp = pyotp.parse_uri(db.transact(add))
    if not isinstance(totp, pyotp.TOTP):
        raise AssertionError("an enrolment is for codes that change with time")
    code = totp.at(db.clock())
    token = sign_in(db, keyfile, account.username, password, code, limits=limits)
    with db.read() as session:
        return authenticate(session, token), token
