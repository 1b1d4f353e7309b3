"""People and their accounts. A person may have several accounts and stays one person."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from sqlalchemy import select

from core.db import Session, take_block
from core.errors import DomainError, InvalidInput, NotFound
from core.keyfile import KeyFile
from core.text import clean
from staff import events
from staff.limits import SignInLimits
from staff.passwords import WrongPassword, check_password, hash_password, password_fits
from staff.permissions import ROLE_PERMISSIONS, Actor, Forbidden, Permission, require
from staff.tables import person, staff_member, staff_session

ISSUER = "Wanneng"
"""The name under which an authenticator app files the account."""

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}", re.ASCII)
_FIRST_MEMBERS = 2


class UsernameTaken(DomainError):
    """Another account has this name."""

    code = "username_taken"


class IdentityConflict(DomainError):
    """The identity number is on file under another name."""

    code = "identity_conflict"


class LastAdmin(DomainError):
    """Without this account nobody could manage accounts any more."""

    code = "last_admin"


@dataclass(frozen=True)
class Enrolment:
    """A new account. The otpauth URI holds the TOTP secret and is never to be had again."""

    member_id: int
    otpauth_uri: str = field(repr=False)


@dataclass(frozen=True)
class Member:
    """An account as lists show it."""

    id: int
    username: str
    person_name: str
    role: str
    party_id: int | None
    active: bool
    created_at: datetime


def add_member(
    session: Session,
    keyfile: KeyFile,
    actor: Actor | None,
    name: str,
    identity_number: str,
    username: str,
    password: str,
    role: str,
    party_id: int | None = None,
) -> Enrolment:
    """Open an account for a person, told apart by the number of an identity document.

    Without an actor only while there are fewer than two accounts, of which one must be an admin.
    Raises InvalidInput, WeakPassword, UsernameTaken, IdentityConflict, Forbidden.
    """
    login = parse_username(username)
    _check_role(role, party_id)
    check_password(password, login)
    _check_may_add(session, actor, role)
    secret = pyotp.random_base32()
    member_id = session.new_id()
    row = {
        "id": member_id,
        "person_id": _person_id(session, name, identity_number),
        "username": login,
        "role": role,
        "party_id": party_id,
        "password_hash": hash_password(password),
        "totp_secret": keyfile.seal(secret.encode()),
        "active": True,
        "created_at": session.now,
    }
    new = session.insert_new(staff_member).returning(staff_member.c.id)
    if session.execute(new, row).first() is None:
        raise UsernameTaken(f"the username {login} is taken")
    events.record(session, actor, "member.added", subject(member_id), username=login, role=role)
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    return Enrolment(member_id, uri)


def change_password(
    session: Session, limits: SignInLimits, actor: Actor, current: str, new: str
) -> None:
    """Give the actor's own account a new password and end all its sign-ins.

    Raises WrongPassword (counted like a sign-in), WeakPassword, TooManySignIns.
    """
    check_password(new, actor.username)
    limits.count(actor.username, None)
    own = staff_member.c.id == actor.member_id
    stored = session.execute(select(staff_member.c.password_hash).where(own)).scalar_one()
    if not password_fits(stored, current):
        raise WrongPassword("the current password is wrong")
    session.execute(staff_member.update().where(own).values(password_hash=hash_password(new)))
    _revoke_sessions(session, actor.member_id)
    events.record(session, actor, "member.password_changed", subject(actor.member_id))


def disable_member(session: Session, actor: Actor, username: str) -> None:
    """Close an account for good; its tokens stop at once. Raises NotFound, LastAdmin, Forbidden.

    A person who lost the phone with the codes gets a new account under the same identity number.
    """
    require(actor, Permission.MANAGE_STAFF)
    login = username.strip().lower()
    admins = select(staff_member.c.username).where(
        staff_member.c.role == "admin", staff_member.c.active
    )
    # Locked, so that two admins who disable each other at once cannot both succeed.
    rows = session.execute(admins.order_by(staff_member.c.id).with_for_update()).scalars().all()
    if rows == [login]:
        raise LastAdmin("this is the last admin, add another one first")
    found = session.execute(
        staff_member.update()
        .where(staff_member.c.username == login, staff_member.c.active)
        .values(active=False)
        .returning(staff_member.c.id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no active account of that name")
    _revoke_sessions(session, found)
    events.record(session, actor, "member.disabled", subject(found), username=login)


def list_members(session: Session) -> list[Member]:
    """Return all accounts by username."""
    query = (
        select(staff_member, person.c.name)
        .join(person, person.c.id == staff_member.c.person_id)
        .order_by(staff_member.c.username)
    )
    return [
        Member(row.id, row.username, row.name, row.role, row.party_id, row.active, row.created_at)
        for row in session.execute(query)
    ]


def parse_username(text: str) -> str:
    """Return the username in lower case; InvalidInput unless 2 to 32 of a-z 0-9 . _ -"""
    login = text.strip().lower()
    if _USERNAME.fullmatch(login) is None:
        raise InvalidInput("a username has 2 to 32 characters of a-z, 0-9, dot, underscore, hyphen")
    return login


def subject(member_id: int) -> str:
    """Return the name under which the event log keeps an account."""
    return f"member:{member_id}"


def _check_role(role: str, party_id: int | None) -> None:
    if role not in ROLE_PERMISSIONS:
        raise InvalidInput(f"a role is one of {', '.join(ROLE_PERMISSIONS)}")
    if role == "distributor" and party_id is None:
        raise InvalidInput("a distributor's account needs the party it acts for")


def _check_may_add(session: Session, actor: Actor | None, role: str) -> None:
    if actor is not None:
        require(actor, Permission.MANAGE_STAFF)
        return
    # The counter's row is locked until the commit, so that first accounts are added one by one.
    take_block(session.connection, "first_members", 1)
    roles = session.execute(select(staff_member.c.role).limit(_FIRST_MEMBERS)).scalars().all()
    if len(roles) >= _FIRST_MEMBERS:
        raise Forbidden("the first two accounts exist; sign in as an admin to add more")
    if roles and "admin" not in {*roles, role}:
        raise InvalidInput("one of the first two accounts must be an admin")


def _person_id(session: Session, name: str, identity_number: str) -> int:
    number = _plain_number(identity_number)
    full_name = clean(name, "the name", 100)
    new = {
        "id": session.new_id(),
        "name": full_name,
        "identity_number": number,
        "created_at": session.now,
    }
    session.execute(session.insert_new(person), new)
    query = select(person.c.id, person.c.name).where(person.c.identity_number == number)
    found = session.execute(query).one()
    if found.name != full_name:
        raise IdentityConflict("this identity number is on file under another name")
    return int(found.id)


def _plain_number(text: str) -> str:
    """Return an identity number's letters and digits: a blank must not make a second person."""
    wide = clean(text, "the identity number", 50)
    signs = unicodedata.normalize("NFKC", wide).upper()
    return clean("".join(sign for sign in signs if sign.isalnum()), "the identity number")


def _revoke_sessions(session: Session, member_id: int) -> None:
    session.execute(
        staff_session.update()
        .where(staff_session.c.member_id == member_id, staff_session.c.revoked_at.is_(None))
        .values(revoked_at=session.now)
    )
