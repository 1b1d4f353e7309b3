"""/api/v1/batches: ordering cards, making them, handing the print file out once."""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.response import Stream
from msgspec import Struct

from api.actions import ACTIONS
from api.approvals import CODE, AgreeBody, Decided, decider
from api.fields import CardCount, FaceFen, Name
from api.guards import WithActor, WithRuntime, staff
from api.paging import cut_page
from api.parameters import AfterId, BatchPath, Limit
from api.refusals import Fen
from api.strict import no_body
from core.errors import InvalidInput
from distribution.parties import warehouse_id
from staff import second_person
from staff.permissions import Permission
from vouchers.batches import Batch, get_batch, list_batches
from vouchers.electronic import close_batch, open_batch
from vouchers.export import Export, export_batch, request_export, stored_manifest
from vouchers.generation import start_generation
from vouchers.orders import order_batches
from vouchers.serials import serial_text

OCTETS = "application/octet-stream"


class OrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order of cards of one face; it becomes batches of at most 100,000 cards.

    Either a printer makes them, or they are electronic: made one by one as tills sell them.
    """

    face_fen: FaceFen
    count: CardCount
    printer: Name | None = None
    electronic: bool = False


class OrderPlaced(Struct, frozen=True):
    """An order that waits for a second person's agreement."""

    order_id: str
    approval_id: str
    batch_ids: list[str]


class BatchShown(Struct, frozen=True, kw_only=True):
    """A batch: how far it is and what it holds.

    `state` is requested, approved, generating, generated, failed or refused; of an electronic one,
    which no printer makes, requested, approved, open, closed or refused.
    """

    id: str
    order_id: str
    approval_id: str
    state: str
    face_fen: Fen
    protection: str
    size: int
    first_serial: str
    last_serial: str
    expires_on: date
    generated_count: int
    delivered_count: int
    spoilt_count: int
    printer: str | None
    printer_fingerprint: str | None
    ciphertext_sha256: str | None
    exported_at: datetime | None
    created_at: datetime


class Batches(Struct, frozen=True):
    """A page of batches, the newest first. `next_after` begins the next page; null on the last."""

    batches: list[BatchShown]
    next_after: str | None


class JobStarted(Struct, frozen=True):
    """Long work that has begun; look after it at /api/v1/jobs/{job_id}."""

    job_id: str


class ExportAsked(Struct, frozen=True):
    """The export waits for a second person; ask again when he has agreed."""

    approval_id: str


@post(
    "/",
    status_code=202,
    guards=[staff(Permission.ORDER_BATCHES)],
    sync_to_thread=True,
    summary="Order cards",
    operation_id="orderBatches",
)
def order(
    data: Annotated[
        OrderBody,
        Body(examples=[Example(value={"face_fen": 5000, "count": 1000, "printer": "demo"})]),
    ],
    runtime: WithRuntime,
    actor: WithActor,
) -> OrderPlaced:
    """Set an order down. Nothing is made before a second person has agreed to it."""
    if data.electronic == (data.printer is not None):
        raise InvalidInput("say either which printer makes the cards, or that they are electronic")
    placed = runtime.db.transact(
        lambda session: order_batches(
            session, runtime.settings, actor, data.face_fen, data.count, data.printer
        )
    )
    ids = [str(batch_id) for batch_id in placed.batch_ids]
    return OrderPlaced(str(placed.order_id), str(placed.approval_id), ids)


@get(
    "/",
    guards=[staff(Permission.VIEW_BATCHES)],
    sync_to_thread=True,
    summary="List batches",
    operation_id="listBatches",
)
def list_all(runtime: WithRuntime, after: AfterId = None, limit: Limit = 50) -> Batches:
    """Return batches, the newest first."""
    with runtime.db.read() as session:
        found = list_batches(session, before_id=after, limit=limit + 1)
    page, more = cut_page(found, limit)
    return Batches([_shown(item) for item in page], more)


@get(
    "/{batch_id:str}",
    guards=[staff(Permission.VIEW_BATCHES)],
    sync_to_thread=True,
    summary="Read a batch",
    operation_id="readBatch",
)
def read_batch(batch_id: BatchPath, runtime: WithRuntime) -> BatchShown:
    """Return a batch."""
    with runtime.db.read() as session:
        return _shown(get_batch(session, batch_id))


@post(
    "/{batch_id:str}/approve",
    status_code=200,
    guards=[staff(Permission.APPROVE)],
    sync_to_thread=True,
    summary="Agree to a batch's order",
    operation_id="approveBatch",
)
def approve(
    batch_id: BatchPath,
    data: Annotated[AgreeBody, Body(examples=[CODE])],
    runtime: WithRuntime,
    actor: WithActor,
) -> Decided:
    """Agree, as the second person, to the whole order that the batch belongs to."""
    with runtime.db.read() as session:
        approval_id = get_batch(session, batch_id).order_approval_id
    second_person.agree(runtime.db, decider(runtime, actor, data.code), approval_id, ACTIONS)
    return Decided(str(approval_id), "agreed")


