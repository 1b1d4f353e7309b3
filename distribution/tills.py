"""Tills: the counters of an outlet. Each has an API key, and a key of its own for PINs."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyrage
from sqlalchemy import Row, select

from core.db import Session
from core.errors import DomainError, InvalidInput, NotFound
from distribution.errors import NotAtOutlet
from distribution.parties import party_by_code, require_scope, subtree_ids
from distribution.tables import party
from distribution.till_tables import till
from staff import events
from staff.permissions import Actor, Permission, require

KEY_PREFIX = "wnt_"

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


class TillUnknown(NotFound):
    """No till that the actor may act for has this code."""

    code = "till_unknown"


class TillExists(DomainError):
    """Another till has this code, for ever: its sales are filed under it."""

    code = "till_exists"


class TillKeyInvalid(InvalidInput):
    """Not an age public key of the kind age1…"""

    code = "till_key_invalid"


class TillNotKnown(DomainError):
    """The till's key is missing or not valid, or the till is disabled. Why is never said."""

    code = "unauthenticated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A counter and the outlet it stands in; `key_hash` is that of the API key it has now."""

    id: int
    code: str
    party_id: int
    party_code: str
    party_name: str
    public_key: str
    active: bool
    created_at: datetime
    key_hash: bytes = field(repr=False)


def add_till(
    session: Session, actor: Actor, party_code: str, code: str, public_key: str
) -> tuple[Till, str]:
    """Register a till of an outlet; return it and its API key, shown once (its hash is stored).

    Raises PartyUnknown, NotHolder, NotAtOutlet, TillExists, TillKeyInvalid, Forbidden.
    """
    require(actor, Permission.MANAGE_TILLS)
    found = party_by_code(session, party_code)
    require_scope(session, actor, {found.id})
    if found.kind != "outlet":
        raise NotAtOutlet("a till stands in an outlet")
    if _CODE.fullmatch(code) is None:
        raise InvalidInput("a till's code has 1 to 32 letters, digits, dots, dashes")
    key = _new_key()
    row = {
        "id": session.new_id(),
        "party_id": found.id,
        "code": code,
        "key_hash": _hash(key),
        "public_key": parse_public_key(public_key),
        "active": True,
        "created_at": session.now,
    }
    if session.execute(session.insert_new(till), row).rowcount != 1:
        raise TillExists(f"there is a till with the code {code} already")
    events.record(
        session, actor, "till.added", f"till:{code}", party=found.code, public_key=row["public_key"]
    )
    return _by_code(session, code), key


def rotate_till_key(
    session: Session, actor: Actor, code: str, public_key: str | None = None
) -> str:
    """Give a till a new API key, and let it in again; the old key ends now. Return the new one.

    With `public_key` later PINs are sealed to that; what is sealed already stays as it is.
    """
    key = _new_key()
    values: dict[str, Any] = {"key_hash": _hash(key), "active": True}
    detail: dict[str, Any] = {}
    if public_key is not None:
        values["public_key"] = detail["public_key"] = parse_public_key(public_key)
    _change(session, actor, code, "key_rotated", values, detail)
    return key


def disable_till(session: Session, actor: Actor, code: str) -> None:
    """Refuse a till from now on. Raises TillUnknown, Forbidden."""
    _change(session, actor, code, "disabled", {"active": False}, {})


def list_tills(session: Session, actor: Actor, after_code: str = "", limit: int = 50) -> list[Till]:
    """Return the tills the actor may act for, by code, at most `limit` (1 to 500)."""
    require(actor, Permission.MANAGE_TILLS)
    query = _query().where(till.c.code > after_code)
    if actor.party_id is not None:
        query = query.where(till.c.party_id.in_(subtree_ids(session, actor.party_id)))
    rows = session.execute(query.order_by(till.c.code).limit(max(1, min(limit, 500))))
    return [_till(row) for row in rows]


def authenticate_till(session: Session, key: str) -> Till:
    """Return the till that holds the API key; TillNotKnown if none does or it is disabled."""
    row = session.execute(_query().where(till.c.key_hash == _hash(key), till.c.active)).first()
    if row is None:
        raise TillNotKnown("the till's key is missing or not valid")
    return _till(row)


def lock_till(session: Session, known: Till) -> Till:
    """Return an active till as it is now, which stays so until the transaction ends.

    For a sale: a till disabled, or given another key than it came with, must not sell.
    Raises TillNotKnown.
    """
    # FOR SHARE: a weaker lock would let the till be disabled before the sale commits.
    locked = (
        select(till.c.id)
        .where(till.c.id == known.id, till.c.active, till.c.key_hash == known.key_hash)
        .with_for_update(read=True)
    )
    if session.execute(locked).first() is None:
        raise TillNotKnown("the till's key is missing or not valid")
    return _till(session.execute(_query().where(till.c.id == known.id)).one())


def parse_public_key(text: str) -> str:
    """Return an age X25519 recipient in its one written form; TillKeyInvalid otherwise."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except (pyrage.RecipientError, UnicodeEncodeError):
        # What was sent is not repeated: it may be the secret key, pasted by mistake.
        raise TillKeyInvalid("the till's public key must be an age key, age1…") from None


def _change(
    session: Session,
    actor: Actor,
    code: str,
    deed: str,
    values: dict[str, Any],
    detail: dict[str, Any],
) -> None:
    require(actor, Permission.MANAGE_TILLS)
    found = _by_code(session, code)
    if actor.party_id is not None and found.party_id not in subtree_ids(session, actor.party_id):
        raise TillUnknown("there is no till of this code")
    session.execute(till.update().where(till.c.id == found.id).values(**values))
    events.record(session, actor, f"till.{deed}", f"till:{code}", **detail)


def _by_code(session: Session, code: str) -> Till:
    # A text that is no code is not looked for: it may hold what a database cannot even read.
    query = _query().where(till.c.code == code)
    row = session.execute(query).one_or_none() if _CODE.fullmatch(code) else None
    if row is None:
        raise TillUnknown("there is no till of this code")
    return _till(row)


def _query() -> Any:
    return select(till, party.c.code.label("party_code"), party.c.name.label("party_name")).join(
        party, party.c.id == till.c.party_id
    )


def _till(row: Row[Any]) -> Till:
    return Till(
        id=row.id,
        code=row.code,
        party_id=row.party_id,
        party_code=row.party_code,
        party_name=row.party_name,
        public_key=row.public_key,
        active=row.active,
        created_at=row.created_at,
        key_hash=row.key_hash,
    )


def _new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
