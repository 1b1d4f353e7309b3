"""Cards whose PINs a test knows: written straight into the tables, without printing."""

import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, update

from core.db import Session
from core.keyfile import KeyFile, PinKey
from core.settings import Settings
from redemption.batcher import Batcher
from redemption.requests import Caller, Outcome, RedeemRequest, caller_of_phone
from tests.factories import PRINTED_EXPIRY, make_batch
from tests.pin_hunt import remember
from vouchers.pins import (
    Argon2Cost,
    Pin,
    draw,
    full_tag,
    hybrid_tag,
    short_tag,
    verifier,
    verifier_message,
)
from vouchers.serials import batch_of
from vouchers.tables import batch, pin_key, voucher

PHONE = "+8613800000001"


@dataclass(frozen=True)
class Card:
    """A card as its buyer holds it."""

    serial: int
    pin: Pin


def make_cards(
    session: Session,
    keyfile: KeyFile,
    count: int,
    *,
    face_fen: int = 5_000,
    stage: str = "active",
    settings: Settings | None = None,
    holder_id: int | None = None,
    expires_on: date = PRINTED_EXPIRY,
) -> list[Card]:
    """Write one batch of cards with PINs of their own; with `settings`, protected by argon2id."""
    key = keyfile.current
    register_key(session, key)
    first = make_batch(
        session,
        count,
        face_fen=face_fen,
        stage=stage,
        holder_id=holder_id,
        expires_on=expires_on,
        with_vouchers=False,
    )
    session.execute(
        update(batch).where(batch.c.id == batch_of(first)).values(key_version=key.version)
    )
    cards = [Card(first + i, draw()) for i in range(count)]
    remember(card.pin for card in cards)
    session.execute(insert(voucher), [_row(key, card, face_fen, settings) for card in cards])
    return cards


def register_key(session: Session, key: PinKey) -> None:
    """Write the key version that batches refer to, if it is not there."""
    row = {"version": key.version, "check_value": key.check_value, "created_at": session.now}
    session.execute(session.insert_new(pin_key), row)


def redeem(
    card: Card | Pin | None,
    account_number: str | None,
    key: str | None = None,
    caller: Caller | None = None,
    **more: object,
) -> RedeemRequest:
    """Return a request as a text message would make it."""
    pin = card.pin if isinstance(card, Card) else card
    return RedeemRequest(
        channel="sms",
        sender="gateway",
        key=key or secrets.token_hex(8),
        caller=caller or caller_of_phone(PHONE),
        account_number=account_number,
        pin=pin,
        **more,  # type: ignore[arg-type]
    )


def _row(key: PinKey, card: Card, face_fen: int, slow: Settings | None) -> dict[str, object]:
    row: dict[str, object] = {"serial": card.serial, "batch_id": batch_of(card.serial)}
    if slow is None:
        return row | {"pin_tag": full_tag(key, card.pin), "salt": None, "verifier": None}
    salt = secrets.token_bytes(16)
    message = verifier_message(card.serial, face_fen, card.pin)
    return row | {
        "pin_tag": hybrid_tag(key.version, short_tag(key, card.pin)),
        "salt": salt,
        "verifier": verifier(
            key, Argon2Cost(slow.argon2_memory_kib, slow.argon2_time_cost), salt, message
        ),
    }


async def submit(batcher: Batcher, request: RedeemRequest) -> Outcome:
    """Return the answer to a request that comes alone."""
    return (await batcher.submit_all([request]))[0]
