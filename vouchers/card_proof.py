"""Proving a damaged card: its serial number, and the digits of the PIN that can still be read.

The candidates are tried against the card's tag, and against its verifier where it is protected by
argon2id: 28 bits alone prove nothing. Nobody learns the PIN; what is kept is that the card was
proven, when and by whom. Domain rule: five tries a card, each a row of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.db import Database, Session
from core.errors import ConfigurationError, DomainError, NotFound, TryLater
from core.keyfile import Keys, PinKey
from staff import events
from staff.permissions import Actor, Permission, require
from staff.tables import staff_member
from vouchers.handing_out import lock_cards, require_company
from vouchers.lookup import ArgonPool
from vouchers.pins import full_tag, hybrid_tag, short_tag, verifier_message, verifies
from vouchers.readable import Readable
from vouchers.serials import parse_serial, serial_text
from vouchers.tables import batch, card_proof, denomination, voucher

TRIES = 5
PROOF_LIFETIME = timedelta(days=7)
"""So long a proof may be used; what is asked for on its ground waits no longer anyway."""


class ProofTriesUsedUp(DomainError):
    """Five tries were made for this card; it can be replaced as a lost one only."""

    code = "proof_tries_used_up"


class CardNotProvable(DomainError):
    """Only a card that was sold and has its value is proven; `status` tells what it is."""

    code = "card_not_provable"


class ProofMissing(DomainError):
    """The card was not proven, not lately, or not by the one who asks."""

    code = "proof_missing"


@dataclass(frozen=True, slots=True)
class Proof:
    """A card was proven: by whom, when, at which try."""

    serial: int
    number: int
    at: datetime
    person_id: int
    username: str


@dataclass(frozen=True, slots=True)
class ProofTry:
    """What a try found, and how many are left."""

    proven: bool
    number: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The candidates of one card against what is stored of its PIN. Slow: up to a second."""

    key: PinKey
    readable: Readable
    serial: int
    face_fen: int
    row: Any = field(repr=False)

    def run(self) -> bool:
        """Tell whether one of the candidates is the card's PIN."""
        if self.row.verifier is None:
            tag = self.row.pin_tag
            return any(full_tag(self.key, pin) == tag for pin in self.readable.candidates())
        return any(
            verifies(
                self.key,
                self.row.verifier,
                self.row.salt,
                verifier_message(self.serial, self.face_fen, pin),
            )
            for pin in self.readable.candidates()
            if hybrid_tag(self.key.version, short_tag(self.key, pin)) == self.row.pin_tag
        )


def prove_card(
    db: Database, keys: Keys, argon: ArgonPool, actor: Actor, serial_number: str, readable: Readable
) -> ProofTry:
    """Try to prove a card; a try is on record before anything is compared.

    Raises CardNotProvable, ProofTriesUsedUp, TryLater (then it was no try), Forbidden.
    """
    require(actor, Permission.PROVE_CARD)
    require_company(actor)
    serial = parse_serial(serial_number)
    with db.read() as session:
        trial = _trial(session, keys, serial, readable)
    number = db.transact(lambda session: _begin(session, actor, serial))
    running = argon.submit(trial)
    if running is None:
        db.transact(lambda session: _take_back(session, serial, number))
        raise TryLater("too many slow checks are waiting, try again")
    proven = running.result()
    left = db.transact(lambda session: _end(session, actor, serial, number, proven=proven))
    return ProofTry(proven, number, left)


def latest_proof(session: Session, serial: int) -> Proof | None:
    """Return the last proof of a card that is not too old; None if there is none."""
    row = session.execute(
        select(card_proof, staff_member.c.person_id, staff_member.c.username)
        .join(staff_member, staff_member.c.id == card_proof.c.member_id)
        .where(
            card_proof.c.serial == serial,
            card_proof.c.outcome == "proven",
            card_proof.c.at > session.now - PROOF_LIFETIME,
        )
        .order_by(card_proof.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Proof(serial, row.number, row.at, row.person_id, row.username)


def proof_facts(proof: Proof) -> Mapping[str, str | int]:
    """Return a proof as an approval names it; nothing of the digits is in it."""
    return {"try": proof.number, "at": proof.at.isoformat(), "by": proof.username}


def _trial(session: Session, keys: Keys, serial: int, readable: Readable) -> Trial:
    row = session.execute(
        select(
            voucher.c.pin_tag,
            voucher.c.salt,
            voucher.c.verifier,
            batch.c.key_version,
            denomination.c.face_fen,
        )
        .join(batch, batch.c.id == voucher.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(voucher.c.serial == serial)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no card {serial_text(serial)}")
    key = keys.get().pin_keys.get(row.key_version)
    if key is None:
        raise ConfigurationError("the key file lacks the key of this card")
    return Trial(key, readable, serial, row.face_fen, row)


def _begin(session: Session, actor: Actor, serial: int) -> int:
    """Take one of the five tries, with the card's lot locked: two at once take two."""
    card = lock_cards(session, [serial])[serial]
    if card.spent or card.lot.stage != "active":
        status = "used_or_replaced" if card.spent else card.lot.stage
        raise CardNotProvable(f"the card is {status.replace('_', ' ')}", status=status)
    of_card = card_proof.c.serial == serial
    taken = set(session.execute(select(card_proof.c.number).where(of_card)).scalars())
    free = [number for number in range(1, TRIES + 1) if number not in taken]
    if not free:
        raise ProofTriesUsedUp(f"{TRIES} tries were made for this card", tries=TRIES)
    row = {"serial": serial, "number": free[0], "member_id": actor.member_id, "at": session.now}
    session.execute(card_proof.insert(), row | {"outcome": "begun"})
    return free[0]


def _take_back(session: Session, serial: int, number: int) -> None:
    own = (card_proof.c.serial == serial) & (card_proof.c.number == number)
    session.execute(card_proof.delete().where(own, card_proof.c.outcome == "begun"))


def _end(session: Session, actor: Actor, serial: int, number: int, *, proven: bool) -> int:
    outcome = "proven" if proven else "not_proven"
    own = (card_proof.c.serial == serial) & (card_proof.c.number == number)
    session.execute(card_proof.update().where(own).values(outcome=outcome))
    about = f"voucher:{serial_text(serial)}"
    events.record(session, actor, f"voucher.{outcome}", about, number=number)
    of_card = select(card_proof.c.number).where(card_proof.c.serial == serial)
    return TRIES - len(session.execute(of_card).all())
