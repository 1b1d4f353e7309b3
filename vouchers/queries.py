"""Questions about cards that other packages ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, column, exists, select, table, union

from core.db import Session
from core.errors import NotFound
from core.sets import among
from vouchers.lots import BatchUnknown
from vouchers.serials import SerialRange, serial_text
from vouchers.status import Status, VoucherFacts, status
from vouchers.tables import batch, denomination, lot, voucher, voucher_hold

# The table of redemptions belongs to the floor above, which may not be imported here. Only its
# key is named, the one fact about redemptions that a move must respect.
_redemption = table("redemption", column("serial", BigInteger))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherView:
    """What may be shown of a card: never anything computed from its PIN."""

    serial: int
    batch_id: int
    face_fen: int
    status: Status
    stage: str
    holder_id: int
    in_transit_to: int | None
    lot_hold: str | None
    voucher_hold: str | None
    replaced_by: int | None
    expires_on: date
    activated_on: date | None
    redeemed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """What all cards of a batch share: their face value in fen and the date printed on them."""

    denomination_id: int
    face_fen: int
    printed_expires_on: date
    is_electronic: bool


def batch_terms(session: Session, batch_id: int) -> BatchTerms:
    """Return what the cards of a batch share; NotFound if there is no such batch."""
    row = session.execute(
        select(
            batch.c.denomination_id,
            denomination.c.face_fen,
            batch.c.expires_on.label("printed_expires_on"),
            batch.c.printer_id.is_(None).label("is_electronic"),
        )
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(batch.c.id == batch_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no batch {batch_id}")
    return BatchTerms(**row._mapping)


def check_batches(session: Session, ranges: Iterable[SerialRange]) -> None:
    """Raise BatchUnknown unless the batch of each range is there."""
    wanted = sorted({cards.batch_id for cards in ranges})
    query = select(batch.c.id).where(among(batch.c.id, "ids"))
    known = set(session.execute(query, {"ids": wanted}).scalars())
    for batch_id in wanted:
        if batch_id not in known:
            raise BatchUnknown(f"there is no batch {batch_id}")


def clip_to_batch(session: Session, cards: SerialRange) -> SerialRange:
    """Return a pack without the serials beyond the end of its batch; the last may not be full."""
    return clip_to_batches(session, [cards])[0]


def clip_to_batches(session: Session, ranges: Sequence[SerialRange]) -> list[SerialRange]:
    """Return packs and cartons as `clip_to_batch` does, in their order, by one question."""
    wanted = sorted({cards.batch_id for cards in ranges})
    rows = session.execute(
        select(batch.c.id, batch.c.first_serial, batch.c.size).where(among(batch.c.id, "ids")),
        {"ids": wanted},
    )
    ends = {row.id: (row.first_serial, row.first_serial + row.size - 1) for row in rows}
    return [
        cards.overlap(*ends.get(cards.batch_id, (cards.first, cards.last))) or cards
        for cards in ranges
    ]


def voucher_view(session: Session, serial: int, today: date) -> VoucherView:
    """Return a card's facts and its status on a local day; NotFound for a card never made."""
    nearest = (
        select(lot.c.first_serial)
        .where(lot.c.first_serial <= serial)
        .order_by(lot.c.first_serial.desc())
        .limit(1)
        .scalar_subquery()
    )
    redeemed = exists(select(1).where(_redemption.c.serial == voucher.c.serial))
    row = session.execute(
        select(
            lot,
            denomination.c.face_fen,
            voucher_hold.c.hold.label("voucher_hold"),
            voucher_hold.c.replaced_by,
            redeemed.label("redeemed"),
        )
        .select_from(voucher)
        .join(batch, batch.c.id == voucher.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .join(lot, lot.c.first_serial == nearest)
        .outerjoin(voucher_hold, voucher_hold.c.serial == voucher.c.serial)
        .where(voucher.c.serial == serial, lot.c.last_serial >= serial)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no card {serial_text(serial)}")
    facts = VoucherFacts(
        stage=row.stage,
        lot_hold=row.hold,
        voucher_hold=row.voucher_hold,
        expires_on=row.expires_on,
        redeemed=bool(row.redeemed),
    )
    return VoucherView(
        serial=serial,
        batch_id=row.batch_id,
        face_fen=row.face_fen,
        status=status(facts, today),
        stage=row.stage,
        holder_id=row.holder_id,
        in_transit_to=row.in_transit_to,
        lot_hold=row.hold,
        voucher_hold=row.voucher_hold,
        replaced_by=row.replaced_by,
        expires_on=row.expires_on,
        activated_on=row.activated_on,
        redeemed=bool(row.redeemed),
    )


def spent_serials(session: Session, cards: SerialRange) -> list[int]:
    """Return the cards of a range, sorted, whose value is gone: redeemed or replaced.

    Only final while the caller holds their lots (see `load_lots`).
    """
    redeemed = select(_redemption.c.serial).where(
        _redemption.c.serial.between(cards.first, cards.last)
    )
    replaced = select(voucher_hold.c.serial).where(
        voucher_hold.c.serial.between(cards.first, cards.last), voucher_hold.c.hold == "replaced"
    )
    return sorted(session.execute(union(redeemed, replaced)).scalars())


def held_serials(session: Session, cards: SerialRange) -> list[int]:
    """Return the cards of a range, sorted, that are on hold by themselves, not as a lot."""
    found = select(voucher_hold.c.serial).where(
        voucher_hold.c.serial.between(cards.first, cards.last), voucher_hold.c.hold != "replaced"
    )
    return sorted(session.execute(found).scalars())
