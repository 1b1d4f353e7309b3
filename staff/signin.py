"""Signing in: password and one-time code against a bearer token."""

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Row, select

from core.db import Database, Session
from core.errors import DomainError, InvalidInput
from core.keyfile import KeyFile
from staff import events
from staff.limits import SignInLimits
from staff.members import parse_username, subject
from staff.passwords import password_fits
from staff.permissions import Actor
from staff.tables import staff_member, staff_session

TOKEN_LIFETIME = timedelta(hours=12)

_CODE = re.compile(r"\d{6}", re.ASCII)
_WINDOW_STEPS = 1
_SECRET_OF_NOBODY = "A" * 32


class SignInFailed(DomainError):
    """Username, password or code is wrong; which one is never said."""

    code = "sign_in_failed"


class CodeWrong(DomainError):
    """The one-time code is wrong, too old, or was used before."""

    code = "code_wrong"


class Unauthenticated(DomainError):
    """There is no valid token; sign in."""

    code = "unauthenticated"


def sign_in(
    db: Database,
    keyfile: KeyFile,
    username: str,
    password: str,
    code: str,
    *,
    limits: SignInLimits,
    address: str | None = None,
) -> str:
    """Return a bearer token, valid for TOKEN_LIFETIME; only its hash is stored.

    Slow on purpose (argon2id): call it in a thread. A code works once. Raises SignInFailed, after
    the same work whatever was wrong, and TooManySignIns before any. Both count a try.
    """
    login = username.strip().lower()
    limits.count(login, address)
    with db.read() as session:
        member = _find(session, login)
        step = _matching_step(keyfile, member, code, session.now)
    fits = password_fits(member.password_hash if member else None, password)
    token = secrets.token_urlsafe(32)
    if member is None or step is None or not fits or not _open(db, member, step, token, address):
        _record_failure(db, member, address)
        raise SignInFailed(
            "the username, the password or the code is wrong, or the code was used before"
        )
    limits.forget(login)
    return token


def authenticate(session: Session, token: str) -> Actor:
    """Return who holds the token; Unauthenticated if it is unknown, over, revoked or disabled."""
    query = (
        select(
            staff_member.c.id,
            staff_member.c.person_id,
            staff_member.c.username,
            staff_member.c.role,
            staff_member.c.party_id,
        )
        .join(staff_session, staff_session.c.member_id == staff_member.c.id)
        .where(
            staff_session.c.token_hash == _hash(token),
            staff_session.c.revoked_at.is_(None),
            staff_session.c.expires_at > session.now,
            staff_member.c.active,
        )
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise Unauthenticated("sign in first: the token is missing, unknown or over")
    return Actor(row.id, row.person_id, row.username, row.role, row.party_id)


def sign_out(session: Session, token: str) -> None:
    """End the sign-in of this token; a second time changes nothing."""
    session.execute(
        staff_session.update()
        .where(staff_session.c.token_hash == _hash(token), staff_session.c.revoked_at.is_(None))
        .values(revoked_at=session.now)
    )


def confirm_code(
    db: Database, keyfile: KeyFile, actor: Actor, code: str, limits: SignInLimits
) -> None:
    """Use up a one-time code of a signed-in member; each works once, here or to sign in.

    Raises CodeWrong, and TooManySignIns before any work. Both count a try.
    """
    limits.count(actor.username, None)
    with db.read() as session:
        member = _find(session, actor.username)
        step = _matching_step(keyfile, member, code, session.now)
    if member is None or step is None or not db.transact(lambda s: _use_up(s, member, step)):
        _record_failure(db, member, None)
        raise CodeWrong("the one-time code is wrong or was used before; wait for the next one")
    limits.forget(actor.username)


def _use_up(session: Session, member: Row[Any], step: int) -> bool:
    """Mark a code as used; False when it was used before or the account has changed."""
    used = session.execute(
        staff_member.update()
        .where(
            staff_member.c.id == member.id,
            staff_member.c.totp_last_step < step,
            staff_member.c.password_hash == member.password_hash,
            staff_member.c.active,
        )
        .values(totp_last_step=step)
    )
    return used.rowcount == 1


def _find(session: Session, username: str) -> Row[Any] | None:
    try:
        login = parse_username(username)
    except InvalidInput:
        return None
    query = select(staff_member).where(staff_member.c.username == login, staff_member.c.active)
    return session.execute(query).one_or_none()


def _matching_step(
    keyfile: KeyFile, member: Row[Any] | None, code: str, now: datetime
) -> int | None:
    """Return the time step whose code this is, one step early or late allowed."""
    secret = keyfile.unseal(member.totp_secret).decode() if member else _SECRET_OF_NOBODY
    typed = unicodedata.normalize("NFKC", code.strip()) if len(code) <= 20 else ""
    if _CODE.fullmatch(typed) is None:
        typed = ""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            typed, for_time=now, valid_window=_WINDOW_STEPS
        )
    except OTPVerificationError:
        return None


def _open(db: Database, member: Row[Any], step: int, token: str, address: str | None) -> bool:
    """Use up the code and store the sign-in; False when the code was used before."""

    def work(session: Session) -> bool:
        if not _use_up(session, member, step):
            return False
        row = {
            "token_hash": _hash(token),
            "member_id": member.id,
            "created_at": session.now,
            "expires_at": session.now + TOKEN_LIFETIME,
        }
        session.execute(staff_session.insert(), row)
        actor = _actor(member)
        events.record(session, actor, "sign_in.done", subject(member.id), address=address)
        return True

    return db.transact(work)


def _record_failure(db: Database, member: Row[Any] | None, address: str | None) -> None:
    # An unknown name is not stored: it may be a password typed into the wrong field.
    about = subject(member.id) if member else "member:unknown"
    db.transact(
        lambda session: events.record(session, None, "sign_in.failed", about, address=address)
    )


def _actor(member: Row[Any]) -> Actor:
    return Actor(member.id, member.person_id, member.username, member.role, member.party_id)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
