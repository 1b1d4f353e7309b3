"""Export: the encrypted print file leaves the house, once, after two persons agreed.

The ciphertext is handed out and the cards move to `printing` in one transaction, which also
deletes it here. So there are no two files of one batch, and an export that fails before its commit
has changed nothing. `export_to_file` has the whole file on the disk before that commit, so no
crash can lose it. Over HTTP the file is in the answer, and should the answer be lost, the batch is
made void and another one generated (domain rule: a second export is refused). The signed manifest
stays here and can be read again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.db import Database, Session
from core.errors import DomainError, InvalidInput
from core.files import sync_directory, write_new
from core.keyfile import Keys
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.events import canonical_json
from staff.permissions import Actor, Permission, require
from vouchers.batches import Batch, get_batch
from vouchers.movements import Cause, move_lots
from vouchers.moves import Terms
from vouchers.print_file import sign_manifest
from vouchers.serials import serial_text
from vouchers.tables import batch, print_file_part

_PIECE_BYTES = 256 * 1024


class BatchNotGenerated(DomainError):
    """The batch has no print file: it is not made yet, or it failed."""

    code = "batch_not_generated"


class AlreadyExported(DomainError):
    """The print file was handed out before; make the batch void and generate another."""

    code = "already_exported"


class ExportNotApproved(DomainError):
    """No second person has agreed to hand out this print file."""

    code = "export_not_approved"


class CiphertextDamaged(DomainError):
    """What is stored of the print file is not what was generated; it is not handed out."""

    code = "ciphertext_damaged"


@dataclass(frozen=True)
class Export:
    """The signed manifest, and the ciphertext in pieces (at most about 12 MB in all)."""

    manifest: dict[str, Any]
    ciphertext: bytes

    @property
    def chunks(self) -> Iterator[bytes]:
        """The ciphertext piece by piece; may be read again."""
        view = memoryview(self.ciphertext)
        return (bytes(view[i : i + _PIECE_BYTES]) for i in range(0, len(view), _PIECE_BYTES))


def request_export(session: Session, actor: Actor, batch_id: int) -> int:
    """Ask a second person to agree to handing out a print file; return the approval's id.

    Raises BatchUnknown, BatchNotGenerated, AlreadyExported.
    """
    require(actor, Permission.EXPORT)
    item = get_batch(session, batch_id)
    _check_exportable(item)
    return approvals.request(session, actor, "export", _content(item))


def approve_export(session: Session, decision: Decision) -> int:
    """Carry out an agreed request: the file may now be handed out; return the batch's id."""
    item = get_batch(session, decision.content["batch_id"])
    if item.exported_at is not None or _content(item) != decision.content:
        raise ContentChanged("the print file is no longer what was asked for")
    done = session.execute(
        batch.update()
        .where(batch.c.id == item.id, batch.c.exported_at.is_(None))
        .values(export_approval_id=decision.approval_id)
    )
    if done.rowcount != 1:
        raise ContentChanged("the print file was handed out meanwhile")
    return item.id


def export_batch(
    db: Database,
    keys: Keys,
    actor: Actor,
    batch_id: int,
    before_commit: Callable[[Export], None] = lambda _: None,
) -> Export:
    """Hand out the print file, once for ever, and send the cards to the printer.

    `before_commit` may be called again after a deadlock; if it raises, nothing has changed.
    Raises BatchUnknown, BatchNotGenerated, ExportNotApproved, AlreadyExported, LotOnHold,
    WrongStage (void), CiphertextDamaged.
    """
    require(actor, Permission.EXPORT)
    keyfile = keys.get()

    def work(session: Session) -> Export:
        item = get_batch(session, batch_id)
        _claim(session, item)
        cause = Cause(member_id=actor.member_id, approval_id=item.export_approval_id)
        move_lots(session, item.cards, "send_to_printer", Terms(), cause)
        ciphertext = _take_ciphertext(session, item)
        content = _content(item) | {
            "ciphertext_bytes": len(ciphertext),
            "format": "wanneng-manifest-1",
            "made_at": session.now.isoformat(),
        }
        made = Export(sign_manifest(keyfile, content), ciphertext)
        _keep_manifest(session, actor, item, made)
        before_commit(made)
        return made

    return db.transact(work)


