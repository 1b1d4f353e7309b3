"""Who may send redemptions: partners over the JSON API, and the gateways of phone and SMS."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, select

from core.db import Session
from core.errors import DomainError, InvalidInput, NotFound
from core.keyfile import KeyFile
from core.text import clean
from redemption.tables import channel, partner
from staff import events
from staff.permissions import Actor, Permission, require

SIGNATURE_TOLERANCE_S = 300
"""How far the time in a signature may be from ours, either way."""

_PARTNER_PREFIX = "wnp_"
_CHANNEL_PREFIX = "wnc_"
_MAX_HEADER = 1000
_TIME = re.compile(r"t=(\d{1,11})", re.ASCII)
_DIGEST = re.compile(r"v1=([0-9a-f]{64})", re.ASCII)


class SenderUnknown(DomainError):
    """The key or signature is missing or not valid. Why is never said."""

    code = "unauthenticated"


class NameTaken(DomainError):
    """Another sender has this name, for ever: stored answers are filed under it."""

    code = "name_taken"


@dataclass(frozen=True)
class Partner:
    """A company that redeems for its own customers."""

    id: int
    name: str
    wrong_per_hour: int


@dataclass(frozen=True)
class Channel:
    """A gateway that brings calls or texts."""

    id: int
    name: str


@dataclass(frozen=True)
class ChannelKeys:
    """What a gateway is given, once: a bearer key, or a secret to sign with; either will do."""

    key: str = field(repr=False)
    hmac_secret: str = field(repr=False)


@dataclass(frozen=True)
class SignedRequest:
    """The headers X-Channel and X-Signature of a request, and its body as it came."""

    channel: str
    signature: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Sender:
    """A partner or channel as lists show it."""

    id: int
    name: str
    active: bool
    created_at: datetime


def add_partner(session: Session, actor: Actor, name: str, wrong_per_hour: int) -> str:
    """Register a partner; return its API key, shown once (only the hash is stored).

    `wrong_per_hour` wrong PINs slow all its requests. Raises NameTaken, InvalidInput, Forbidden.
    """
    if not 0 < wrong_per_hour < 2**31:
        raise InvalidInput("the budget of wrong PINs an hour must be above 0")
    key = _PARTNER_PREFIX + secrets.token_urlsafe(32)
    values = {"key_hash": _hash(key), "wrong_per_hour": wrong_per_hour}
    _add(session, actor, partner, name, values)
    return key


def add_channel(session: Session, keyfile: KeyFile, actor: Actor, name: str) -> ChannelKeys:
    """Register a gateway; return its keys, shown once. Raises NameTaken, InvalidInput, Forbidden.

    The bearer key is stored as a hash, the signing secret encrypted under the key file.
    """
    keys, values = _channel_keys(keyfile)
    _add(session, actor, channel, name, values)
    return keys


def rotate_partner_key(session: Session, actor: Actor, name: str) -> str:
    """Replace a partner's key, and let it in again if it was disabled; the old key ends now."""
    key = _PARTNER_PREFIX + secrets.token_urlsafe(32)
    _change(session, actor, partner, name, "key_rotated", {"key_hash": _hash(key), "active": True})
    return key


def rotate_channel_keys(session: Session, keyfile: KeyFile, actor: Actor, name: str) -> ChannelKeys:
    """Replace both keys of a gateway, and let it in again; the old ones end now."""
    keys, values = _channel_keys(keyfile)
    _change(session, actor, channel, name, "key_rotated", {**values, "active": True})
    return keys


def disable_partner(session: Session, actor: Actor, name: str) -> None:
    """Refuse a partner from now on. Raises NotFound, Forbidden."""
    _change(session, actor, partner, name, "disabled", {"active": False})


def disable_channel(session: Session, actor: Actor, name: str) -> None:
    """Refuse a gateway from now on. Raises NotFound, Forbidden."""
    _change(session, actor, channel, name, "disabled", {"active": False})


def list_partners(session: Session) -> list[Sender]:
    """Return all partners by name."""
    return _list(session, partner)


def list_channels(session: Session) -> list[Sender]:
    """Return all channels by name."""
    return _list(session, channel)


def authenticate_partner(session: Session, key: str) -> Partner:
    """Return the partner that holds the key; SenderUnknown if none does or it is disabled."""
    row = _find(session, partner, partner.c.key_hash == _hash(key))
    if row is None:
        raise SenderUnknown("the partner key is missing or not valid")
    return Partner(row.id, row.name, row.wrong_per_hour)


