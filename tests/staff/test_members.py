"""People and their accounts."""

import threading
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from sqlalchemy import func, select, update

from core import keyfile
from core.db import Database, Session
from core.errors import DomainError, InvalidInput, NotFound
from core.keyfile import KeyFile
from staff import members
from staff.limits import SignInLimits
from staff.members import Enrolment, IdentityConflict, LastAdmin, UsernameTaken
from staff.passwords import (
    WeakPassword,
    WrongPassword,
    check_password,
    hash_password,
    password_fits,
)
from staff.permissions import Actor, Forbidden
from staff.tables import person, staff_member
from tests.factories import make_member, make_party

PASSWORD = "correct horse 电池"


@pytest.fixture
def keys_now(tmp_path: Path) -> KeyFile:
    return keyfile.create(tmp_path / "staff-keys.json")


def add(
    session: Session,
    keys: KeyFile,
    username: str,
    role: str = "admin",
    *,
    actor: Actor | None = None,
    name: str = "王小明",
    identity_number: str | None = None,
    password: str = PASSWORD,
    party_id: int | None = None,
) -> Enrolment:
    number = identity_number or f"ID-{username}"
    return members.add_member(
        session, keys, actor, name, number, username, password, role, party_id
    )


def test_the_first_two_accounts_need_nobody_and_the_third_an_admin(
    db: Database, keys_now: KeyFile
) -> None:
    with db.write() as session:
        add(session, keys_now, "wang")
        add(session, keys_now, "li", "issuer")
    with pytest.raises(Forbidden), db.write() as session:
        add(session, keys_now, "zhao", "finance")
    with db.write() as session:
        admin = make_member(session, "admin")
        add(session, keys_now, "zhao", "finance", actor=admin)
        usernames = [member.username for member in members.list_members(session)]
    assert usernames == [admin.username, "li", "wang", "zhao"]


def test_one_of_the_first_two_accounts_is_an_admin(db: Database, keys_now: KeyFile) -> None:
    with db.write() as session:
        add(session, keys_now, "li", "issuer")
    with pytest.raises(InvalidInput, match="admin"), db.write() as session:
        add(session, keys_now, "zhao", "finance")
    with db.write() as session:
        add(session, keys_now, "wang", "admin")