def export_to_file(
    db: Database, keys: Keys, actor: Actor, batch_id: int, path: Path
) -> dict[str, Any]:
    """Export into a new file, mode 0600, and its manifest beside it; return the manifest.

    The ciphertext is on the disk as `path` + ".partial" before the export is committed; if we are
    cut off then, the same call again finishes it. What lies there of another export is never
    touched. Raises as `export_batch`, and InvalidInput for a path in use.
    """
    require(actor, Permission.EXPORT)
    manifest_path = path.with_name(path.name + ".manifest.json")
    partial = path.with_name(path.name + ".partial")
    manifest = _cut_off(db, batch_id, partial)
    if manifest is None:
        _check_unused(path, manifest_path)

        def keep(export: Export) -> None:
            _keep(partial, export.ciphertext)
            _check_unused(path)

        manifest = export_batch(db, keys, actor, batch_id, keep).manifest
    _check_unused(path)
    manifest_path.unlink(missing_ok=True)  # of the call that was cut off
    write_new(manifest_path, canonical_json(manifest).encode("ascii") + b"\n")
    partial.rename(path)
    sync_directory(path.parent)
    return manifest


def stored_manifest(session: Session, batch_id: int) -> dict[str, Any]:
    """Return the signed manifest of an exported batch, as often as asked for.

    Raises BatchUnknown, BatchNotGenerated (nothing was exported).
    """
    get_batch(session, batch_id)
    text = session.execute(select(batch.c.manifest).where(batch.c.id == batch_id)).scalar_one()
    if text is None:
        raise BatchNotGenerated(f"batch {batch_id} was not exported")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def _cut_off(db: Database, batch_id: int, partial: Path) -> dict[str, Any] | None:
    """Return the manifest of an export that committed, and whose file lies under `partial`."""
    if not partial.exists():
        return None
    with db.read() as session:
        if get_batch(session, batch_id).exported_at is None:
            return None
        manifest = stored_manifest(session, batch_id)
    if hashlib.sha256(partial.read_bytes()).hexdigest() != manifest["ciphertext_sha256"]:
        raise _left_by_another(partial)
    return manifest


def _keep(partial: Path, ciphertext: bytes) -> None:
    try:
        write_new(partial, ciphertext)
    except FileExistsError:
        # Of this export, by a try that was rolled back or cut off; or of another one.
        if partial.read_bytes() != ciphertext:
            raise _left_by_another(partial) from None


def _left_by_another(partial: Path) -> InvalidInput:
    return InvalidInput(f"{partial} is left of another export, perhaps its only copy: move it away")


def _check_unused(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise InvalidInput(f"there is a file {path} already")


def _content(item: Batch) -> dict[str, Any]:
    """Return what both the second person and the printer must see of a batch."""
    printer = item.require_printer()
    return {
        "batch_id": item.id,
        "ciphertext_sha256": item.ciphertext_sha256,
        "count": item.size,
        "expires_on": item.expires_on.isoformat(),
        "face_fen": item.face_fen,
        "first_serial": serial_text(item.cards.first),
        "last_serial": serial_text(item.cards.last),
        "printer": printer.name,
        "printer_fingerprint": printer.fingerprint,
    }


def _check_exportable(item: Batch) -> None:
    if item.exported_at is not None:
        raise AlreadyExported(f"the print file of batch {item.id} was handed out before")
    if item.state != "generated":
        raise BatchNotGenerated(f"batch {item.id} is {item.state}", state=item.state)


def _claim(session: Session, item: Batch) -> None:
    """Take the one export there is, before anything else: of two at once the other is told so."""
    _check_exportable(item)
    if item.export_approval_id is None:
        raise ExportNotApproved(f"nobody agreed to the export of batch {item.id} yet")
    done = session.execute(
        batch.update()
        .where(batch.c.id == item.id, batch.c.exported_at.is_(None))
        .values(exported_at=session.now)
    )
    if done.rowcount != 1:
        raise AlreadyExported(f"the print file of batch {item.id} was handed out before")


def _take_ciphertext(session: Session, item: Batch) -> bytes:
    of_batch = print_file_part.c.batch_id == item.id
    query = select(print_file_part.c.ciphertext).where(of_batch).order_by(print_file_part.c.part)
    ciphertext = b"".join(session.execute(query).scalars())
    if hashlib.sha256(ciphertext).hexdigest() != item.ciphertext_sha256:
        raise CiphertextDamaged(
            f"the stored print file of batch {item.id} is damaged: make the batch void"
        )
    session.execute(print_file_part.delete().where(of_batch))
    return ciphertext


def _keep_manifest(session: Session, actor: Actor, item: Batch, made: Export) -> None:
    manifest = canonical_json(made.manifest)
    session.execute(batch.update().where(batch.c.id == item.id).values(manifest=manifest))
    events.record(
        session, actor, "batch.exported", f"batch:{item.id}", sha256=item.ciphertext_sha256
    )
