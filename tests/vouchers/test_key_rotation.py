"""Key versions come and go without anybody knowing a PIN."""

from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.tables import journal_entry
from core import keyfile
from core.errors import ConfigurationError
from core.keyfile import Keys
from redemption.tables import redemption
from staff.permissions import Forbidden
from tests.factories import make_electricity_account
from tests.vouchers.making import House
from vouchers import key_rotation
from vouchers.generation import GenerationFailed, generate
from vouchers.key_rotation import KeyInUse, check_key_file, retire, rotate
from vouchers.lookup import Found
from vouchers.print_file import PrintedCard
from vouchers.tables import lot, pin_key, voucher_hold


def _check(house: House, keys: Keys) -> None:
    with house.db.read() as session:
        check_key_file(session, keys.get())


def _rotate(house: House) -> int:
    return rotate(house.db, house.keys, house.admin)


def _retire(house: House, version: int) -> None:
    retire(house.db, house.keys, house.admin, version)


def _redeem(house: House, cards: list[PrintedCard]) -> None:
    """Write redemptions past the rules."""
    with house.db.write() as session:
        number = make_electricity_account(session)
        for card in cards:
            entry_id = session.new_id()
            session.execute(
                journal_entry.insert(),
                {
                    "id": entry_id,
                    "at": session.now,
                    "business_day": session.today,
                    "event": "redemption",
                    "reference": f"{card.serial}",
                },
            )
            session.execute(
                redemption.insert(),
                {
                    "serial": card.serial,
                    "account_number": number,
                    "face_fen": card.face_fen,
                    "channel": "api",
                    "sender": "s",
                    "caller": "c",
                    "request_key": f"{card.serial}",
                    "receipt_number": f"{card.serial % 10**14:014d}",
                    "entry_id": entry_id,
                    "at": session.now,
                },
            )


def test_a_rotation_is_known_to_file_and_database(house: House) -> None:
    assert _rotate(house) == 2
    assert house.keys.get().current.version == 2
    with house.db.read() as session:
        rows = session.execute(select(pin_key).order_by(pin_key.c.version)).all()
    assert [(row.version, row.retired_at) for row in rows] == [(1, None), (2, None)]
    assert rows[1].check_value == house.keys.get().current.check_value
    _check(house, house.keys)


def test_new_cards_are_made_under_the_new_key(house: House) -> None:
    old = house.cards(3)
    _rotate(house)
    new = house.cards(3)
    found = house.find(old[0].pin, new[0].pin)
    assert [getattr(item, "key_version", None) for item in found] == [1, 2]


def test_only_who_may_rotates_or_retires(house: House) -> None:
    with pytest.raises(Forbidden):
        rotate(house.db, house.keys, house.asks)
    with pytest.raises(Forbidden):
        retire(house.db, house.keys, house.asks, 1)
    assert house.keys.get().current.version == 1


def test_the_key_file_of_another_database_is_refused(house: House, scratch: Path) -> None:
    keyfile.create(scratch / "other.json")
    with pytest.raises(ConfigurationError, match="not this database's"):
        _check(house, Keys(scratch / "other.json"))
    with pytest.raises(ConfigurationError, match="not this database's"):
        generate(
            house.db,
            Keys(scratch / "other.json"),
            house.asks,
            house.approved(1),
            house.warehouse_id,
        )


def test_an_older_copy_of_the_key_file_is_refused(house: House) -> None:
    copy = house.keys.path.read_bytes()
    _rotate(house)
    house.keys.path.write_bytes(copy)
    with pytest.raises(ConfigurationError, match="version 2"):
        _check(house, house.keys)


def test_a_rotation_cut_off_between_file_and_database_does_no_harm(house: House) -> None:
    keyfile.rotate(house.keys.path)
    _check(house, house.keys)
    (card,) = house.cards(1)
    (found,) = house.find(card.pin)
    assert isinstance(found, Found)
    assert found.key_version == 2


def test_a_fifth_live_version_is_refused(house: House) -> None:
    for _ in range(3):
        _rotate(house)
    with pytest.raises(ConfigurationError, match="retire one"):
        _rotate(house)


def test_a_key_whose_cards_can_be_redeemed_is_not_retired(house: House) -> None:
    (card,) = house.cards(1)
    _rotate(house)
    with pytest.raises(KeyInUse):
        _retire(house, 1)
    assert isinstance(house.find(card.pin)[0], Found)
    with house.db.read() as session:
        assert session.execute(select(pin_key.c.retired_at)).scalars().all() == [None, None]


def test_a_key_whose_cards_are_used_void_or_replaced_is_retired(house: House) -> None:
    used, void, mixed = house.cards(3), house.cards(3, 20_000), house.cards(2)
    _rotate(house)
    (new,) = house.cards(1)
    _redeem(house, [*used, mixed[0]])
    with house.db.write() as session:
        session.execute(
            lot.update().where(lot.c.batch_id == void[0].serial // 100_000).values(stage="void")
        )
    with pytest.raises(KeyInUse):
        _retire(house, 1)
    with house.db.write() as session:
        hold = {"serial": mixed[1].serial, "hold": "replaced", "replaced_by": new.serial}
        session.execute(voucher_hold.insert(), hold | {"reason": "damaged", "at": session.now})
    _retire(house, 1)
    assert [key.version for key in house.keys.get().live] == [2]
    _check(house, house.keys)
    assert house.find(used[0].pin, void[0].pin) == [None, None]
    assert isinstance(house.find(new.pin)[0], Found)


def test_a_key_is_not_retired_while_a_batch_is_made_under_it(house: House) -> None:
    def retire_meanwhile(_done: int, _total: int) -> None:
        _rotate(house)
        with pytest.raises(KeyInUse):
            _retire(house, 1)

    generate(
        house.db, house.keys, house.asks, house.approved(5), house.warehouse_id, retire_meanwhile
    )


def test_the_current_and_unknown_versions_are_not_retired(house: House) -> None:
    for version in (1, 2):
        with pytest.raises(ConfigurationError):
            _retire(house, version)


def test_a_retirement_cut_off_between_database_and_file_can_be_repeated(house: House) -> None:
    _rotate(house)
    _retire(house, 1)
    _retire(house, 1)
    assert [key.version for key in house.keys.get().live] == [2]


def test_no_batch_is_made_under_a_key_that_the_database_has_retired(house: House) -> None:
    batch_id = house.approved(1)
    with house.db.write() as session:
        session.execute(pin_key.update().values(retired_at=session.now))
    with pytest.raises(ConfigurationError, match="retired"):
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id)


def test_registering_again_changes_nothing(house: House) -> None:
    with house.db.write() as session:
        key_rotation.register(session, house.keys.get())
        assert len(session.execute(select(pin_key)).all()) == 1


def test_a_failed_batch_does_not_keep_its_key_in_use(house: House) -> None:
    def stop(_done: int, _total: int) -> None:
        raise ValueError

    with pytest.raises(GenerationFailed):
        generate(house.db, house.keys, house.asks, house.approved(5), house.warehouse_id, stop)
    _rotate(house)
    _retire(house, 1)
    assert not house.keys.get().pin_keys[1].live
