"""An export to a file that is cut off loses nothing: the same command again finishes it."""

import json
from pathlib import Path

import pytest

from core.errors import InvalidInput
from staff.permissions import Forbidden
from tests.factories import make_member
from tests.vouchers.making import House
from vouchers.export import Export, export_batch, export_to_file, stored_manifest
from vouchers.print_file import read_print_file
from vouchers.tables import batch


@pytest.fixture
def batch_id(house: House) -> int:
    """A generated batch whose export is agreed to."""
    made = house.generated(30)
    house.allow_export(made)
    return made


@pytest.fixture
def path(scratch: Path) -> Path:
    return scratch / "cards.age"


@pytest.fixture
def partial(path: Path) -> Path:
    """Where the ciphertext lies until the export has ended."""
    return path.with_name(path.name + ".partial")


def _to_file(house: House, batch_id: int, path: Path) -> dict[str, object]:
    return export_to_file(house.db, house.keys, house.asks, batch_id, path)


def _cut_off_after_the_commit(house: House, batch_id: int, partial: Path) -> None:
    """Leave what a process leaves that is killed before it gives the file its name."""

    def keep(export: Export) -> None:
        partial.write_bytes(export.ciphertext)

    export_batch(house.db, house.keys, house.asks, batch_id, keep)


def test_the_same_command_again_finishes_an_export_cut_off_after_its_commit(
    house: House, batch_id: int, path: Path, partial: Path
) -> None:
    _cut_off_after_the_commit(house, batch_id, partial)
    manifest = _to_file(house, batch_id, path)
    assert len(list(read_print_file(path.read_bytes(), house.secret_key))) == 30
    assert json.loads((path.parent / "cards.age.manifest.json").read_text()) == manifest
    with house.db.read() as session:
        assert stored_manifest(session, batch_id) == manifest
    assert not partial.exists()


def test_it_also_finishes_one_whose_manifest_was_written_already(
    house: House, batch_id: int, path: Path, partial: Path
) -> None:
    _cut_off_after_the_commit(house, batch_id, partial)
    (path.parent / "cards.age.manifest.json").write_text("cut o")
    manifest = _to_file(house, batch_id, path)
    assert json.loads((path.parent / "cards.age.manifest.json").read_text()) == manifest
    assert path.exists()


def test_an_export_cut_off_before_its_commit_begins_anew(
    house: House, batch_id: int, path: Path, partial: Path
) -> None:
    def die(export: Export) -> None:
        partial.write_bytes(export.ciphertext)
        raise SystemExit

    with pytest.raises(SystemExit):
        export_batch(house.db, house.keys, house.asks, batch_id, die)
    _to_file(house, batch_id, path)
    assert len(list(read_print_file(path.read_bytes(), house.secret_key))) == 30
    assert not partial.exists()


@pytest.mark.parametrize("is_exported", [False, True])
def test_what_another_export_left_is_never_touched(
    house: House, batch_id: int, path: Path, partial: Path, is_exported: bool
) -> None:
    other = house.generated(10)
    house.allow_export(other)
    _cut_off_after_the_commit(house, other, partial)
    only_copy = partial.read_bytes()
    if is_exported:
        export_batch(house.db, house.keys, house.asks, batch_id)
    with pytest.raises(InvalidInput, match="partial"):
        _to_file(house, batch_id, path)
    assert partial.read_bytes() == only_copy
    assert not path.exists()
    _to_file(house, other, path)
    assert path.read_bytes() == only_copy


def test_only_issuers_finish_an_export(
    house: House, batch_id: int, path: Path, partial: Path
) -> None:
    _cut_off_after_the_commit(house, batch_id, partial)
    with house.db.write() as session:
        warehouse = make_member(session, "warehouse")
    with pytest.raises(Forbidden):
        export_to_file(house.db, house.keys, warehouse, batch_id, path)
    assert partial.exists()


def test_a_file_damaged_here_is_refused_and_leaves_nothing_beside_it(
    house: House, batch_id: int, path: Path
) -> None:
    with house.db.write() as session:
        session.execute(batch.update().values(ciphertext_sha256="0" * 64))
    with pytest.raises(Exception, match="damaged"):
        _to_file(house, batch_id, path)
    assert not list(path.parent.glob("cards*"))
