"""Who may do what."""

import pytest

from staff.permissions import ROLE_PERMISSIONS, Actor, Forbidden, Permission, may, require
from staff.tables import ROLES

MOVES_VALUE = {
    Permission.ORDER_BATCHES,
    Permission.GENERATE,
    Permission.EXPORT,
    Permission.TAKE_INTO_STOCK,
    Permission.DISPATCH,
    Permission.TRANSFER,
    Permission.RECEIVE,
    Permission.ACTIVATE,
    Permission.DEACTIVATE,
    Permission.RETURN_STOCK,
    Permission.VOID,
    Permission.REDEEM,
    Permission.IMPORT_ACCOUNTS,
    Permission.RECORD_PAYMENTS,
    Permission.ADJUST,
    Permission.CLOSE_SETTLEMENTS,
}


def actor(role: str) -> Actor:
    return Actor(member_id=1, person_id=1, username="wang", role=role)


def test_every_role_of_the_table_has_its_permissions() -> None:
    assert tuple(ROLE_PERMISSIONS) == ROLES


def test_every_permission_is_held_by_some_role() -> None:
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == frozenset(Permission)


def test_an_auditor_changes_nothing() -> None:
    held = ROLE_PERMISSIONS["auditor"]
    assert {p for p in held if not p.startswith("view_")} == {Permission.RUN_AUDIT}


def test_an_admin_moves_neither_cards_nor_money() -> None:
    assert not ROLE_PERMISSIONS["admin"] & MOVES_VALUE


def test_tills_are_managed_by_their_outlets_alone() -> None:
    assert [r for r in ROLES if Permission.MANAGE_TILLS in ROLE_PERMISSIONS[r]] == ["distributor"]


def test_only_an_admin_manages_accounts_and_keys() -> None:
    for permission in (Permission.MANAGE_STAFF, Permission.ROTATE_KEYS, Permission.MANAGE_SENDERS):
        assert [r for r in ROLES if permission in ROLE_PERMISSIONS[r]] == ["admin"]


def test_a_distributor_is_never_the_second_person() -> None:
    assert not may(actor("distributor"), Permission.APPROVE)
    assert may(actor("distributor"), Permission.DEACTIVATE)


def test_nobody_who_makes_cards_can_activate_them() -> None:
    can_make = {r for r in ROLES if Permission.GENERATE in ROLE_PERMISSIONS[r]}
    can_activate = {r for r in ROLES if Permission.ACTIVATE in ROLE_PERMISSIONS[r]}
    assert can_make == {"issuer"}
    assert can_activate == {"distributor"}


def test_what_a_role_lacks_is_forbidden_by_name() -> None:
    with pytest.raises(Forbidden) as caught:
        require(actor("auditor"), Permission.VOID)
    assert caught.value.code == "forbidden"
    assert caught.value.details == {"permission": "void"}


def test_a_role_that_does_not_exist_may_do_nothing() -> None:
    assert not any(may(actor("owner"), permission) for permission in Permission)
