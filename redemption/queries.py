"""Questions about redemptions that other packages ask."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import and_, select

from core.db import Session
from core.errors import NotFound
from redemption.requests import Answer
from redemption.tables import redemption, request


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """The answer that a redemption got, and through whom it came."""

    answer: Answer
    channel: str
    sender: str
    caller: str
    account_number: str


def stored_receipt(session: Session, receipt_number: str) -> StoredReceipt:
    """Return the receipt of this number; NotFound if none was given."""
    row = session.execute(
        select(
            request.c.answer,
            redemption.c.channel,
            redemption.c.sender,
            redemption.c.caller,
            redemption.c.account_number,
        )
        .join(
            request,
            and_(
                request.c.channel == redemption.c.channel,
                request.c.sender == redemption.c.sender,
                request.c.key == redemption.c.request_key,
            ),
        )
        .where(redemption.c.receipt_number == receipt_number)
    ).one_or_none()
    if row is None:
        raise NotFound("there is no receipt of this number")
    answer = msgspec.json.decode(row.answer, type=Answer)
    return StoredReceipt(answer, row.channel, row.sender, row.caller, row.account_number)


@dataclass(frozen=True, slots=True)
class Use:
    """What a card was turned into: when, its receipt, and the tail of the account."""

    at: datetime
    receipt_number: str
    account_tail: str


def use_of(session: Session, serial: int) -> Use | None:
    """Return how a card was redeemed; None if it was not."""
    row = session.execute(
        select(redemption.c.at, redemption.c.receipt_number, redemption.c.account_number).where(
            redemption.c.serial == serial
        )
    ).one_or_none()
    return None if row is None else Use(row.at, row.receipt_number, row.account_number[-4:])
