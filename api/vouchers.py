"""GET /api/v1/vouchers/{serial_number}: one card's life. Never its PIN, nor anything of it."""

from datetime import date, datetime

from litestar import Router, get
from msgspec import Struct

from api.guards import WithActor, WithRuntime, staff
from api.parameters import SerialPath
from api.refusals import Fen
from audit.timeline import record_look
from core.db import Session
from distribution.parties import party_by_id
from redemption.queries import use_of
from staff.permissions import Actor, Permission
from vouchers.queries import voucher_view
from vouchers.serials import parse_serial, serial_text


class VoucherShown(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A card. `status` is not_activated, active, used, on_hold, expired, void or replaced."""

    serial_number: str
    status: str
    stage: str
    face_fen: Fen
    batch_id: str
    holder: str
    in_transit_to: str | None = None
    lot_hold: str | None = None
    voucher_hold: str | None = None
    replaced_by: str | None = None
    expires_on: date
    activated_on: date | None = None
    used_at: datetime | None = None
    receipt_number: str | None = None
    account_tail: str | None = None


@get(
    "/{serial_number:str}",
    guards=[staff(Permission.VIEW_VOUCHERS)],
    sync_to_thread=True,
    summary="Look a card up",
    operation_id="readVoucher",
)
def read_voucher(serial_number: SerialPath, runtime: WithRuntime, actor: WithActor) -> VoucherShown:
    """Return where a card is in its life, and how it was used; that you looked is on record."""
    serial = parse_serial(serial_number)
    return runtime.db.transact(lambda session: _look(session, actor, serial))


def _look(session: Session, actor: Actor, serial: int) -> VoucherShown:
    view = voucher_view(session, serial, session.today)
    use = use_of(session, serial)
    holder = party_by_id(session, view.holder_id).code
    to = None if view.in_transit_to is None else party_by_id(session, view.in_transit_to).code
    record_look(session, actor, serial, "card")
    return VoucherShown(
        serial_number=serial_text(serial),
        status=view.status,
        stage=view.stage,
        face_fen=view.face_fen,
        batch_id=str(view.batch_id),
        holder=holder,
        in_transit_to=to,
        lot_hold=view.lot_hold,
        voucher_hold=view.voucher_hold,
        replaced_by=None if view.replaced_by is None else serial_text(view.replaced_by),
        expires_on=view.expires_on,
        activated_on=view.activated_on,
        used_at=None if use is None else use.at,
        receipt_number=None if use is None else use.receipt_number,
        account_tail=None if use is None else use.account_tail,
    )


router = Router("/vouchers", route_handlers=[read_voucher], tags=["vouchers"])
