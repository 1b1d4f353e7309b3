"""Batches as people look at them: how far each is, and what it holds."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Session
from core.errors import DomainError
from vouchers.lots import BatchUnknown
from vouchers.printers import Printer
from vouchers.serials import SerialRange
from vouchers.tables import batch, batch_order, denomination, printer


class BatchElectronic(DomainError):
    """The cards of this batch are made as tills sell them, one by one."""

    code = "batch_electronic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch with what belongs to it; `id` is the 11 digits its serials share.

    `state` is requested, approved, generating, generated, failed or refused; of an electronic batch
    requested, approved, open, closed or refused. Only an electronic one has no printer.
    """

    id: int
    order_id: int
    order_approval_id: int
    state: str
    face_fen: int
    protection: str
    size: int
    cards: SerialRange
    expires_on: date
    key_version: int | None
    generated_count: int
    delivered_count: int
    spoilt_count: int
    printer: Printer | None
    ciphertext_sha256: str | None
    export_approval_id: int | None
    exported_at: datetime | None
    created_at: datetime

    @property
    def is_hybrid(self) -> bool:
        """Whether its PINs are kept behind argon2id."""
        return self.protection == "hmac_argon2id"

    @property
    def is_electronic(self) -> bool:
        """Whether its cards are made as they are sold, and never printed."""
        return self.printer is None

    def require_printer(self) -> Printer:
        """Return who prints it; BatchElectronic where nobody does."""
        if self.printer is None:
            raise BatchElectronic(f"batch {self.id} is electronic: it is opened, never printed")
        return self.printer


def get_batch(session: Session, batch_id: int) -> Batch:
    """Return a batch; BatchUnknown if there is none."""
    row = session.execute(_query().where(batch.c.id == batch_id)).one_or_none()
    if row is None:
        raise BatchUnknown(f"there is no batch {batch_id}", batch=batch_id)
    return _batch(row)


def list_batches(
    session: Session, state: str | None = None, before_id: int | None = None, limit: int = 50
) -> list[Batch]:
    """Return batches with the highest numbers first, at most `limit` (1 to 500)."""
    query = _query().order_by(batch.c.id.desc()).limit(max(1, min(limit, 500)))
    if state is not None:
        query = query.where(batch.c.state == state)
    if before_id is not None:
        query = query.where(batch.c.id < before_id)
    return [_batch(row) for row in session.execute(query)]


def _query() -> Select[Any]:
    return (
        select(
            batch,
            batch_order.c.approval_id,
            denomination.c.face_fen,
            denomination.c.protection,
            printer.c.name,
            printer.c.code,
            printer.c.public_key,
            printer.c.fingerprint,
            printer.c.active,
        )
        .join(batch_order, batch_order.c.id == batch.c.order_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .outerjoin(printer, printer.c.id == batch.c.printer_id)
    )


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        order_id=row.order_id,
        order_approval_id=row.approval_id,
        state=row.state,
        face_fen=row.face_fen,
        protection=row.protection,
        size=row.size,
        cards=SerialRange(row.first_serial, row.first_serial + row.size - 1),
        expires_on=row.expires_on,
        key_version=row.key_version,
        generated_count=row.generated_count,
        delivered_count=row.delivered_count,
        spoilt_count=row.spoilt_count,
        printer=_printer(row),
        ciphertext_sha256=row.ciphertext_sha256,
        export_approval_id=row.export_approval_id,
        exported_at=row.exported_at,
        created_at=row.created_at,
    )


def _printer(row: Row[Any]) -> Printer | None:
    if row.printer_id is None:
        return None
    return Printer(row.printer_id, row.name, row.code, row.public_key, row.fingerprint, row.active)