@post(
    "/{batch_id:str}/generate",
    status_code=202,
    guards=[staff(Permission.GENERATE), no_body],
    sync_to_thread=True,
    summary="Make the cards",
    operation_id="generateBatch",
)
def generate(batch_id: BatchPath, runtime: WithRuntime, actor: WithActor) -> JobStarted:
    """Begin to make an approved batch. It is made once; one cut off on the way becomes void."""
    with runtime.db.read() as session:
        holder_id = warehouse_id(session)
    job_id = start_generation(runtime.db, runtime.keys, actor, batch_id, holder_id)
    return JobStarted(str(job_id))


@post(
    "/{batch_id:str}/open",
    status_code=200,
    guards=[staff(Permission.GENERATE), no_body],
    sync_to_thread=True,
    summary="Let tills sell an electronic batch",
    operation_id="openBatch",
)
def open_for_sale(batch_id: BatchPath, runtime: WithRuntime, actor: WithActor) -> BatchShown:
    """Let tills sell the cards of an approved electronic batch; each is made at its sale."""
    open_batch(runtime.db, runtime.keys, actor, batch_id)
    with runtime.db.read() as session:
        return _shown(get_batch(session, batch_id))


@post(
    "/{batch_id:str}/close",
    status_code=200,
    guards=[staff(Permission.GENERATE), no_body],
    sync_to_thread=True,
    summary="End the sale of an electronic batch",
    operation_id="closeBatch",
)
def close_for_sale(batch_id: BatchPath, runtime: WithRuntime, actor: WithActor) -> BatchShown:
    """Sell no more cards of an electronic batch, for ever; those sold stay as they are."""
    close_batch(runtime.db, actor, batch_id)
    with runtime.db.read() as session:
        return _shown(get_batch(session, batch_id))


@post(
    "/{batch_id:str}/export",
    status_code=200,
    guards=[staff(Permission.EXPORT), no_body],
    sync_to_thread=True,
    summary="Hand the print file out, once",
    operation_id="exportBatch",
    responses={
        202: ResponseSpec(ExportAsked, description="Asked; a second person must agree"),
        200: ResponseSpec(bytes, media_type=OCTETS, description="The encrypted print file"),
    },
)
def export(batch_id: BatchPath, runtime: WithRuntime, actor: WithActor) -> Response[Any]:
    """Ask for the export (202), and after a second person's agreement get the file (200), once.

    The file is encrypted to the printer's key; the cards are on their way to the printer with it.
    A second export is refused for ever: make the batch void and generate another.
    """
    with runtime.db.read() as session:
        item = get_batch(session, batch_id)
    if item.export_approval_id is None:
        approval_id = runtime.db.transact(lambda session: request_export(session, actor, batch_id))
        return Response(ExportAsked(str(approval_id)), status_code=202)
    return _file(batch_id, export_batch(runtime.db, runtime.keys, actor, batch_id))


@get(
    "/{batch_id:str}/manifest",
    guards=[staff(Permission.VIEW_BATCHES)],
    sync_to_thread=True,
    summary="Read the signed manifest",
    operation_id="readManifest",
)
def read_manifest(batch_id: BatchPath, runtime: WithRuntime) -> dict[str, Any]:
    """Return what was handed out: count, serials, face, digest of the file, Ed25519 signature."""
    with runtime.db.read() as session:
        return stored_manifest(session, batch_id)


def _shown(item: Batch) -> BatchShown:
    return BatchShown(
        id=str(item.id),
        order_id=str(item.order_id),
        approval_id=str(item.order_approval_id),
        state=item.state,
        face_fen=item.face_fen,
        protection=item.protection,
        size=item.size,
        first_serial=serial_text(item.cards.first),
        last_serial=serial_text(item.cards.last),
        expires_on=item.expires_on,
        generated_count=item.generated_count,
        delivered_count=item.delivered_count,
        spoilt_count=item.spoilt_count,
        printer=None if item.printer is None else item.printer.name,
        printer_fingerprint=None if item.printer is None else item.printer.fingerprint,
        ciphertext_sha256=item.ciphertext_sha256,
        exported_at=item.exported_at,
        created_at=item.created_at,
    )


def _file(batch_id: int, made: Export) -> Stream:
    name = f'attachment; filename="batch-{batch_id}.age"'
    return Stream(
        made.chunks, status_code=200, media_type=OCTETS, headers={"Content-Disposition": name}
    )


router = Router(
    "/batches",
    route_handlers=[
        order,
        list_all,
        read_batch,
        approve,
        generate,
        open_for_sale,
        close_for_sale,
        export,
        read_manifest,
    ],
    tags=["batches"],
)
