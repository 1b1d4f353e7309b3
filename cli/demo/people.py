"""The people of the demo: real accounts, random passwords, real one-time codes."""

import secrets
from dataclasses import dataclass, field

import pyotp

from cli.demo.parties import add_parties
from core.db import Database, Session
from core.keyfile import KeyFile
from distribution.parties import party_by_code
from staff.limits import SignInLimits
from staff.members import add_member
from staff.permissions import Actor
from staff.signin import authenticate, sign_in


@dataclass(frozen=True)
class Seat:
    """An account with what its owner knows to sign in again."""

    actor: Actor
    username: str
    password: str = field(repr=False)
    totp: pyotp.TOTP = field(repr=False)


@dataclass(frozen=True)
class People:
    """Who is signed in. Two persons of the company have several accounts each."""

    admin: Actor
    issuer: Actor
    second_issuer: Actor
    warehouse: Actor
    finance: Actor
    second_finance: Actor
    clerks: dict[str, Actor]
    admin_seat: Seat

    def of(self, party: str) -> Actor:
        """Return the clerk who acts for a party: his province's."""
        return self.clerks[_PROVINCE_OF.get(party[:2], party[:2])]


@dataclass(frozen=True)
class _Account:
    username: str
    name: str
    identity_number: str
    role: str
    party: str | None = None


_PROVINCE_OF = {"WH": "HB", "CS": "HN", "NC": "JX"}
_JIA, _YI = ("演示甲", "DEMO-1"), ("演示乙", "DEMO-2")
_ADMIN = _Account("jia", *_JIA, "admin")
_SECOND = _Account("yi", *_YI, "issuer")
_ISSUER = _Account("jia.cards", *_JIA, "issuer")
_SECOND_FINANCE = _Account("jia.money", *_JIA, "finance")
_WAREHOUSE = _Account("yi.stock", *_YI, "warehouse")
_FINANCE = _Account("yi.money", *_YI, "finance")
_CLERKS = (
    _Account("bing", "演示丙", "DEMO-3", "distributor", "HB"),
    _Account("ding", "演示丁", "DEMO-4", "distributor", "HN"),
    _Account("wu", "演示戊", "DEMO-5", "distributor", "JX"),
)


def sign_everybody_in(db: Database, keyfile: KeyFile) -> People:
    """Open the accounts and sign in to each, with password and one-time code."""
    limits = SignInLimits.of("")
    admin = _join(db, keyfile, limits, None, _ADMIN)
    second = _join(db, keyfile, limits, None, _SECOND)
    db.transact(lambda session: add_parties(session, admin.actor))
    issuer, warehouse, finance, second_finance, *clerks = (
        _join(db, keyfile, limits, admin.actor, account).actor
        for account in (_ISSUER, _WAREHOUSE, _FINANCE, _SECOND_FINANCE, *_CLERKS)
    )
    return People(
        admin=admin.actor,
        issuer=issuer,
        second_issuer=second.actor,
        warehouse=warehouse,
        finance=finance,
        second_finance=second_finance,
        clerks={str(who.party): clerk for who, clerk in zip(_CLERKS, clerks, strict=True)},
        admin_seat=admin,
    )


def sign_in_again(db: Database, keyfile: KeyFile, seat: Seat) -> str:
    """Sign in with the code of the present instant; return the session's token."""
    code = seat.totp.at(db.clock())
    limits = SignInLimits.of("")
    return sign_in(db, keyfile, seat.username, seat.password, code, limits=limits)


def _join(
    db: Database,
    keyfile: KeyFile,
    limits: SignInLimits,
    by: Actor | None,
    account: _Account,
) -> Seat:
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
        return Seat(authenticate(session, token), account.username, password, totp)
