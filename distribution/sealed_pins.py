"""PINs of electronic cards between sale and reveal: encrypted to the key of one till alone.

The one place where the database holds a PIN in any form but its tag. It goes when the till
confirms, when its card is taken back, or when it has waited too long.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import pyrage
from sqlalchemy import ColumnElement, delete, or_, select

from core.db import Database, Session
from core.errors import DomainError, InvalidInput, NotFound
from distribution.till_tables import pin_reveal, sealed_pin
from distribution.tills import Till
from vouchers.pins import Pin
from vouchers.serials import SerialRange, serial_text

_AT_ONCE = 500


class PinGone(DomainError):
    """The sealed PIN is no longer kept: too old, or its card was taken back."""

    code = "pin_gone"


class NoSealedPin(NotFound):
    """The sale is of a card of plastic, whose PIN is under its scratch layer."""

    code = "no_sealed_pin"


class SealedPinUnreadable(InvalidInput):
    """The ciphertext is not for this key, or damaged."""

    code = "sealed_pin_unreadable"


@dataclass(frozen=True, slots=True)
class Reveal:
    """How far a PIN is: sealed (then with its ciphertext), confirmed, expired or withdrawn."""

    state: str
    ciphertext: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OpenedPin:
    """What a till finds in a sealed PIN."""

    serial_number: str
    face_fen: int
    pin: Pin = field(repr=False)


class _Content(msgspec.Struct, frozen=True):
    serial_number: str
    face_fen: int
    pin: str


def seal_pin(
    session: Session, sale_id: int, till: Till, serial: int, face_fen: int, pin: Pin
) -> None:
    """Keep a PIN for a till, encrypted to its key with the serial it belongs to."""
    content = {"serial_number": serial_text(serial), "face_fen": face_fen, "pin": pin.digits}
    recipient = pyrage.x25519.Recipient.from_str(till.public_key)
    row = {
        "sale_id": sale_id,
        "serial": serial,
        "till_id": till.id,
        "ciphertext": pyrage.encrypt(json.dumps(content).encode("ascii"), [recipient]),
        "created_at": session.now,
    }
    session.execute(sealed_pin.insert(), row)


def open_pin(ciphertext: bytes, secret_key: str) -> OpenedPin:
    """Return what a till reads with its secret key; SealedPinUnreadable. For tills."""
    try:
        identity = pyrage.x25519.Identity.from_str(secret_key)
        content = msgspec.json.decode(pyrage.decrypt(ciphertext, [identity]), type=_Content)
        return OpenedPin(content.serial_number, content.face_fen, Pin(content.pin))
    except (pyrage.DecryptError, pyrage.IdentityError, msgspec.DecodeError, InvalidInput):
        raise SealedPinUnreadable("this sealed PIN is not for the key of this till") from None


def reveal_of(session: Session, sale_id: int, hours: int) -> Reveal | None:
    """Return how far the PIN of a sale is; None for cards of plastic.

    One older than `hours` is expired, whether or not it was cleared away already.
    """
    row = session.execute(select(sealed_pin).where(sealed_pin.c.sale_id == sale_id)).one_or_none()
    if row is not None:
        if row.created_at <= session.now - timedelta(hours=hours):
            return Reveal("expired")
        return Reveal("sealed", bytes(row.ciphertext))
    outcome = select(pin_reveal.c.outcome).where(pin_reveal.c.sale_id == sale_id)
    found = session.execute(outcome).scalar_one_or_none()
    return None if found is None else Reveal(found)


def confirm_reveal(session: Session, sale_id: int, hours: int) -> None:
    """Delete the sealed PIN of a sale: the till has told it. Repeating it is harmless.

    Raises PinGone where it is too old or its card was taken back, NoSealedPin.
    """
    fresh = sealed_pin.c.created_at > session.now - timedelta(hours=hours)
    if _end(session, "confirmed", sealed_pin.c.sale_id == sale_id, fresh):
        return
    reveal = reveal_of(session, sale_id, hours)
    if reveal is None:
        raise NoSealedPin("this sale has no sealed PIN")
    if reveal.state != "confirmed":
        raise PinGone(f"the sealed PIN of this sale is {reveal.state}", state=reveal.state)


def withdraw_pins(session: Session, ranges: Sequence[SerialRange]) -> int:
    """Delete the sealed PINs of cards that are worth nothing any more; return how many."""
    any_of = or_(*(sealed_pin.c.serial.between(cards.first, cards.last) for cards in ranges))
    return _end(session, "withdrawn", any_of)


def clear_expired(db: Database) -> int:
    """Delete sealed PINs older than the setting; return how many. For the round of a process.

    What is left of such a card is its value: customer service replaces it.
    """
    hours = db.settings.sealed_pin_hours

    def work(session: Session) -> int:
        old = (
            select(sealed_pin.c.sale_id)
            .where(sealed_pin.c.created_at <= session.now - timedelta(hours=hours))
            .order_by(sealed_pin.c.sale_id)
            .limit(_AT_ONCE)
        )
        return _end(session, "expired", sealed_pin.c.sale_id.in_(old))

    return db.transact(work)


def _end(session: Session, outcome: str, *where: ColumnElement[bool]) -> int:
    gone = delete(sealed_pin).where(*where).returning(sealed_pin.c.sale_id)
    rows = [
        {"sale_id": sale_id, "outcome": outcome, "at": session.now}
        for sale_id in session.execute(gone).scalars()
    ]
    if rows:
        session.execute(pin_reveal.insert(), rows)
    return len(rows)
