"""Key versions and lots as people look at them."""

import pytest

from core import keyfile
from core.db import Database
from core.keyfile import Keys
from staff.permissions import Forbidden
from tests.factories import make_batch, make_member, make_shop
from vouchers import key_rotation
from vouchers.key_versions import list_versions
from vouchers.lot_list import list_lots
from vouchers.lots import BatchUnknown
from vouchers.serials import SerialRange
from vouchers.tables import batch


def test_key_versions_tell_their_state_and_cards(db: Database, keys: Keys) -> None:
    with db.write() as session:
        key_rotation.register(session, keys.get())
        admin = make_member(session, "admin")
        make_batch(session, 10)
        session.execute(batch.update().values(key_version=1))
    key_rotation.rotate(db, keys, admin)
    keyfile.rotate(keys.path)
    with db.read() as session:
        found = list_versions(session, admin, keys.get())
    assert [(v.version, v.state, v.cards) for v in found] == [
        (1, "live", 10),
        (2, "live", 0),
        (3, "current", 0),
    ]
    assert found[0].since is not None
    assert found[2].since is None  # no database knows it yet
    assert [v.check_value for v in found] == [
        keys.get().pin_keys[v.version].check_value for v in found
    ]


def test_a_version_that_the_key_file_lacks_is_missing(db: Database, keys: Keys) -> None:
    with db.write() as session:
        key_rotation.register(session, keys.get())
        admin = make_member(session, "admin")
    key_rotation.rotate(db, keys, admin)
    keys.path.unlink()
    keyfile.create(keys.path)
    with db.read() as session:
        found = list_versions(session, admin, keys.get())
    assert [(v.version, v.state) for v in found] == [(1, "current"), (2, "missing")]


def test_only_who_rotates_keys_sees_their_versions(db: Database, keys: Keys) -> None:
    with db.write() as session, pytest.raises(Forbidden):
        list_versions(session, make_member(session, "issuer"), keys.get())


def test_lots_of_a_range_are_listed_in_order(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 100)
        other = make_batch(session, 100)
        actor = make_member(session, "issuer")
    with db.read() as session:
        whole = list_lots(session, actor, SerialRange(first, first + 99))
        inner = list_lots(session, actor, SerialRange(first + 5, first + 6))
        beyond = list_lots(session, actor, SerialRange(other + 100, other + 200))
    assert [lot.first_serial for lot in whole] == [first]
    assert inner == whole
    assert beyond == []


def test_lots_of_no_batch_are_an_error_and_not_for_everybody(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10)
        shop = make_shop(session)
        issuer, clerk = make_member(session, "issuer"), make_member(session, "distributor", shop)
        with pytest.raises(BatchUnknown):
            list_lots(session, issuer, SerialRange(1, 2))
        with pytest.raises(Forbidden):
            list_lots(session, clerk, SerialRange(first, first))