def test_of_many_first_accounts_added_at_once_two_are_made(db: Database, keys_now: KeyFile) -> None:
    barrier = threading.Barrier(5)
    errors: list[DomainError] = []

    def add_first(number: int) -> None:
        barrier.wait()
        try:
            db.transact(lambda session: add(session, keys_now, f"member{number}"))
        except DomainError as error:
            errors.append(error)

    threads = [threading.Thread(target=add_first, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in errors] == ["forbidden"] * 3
    with db.read() as session:
        assert len(members.list_members(session)) == 2


@pytest.mark.parametrize("role", ["issuer", "auditor", "finance", "distributor"])
def test_only_who_manages_staff_adds_accounts(db: Database, keys_now: KeyFile, role: str) -> None:
    with db.write() as session:
        actor = make_member(session, role, make_party(session) if role == "distributor" else None)
        with pytest.raises(Forbidden):
            add(session, keys_now, "li", "admin", actor=actor)


def test_the_same_identity_number_is_the_same_person(db: Database, keys_now: KeyFile) -> None:
    with db.write() as session:
        add(session, keys_now, "wang", identity_number="42010119800101123x")
        add(session, keys_now, "wang.finance", "finance", identity_number=" 42010119800101123X")
        people = session.execute(select(staff_member.c.person_id)).scalars().all()
        assert len(people) == 2
        assert len(set(people)) == 1
        assert session.execute(select(func.count()).select_from(person)).scalar_one() == 1


@pytest.mark.parametrize(
    "written",
    [
        "420101 19800101 123x",
        "420101-19800101-123X",
        "４２０１０１１９８００１０１１２３Ｘ",
        "42010119800101\u200b123X",
    ],
)
def test_a_person_stays_one_however_his_number_is_written(
    db: Database, keys_now: KeyFile, written: str
) -> None:
    with db.write() as session:
        add(session, keys_now, "wang", identity_number="42010119800101123X")
        add(session, keys_now, "wang.finance", "finance", identity_number=written)
        assert session.execute(select(func.count()).select_from(person)).scalar_one() == 1


def test_an_identity_number_needs_a_letter_or_digit(db: Database, keys_now: KeyFile) -> None:
    with db.write() as session, pytest.raises(InvalidInput, match="identity number"):
        add(session, keys_now, "wang", identity_number="- -")


def test_an_identity_number_under_another_name_is_refused(db: Database, keys_now: KeyFile) -> None:
    with db.write() as session:
        add(session, keys_now, "wang", identity_number="7")
        with pytest.raises(IdentityConflict) as caught:
            add(session, keys_now, "li", name="李四", identity_number="7")
    assert caught.value.code == "identity_conflict"


def test_a_username_is_taken_once_in_any_case(db: Database, keys_now: KeyFile) -> None:
    with db.write() as session:
        add(session, keys_now, "Wang")
        with pytest.raises(UsernameTaken):
            add(session, keys_now, " wANG ")


@pytest.mark.parametrize(
    "username", ["", "w", "王小明", "wang li", "a" * 33, ".wang", "wang\x00", "wang\ud800", "ｗang"]
)
def test_usernames_are_plain_and_short(username: str) -> None:
    with pytest.raises(InvalidInput):
        members.parse_username(username)


@pytest.mark.parametrize(
    ("name", "number"), [("", "1"), ("王", " "), ("王\x00", "1"), ("王", "1" * 51), ("\ud800", "1")]
)
def test_names_and_identity_numbers_are_checked(
    db: Database, keys_now: KeyFile, name: str, number: str
) -> None:
    with pytest.raises(InvalidInput), db.write() as session:
        members.add_member(session, keys_now, None, name, number, "wang", PASSWORD, "admin")
    with db.read() as session:
        assert members.list_members(session) == []


def test_unknown_roles_and_distributors_without_a_party_are_refused(
    db: Database, keys_now: KeyFile
) -> None:
    with db.write() as session:
        with pytest.raises(InvalidInput, match="role"):
            add(session, keys_now, "wang", "owner")
        with pytest.raises(InvalidInput, match="party"):
            add(session, keys_now, "wang", "distributor")
        admin = make_member(session)
        outlet_id = make_party(session)
        add(session, keys_now, "chen", "distributor", actor=admin, party_id=outlet_id)
        chen = next(m for m in members.list_members(session) if m.username == "chen")
    assert chen.party_id == outlet_id


def test_the_code_secret_is_told_once_and_stored_only_encrypted(
    db: Database, keys_now: KeyFile
) -> None:
    with db.write() as session:
        enrolment = add(session, keys_now, "wang")
        row = session.execute(select(staff_member)).one()
    uri = urlparse(enrolment.otpauth_uri)
    secret = parse_qs(uri.query)["secret"][0]
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Wanneng:wang")
    assert secret not in repr(enrolment)
    assert secret.encode() not in row.totp_secret
    assert keys_now.unseal(row.totp_secret) == secret.encode()
    assert row.password_hash.startswith("$argon2id$")
    assert PASSWORD not in row.password_hash


@pytest.mark.parametrize(
    "password",
    ["", "short", "123456789", "WANG.XIAOMING", "x" * 201, "with\x00zero-byte", "\ud800" * 10],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(password, "wang.xiaoming")
    assert caught.value.code == "password_weak"


def test_a_password_fits_however_its_letters_are_composed() -> None:
    stored = hash_password("caf\u00e9 caf\u00e9 caf\u00e9")
    assert password_fits(stored, "cafe\u0301 cafe\u0301 cafe\u0301")
    assert not password_fits(stored, "cafe cafe cafe")


@pytest.mark.parametrize("password", ["", "x" * 100_000, "\ud800", "nobody signs in with this"])
def test_nobody_has_no_password(password: str) -> None:
    assert not password_fits(None, password)


def test_a_disabled_account_stays_disabled(db: Database) -> None:
    with db.write() as session:
        admin, clerk = make_member(session), make_member(session, "customer_service")
        with pytest.raises(Forbidden):
            members.disable_member(session, clerk, admin.username)
        members.disable_member(session, admin, clerk.username)
        with pytest.raises(NotFound):
            members.disable_member(session, admin, clerk.username)
        shown = {m.username: m.active for m in members.list_members(session)}
    assert shown == {admin.username: True, clerk.username: False}


def test_the_last_admin_cannot_be_disabled(db: Database) -> None:
    with db.write() as session:
        one, two = make_member(session), make_member(session)
        members.disable_member(session, one, two.username)
        with pytest.raises(LastAdmin):
            members.disable_member(session, one, one.username)


def disabled_at_once(db: Database, admins: list[Actor]) -> list[DomainError]:
    """Let two admins disable each other in threads that start together; return the errors."""
    barrier = threading.Barrier(2)
    errors: list[DomainError] = []

    def disable(actor: Actor, other: Actor) -> None:
        barrier.wait()
        try:
            db.transact(lambda session: members.disable_member(session, actor, other.username))
        except DomainError as error:
            errors.append(error)

    pairs = [(admins[0], admins[1]), (admins[1], admins[0])]
    threads = [threading.Thread(target=disable, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_two_admins_who_disable_each_other_at_once_leave_one(db: Database) -> None:
    for _ in range(10):
        with db.write() as session:
            session.execute(update(staff_member).values(active=False))
            admins = [make_member(session), make_member(session)]
        assert [type(error) for error in disabled_at_once(db, admins)] == [LastAdmin]
        with db.read() as session:
            assert sum(member.active for member in members.list_members(session)) == 1


def test_a_new_password_needs_the_current_one(db: Database, keys_now: KeyFile) -> None:
    limits = SignInLimits.of("")
    with db.write() as session:
        member_id = add(session, keys_now, "wang").member_id
        actor = Actor(member_id, 0, "wang", "admin")
        with pytest.raises(WrongPassword):
            members.change_password(session, limits, actor, "not the password", "another one 123")
        with pytest.raises(WeakPassword):
            members.change_password(session, limits, actor, PASSWORD, "wang")
        members.change_password(session, limits, actor, PASSWORD, "another one 123")
        stored = session.execute(select(staff_member.c.password_hash)).scalar_one()
    assert password_fits(stored, "another one 123")
    assert not password_fits(stored, PASSWORD)
