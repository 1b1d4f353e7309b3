"""A print file leaves the house once, after two persons agreed."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.errors import InvalidInput
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Forbidden
from tests.factories import make_member
from tests.vouchers.making import PRINTER, House
from vouchers.actions import ACTIONS
from vouchers.batches import Batch, get_batch
from vouchers.export import (
    AlreadyExported,
    BatchNotGenerated,
    CiphertextDamaged,
    Export,
    ExportNotApproved,
    export_batch,
    export_to_file,
    request_export,
    stored_manifest,
)
from vouchers.generation import GenerationFailed, generate
from vouchers.lots import BatchUnknown
from vouchers.moves import LotOnHold, WrongStage
from vouchers.print_file import read_print_file, verify_manifest
from vouchers.serials import serial_text
from vouchers.tables import batch, lot, print_file_part, stock_movement


def _batch(house: House, batch_id: int) -> Batch:
    with house.db.read() as session:
        return get_batch(session, batch_id)


def _export(house: House, batch_id: int) -> Export:
    return export_batch(house.db, house.keys, house.asks, batch_id)


def _stages(house: House) -> set[str]:
    with house.db.read() as session:
        return set(session.execute(select(lot.c.stage)).scalars())


def _parts(house: House) -> int:
    with house.db.read() as session:
        return int(session.execute(select(func.count()).select_from(print_file_part)).scalar_one())


def _check_untouched(house: House, batch_id: int) -> None:
    assert _batch(house, batch_id).exported_at is None
    assert _stages(house) == {"generated"}
    assert _parts(house) > 0


@pytest.fixture
def batch_id(house: House) -> int:
    """A generated batch whose export is agreed to."""
    made = house.generated(60)
    house.allow_export(made)
    return made


def test_an_export_hands_out_the_cards_and_sends_them_to_the_printer(
    house: House, batch_id: int
) -> None:
    export = _export(house, batch_id)
    cards = list(read_print_file(b"".join(export.chunks), house.secret_key))
    item = _batch(house, batch_id)
    assert [card.serial for card in cards] == list(item.cards)
    assert item.exported_at is not None
    assert _stages(house) == {"printing"}
    assert _parts(house) == 0
    with house.db.read() as session:
        query = select(stock_movement).where(stock_movement.c.move == "send_to_printer")
        (movement,) = session.execute(query).all()
    assert (movement.from_stage, movement.to_stage) == ("generated", "printing")
    assert movement.member_id == house.asks.member_id
    assert movement.approval_id == item.export_approval_id


def test_a_manifest_tells_what_the_file_holds_and_is_signed(house: House, batch_id: int) -> None:
    export = _export(house, batch_id)
    cards = list(read_print_file(export.ciphertext, house.secret_key))
    manifest = export.manifest
    verify_manifest(manifest, house.keys.get().public_key_text)
    assert manifest["count"] == len(cards) == 60
    assert manifest["first_serial"] == serial_text(cards[0].serial)
    assert manifest["last_serial"] == serial_text(cards[-1].serial)
    assert manifest["face_fen"] == cards[0].face_fen
    assert manifest["expires_on"] == cards[0].expires_on.isoformat()
    assert manifest["ciphertext_sha256"] == hashlib.sha256(export.ciphertext).hexdigest()
    assert manifest["ciphertext_bytes"] == len(export.ciphertext)
    assert manifest["printer"] == PRINTER
    assert manifest["printer_fingerprint"] == _batch(house, batch_id).require_printer().fingerprint


def test_a_second_export_is_refused_while_the_manifest_stays(house: House, batch_id: int) -> None:
    export = _export(house, batch_id)
    with pytest.raises(AlreadyExported) as caught:
        _export(house, batch_id)
    assert caught.value.code == "already_exported"
    with pytest.raises(AlreadyExported), house.db.write() as session:
        request_export(session, house.asks, batch_id)
    with house.db.read() as session:
        assert stored_manifest(session, batch_id) == export.manifest


def test_of_many_exports_at_once_one_gets_the_file(house: House, batch_id: int) -> None:
    gate = threading.Barrier(4)

    def export(_: int) -> str:
        gate.wait()
        try:
            return str(_export(house, batch_id).manifest["ciphertext_sha256"])
        except AlreadyExported as error:
            return error.code

    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(export, range(4)))
    assert sorted(ends).count("already_exported") == 3
    assert _batch(house, batch_id).ciphertext_sha256 in ends
    assert _stages(house) == {"printing"}


def test_an_export_needs_a_second_person(house: House) -> None:
    made = house.generated(60)
    with pytest.raises(ExportNotApproved):
        _export(house, made)
    with house.db.write() as session:
        approval_id = request_export(session, house.asks, made)
    with pytest.raises(SamePerson):
        approvals.agree(house.db, house.asks, approval_id, ACTIONS)
    with pytest.raises(ExportNotApproved):
        _export(house, made)
    _check_untouched(house, made)
    assert house.agree(approval_id) == made
    assert _export(house, made).manifest["count"] == 60


def test_a_refused_export_hands_out_nothing(house: House) -> None:
    made = house.generated(60)
    with house.db.write() as session:
        approval_id = request_export(session, house.asks, made)
    approvals.refuse(house.db, house.agrees, approval_id, "not today", ACTIONS)
    with pytest.raises(ExportNotApproved):
        _export(house, made)


def test_the_approval_shows_batch_printer_and_digest(house: House) -> None:
    made = house.generated(60)
    with house.db.write() as session:
        approval_id = request_export(session, house.asks, made)
        content = approvals.get(session, approval_id).content
    item = _batch(house, made)
    assert content["batch_id"] == made
    assert content["printer_fingerprint"] == item.require_printer().fingerprint
    assert content["ciphertext_sha256"] == item.ciphertext_sha256


def test_an_approval_of_another_file_is_void(house: House) -> None:
    made = house.generated(60)
    with house.db.write() as session:
        approval_id = request_export(session, house.asks, made)
        session.execute(batch.update().values(ciphertext_sha256="0" * 64))
    with pytest.raises(ContentChanged):
        house.agree(approval_id)


def test_two_approvals_still_give_one_export(house: House) -> None:
    made = house.generated(60)
    house.allow_export(made)
    with house.db.write() as session:
        late = request_export(session, house.asks, made)
    _export(house, made)
    with pytest.raises(ContentChanged):
        house.agree(late)
    with pytest.raises(AlreadyExported):
        _export(house, made)


def test_only_issuers_export(house: House, batch_id: int) -> None:
    with house.db.write() as session:
        warehouse = make_member(session, "warehouse")
    with pytest.raises(Forbidden):
        export_batch(house.db, house.keys, warehouse, batch_id)
    _check_untouched(house, batch_id)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"hold": "suspended"}, LotOnHold), ({"stage": "void"}, WrongStage)],
)
def test_cards_on_hold_or_void_are_not_exported(
    house: House, batch_id: int, changes: dict[str, Any], error: type[Exception]
) -> None:
    with house.db.write() as session:
        session.execute(lot.update().values(**changes))
    with pytest.raises(error):
        _export(house, batch_id)
    assert _batch(house, batch_id).exported_at is None
    assert _parts(house) > 0


def test_a_damaged_print_file_is_not_handed_out(house: House, batch_id: int) -> None:
    with house.db.write() as session:
        session.execute(print_file_part.update().values(ciphertext=b"damaged"))
    with pytest.raises(CiphertextDamaged):
        _export(house, batch_id)
    _check_untouched(house, batch_id)


def test_a_failure_before_the_commit_changes_nothing(house: House, batch_id: int) -> None:
    def fail(_: Export) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        export_batch(house.db, house.keys, house.asks, batch_id, fail)
    _check_untouched(house, batch_id)
    assert _export(house, batch_id).manifest["count"] == 60


def test_a_batch_without_a_file_is_not_exported(house: House) -> None:
    approved, failed = house.approved(10), house.approved(10)

    def stop(_done: int, _total: int) -> None:
        raise ValueError

    with pytest.raises(GenerationFailed):
        generate(house.db, house.keys, house.asks, failed, house.warehouse_id, stop)
    for made in (approved, failed):
        with pytest.raises(BatchNotGenerated):
            _export(house, made)
        with pytest.raises(BatchNotGenerated), house.db.write() as session:
            request_export(session, house.asks, made)
        with pytest.raises(BatchNotGenerated), house.db.read() as session:
            stored_manifest(session, made)


def test_an_unknown_batch_is_told(house: House) -> None:
    with pytest.raises(BatchUnknown):
        _export(house, 1)
    with pytest.raises(BatchUnknown), house.db.read() as session:
        stored_manifest(session, 1)


def test_a_file_and_its_manifest_are_written_together(
    house: House, batch_id: int, scratch: Path
) -> None:
    path = scratch / "cards.age"
    manifest = export_to_file(house.db, house.keys, house.asks, batch_id, path)
    assert len(list(read_print_file(path.read_bytes(), house.secret_key))) == 60
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads((scratch / "cards.age.manifest.json").read_text()) == manifest
    assert not (scratch / "cards.age.partial").exists()


def test_an_existing_file_is_not_overwritten(house: House, batch_id: int, scratch: Path) -> None:
    path = scratch / "cards.age"
    path.write_text("mine")
    with pytest.raises(InvalidInput):
        export_to_file(house.db, house.keys, house.asks, batch_id, path)
    assert path.read_text() == "mine"
    _check_untouched(house, batch_id)


def test_a_directory_that_cannot_be_written_loses_nothing(
    house: House, batch_id: int, scratch: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        export_to_file(house.db, house.keys, house.asks, batch_id, scratch / "none" / "cards.age")
    _check_untouched(house, batch_id)


def test_a_refused_export_leaves_no_file(house: House, batch_id: int, scratch: Path) -> None:
    _export(house, batch_id)
    with pytest.raises(AlreadyExported):
        export_to_file(house.db, house.keys, house.asks, batch_id, scratch / "cards.age")
    assert not list(scratch.glob("cards*"))