def authenticate_channel(session: Session, key: str) -> Channel:
    """Return the gateway that holds the bearer key; SenderUnknown if none does."""
    row = _find(session, channel, channel.c.key_hash == _hash(key))
    if row is None:
        raise SenderUnknown("the channel key is missing or not valid")
    return Channel(row.id, row.name)


def authenticate_signed(session: Session, keyfile: KeyFile, signed: SignedRequest) -> Channel:
    """Return the gateway named by a request that it signed within SIGNATURE_TOLERANCE_S.

    The header is `t=<unix seconds>,v1=<hex HMAC-SHA-256 of secret over t + "." + body>`; of
    several v1, as sent while a secret changes, one must fit. Raises SenderUnknown.
    """
    row = None
    if signed.channel.isprintable() and len(signed.channel) <= _MAX_HEADER:
        row = _find(session, channel, channel.c.name == signed.channel)
    # Unknown names cost the same computation.
    secret = keyfile.unseal(row.hmac_secret) if row else b"no such channel"
    fits = signature_fits(secret, signed.signature, signed.body, session.now)
    if row is None or not fits:
        raise SenderUnknown("the signature is missing, too old or not valid")
    return Channel(row.id, row.name)


def sign(secret: str, body: bytes, at: datetime) -> str:
    """Return the X-Signature header a gateway sends; for samples and tests of gateways."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={_signature(secret.encode(), stamp, body)}"


def signature_fits(secret: bytes, header: str, body: bytes, now: datetime) -> bool:
    """Tell whether a signature header is of this secret and body, and near `now`. Pure."""
    if len(header) > _MAX_HEADER:
        return False
    parts = [part.strip() for part in header.split(",")]
    stamps = [found[1] for part in parts if (found := _TIME.fullmatch(part))]
    if len(stamps) != 1 or abs(int(stamps[0]) - now.timestamp()) > SIGNATURE_TOLERANCE_S:
        return False
    wanted = _signature(secret, stamps[0], body)
    digests = [found[1] for part in parts if (found := _DIGEST.fullmatch(part))]
    return _any_equal(wanted, digests)


def _any_equal(wanted: str, digests: Sequence[str]) -> bool:
    fits = False
    for digest in digests:
        fits |= hmac.compare_digest(wanted, digest)
    return fits


def _signature(secret: bytes, stamp: str, body: bytes) -> str:
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


def _channel_keys(keyfile: KeyFile) -> tuple[ChannelKeys, dict[str, Any]]:
    keys = ChannelKeys(_CHANNEL_PREFIX + secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    values = {
        "key_hash": _hash(keys.key),
        "hmac_secret": keyfile.seal(keys.hmac_secret.encode()),
    }
    return keys, values


def _find(session: Session, table: Table, where: ColumnElement[bool]) -> Any:
    return session.execute(select(table).where(where, table.c.active)).one_or_none()


def _add(session: Session, actor: Actor, table: Table, name: str, values: dict[str, Any]) -> None:
    require(actor, Permission.MANAGE_SENDERS)
    label = _name(table, name)
    row = {
        "id": session.new_id(),
        "name": label,
        "active": True,
        "created_at": session.now,
        **values,
    }
    if session.execute(session.insert_new(table).returning(table.c.id), row).first() is None:
        raise NameTaken(f"the name {label} is taken")
    events.record(session, actor, f"{table.name}.added", f"{table.name}:{label}")


def _change(
    session: Session, actor: Actor, table: Table, name: str, deed: str, values: dict[str, Any]
) -> None:
    require(actor, Permission.MANAGE_SENDERS)
    label = _name(table, name)
    done = session.execute(table.update().where(table.c.name == label).values(**values))
    if done.rowcount != 1:
        raise NotFound(f"there is no {table.name} of that name")
    events.record(session, actor, f"{table.name}.{deed}", f"{table.name}:{label}")


def _name(table: Table, text: str) -> str:
    label = clean(text, "the name", 60)
    if "/" in label:
        # partner/caller is how a partner's callers are told apart.
        raise InvalidInput("the name must not hold a slash")
    if table is channel and not label.isascii():
        raise InvalidInput("a channel's name stands in a header and must be ASCII")
    return label


def _list(session: Session, table: Table) -> list[Sender]:
    rows = session.execute(select(table).order_by(table.c.name))
    return [Sender(row.id, row.name, row.active, row.created_at) for row in rows]
