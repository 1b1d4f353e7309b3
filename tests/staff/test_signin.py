"""Signing in, tokens, and what guessing costs."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from sqlalchemy import event, select

from core import keyfile
from core.db import Database
from core.errors import DomainError
from core.keyfile import KeyFile
from staff import events, members
from staff.limits import SignInLimits, TooManySignIns
from staff.permissions import Actor
from staff.signin import (
    TOKEN_LIFETIME,
    CodeWrong,
    SignInFailed,
    Unauthenticated,
    authenticate,
    confirm_code,
    sign_in,
    sign_out,
)
from staff.tables import audit_event, staff_session
from tests.clocks import FakeClock

PASSWORD = "correct horse 电池"


@dataclass
class Door:
    """A database at a settable time, with one member who has a phone with codes."""

    db: Database
    keys: KeyFile
    limits: SignInLimits
    totp: pyotp.TOTP
    clock: FakeClock

    def code(self, seconds: int = 0) -> str:
        return self.totp.at(self.clock() + timedelta(seconds=seconds))

    def enter(
        self,
        username: str = "wang",
        password: str = PASSWORD,
        code: str | None = None,
        address: str | None = None,
    ) -> str:
        return sign_in(
            self.db,
            self.keys,
            username,
            password,
            self.code() if code is None else code,
            limits=self.limits,
            address=address,
        )

    def who(self, token: str) -> Actor:
        with self.db.read() as session:
            return authenticate(session, token)


@pytest.fixture
def door(db: Database, clock: FakeClock, tmp_path: Path) -> Door:
    keys = keyfile.create(tmp_path / "staff-keys.json")
    with db.write() as session:
        enrolment = members.add_member(
            session, keys, None, "王小明", "1", "wang", PASSWORD, "admin"
        )
    secret = parse_qs(urlparse(enrolment.otpauth_uri).query)["secret"][0]
    return Door(db, keys, SignInLimits.of(""), pyotp.TOTP(secret), clock)


def test_a_member_signs_in_and_is_known_by_the_token(door: Door) -> None:
    actor = door.who(door.enter())
    assert (actor.username, actor.role, actor.party_id) == ("wang", "admin", None)


def test_the_token_is_stored_only_as_a_hash(door: Door) -> None:
    token = door.enter()
    with door.db.read() as session:
        row = session.execute(select(staff_session)).one()
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash
    assert row.expires_at - row.created_at == TOKEN_LIFETIME


@pytest.mark.parametrize("offset_s", [-30, 0, 30])
def test_a_code_may_be_one_step_early_or_late(door: Door, offset_s: int) -> None:
    assert door.who(door.enter(code=door.code(offset_s))).username == "wang"


@pytest.mark.parametrize("offset_s", [-60, 60])
def test_a_code_two_steps_away_is_refused(door: Door, offset_s: int) -> None:
    with pytest.raises(SignInFailed):
        door.enter(code=door.code(offset_s))


def test_a_code_works_once(door: Door) -> None:
    door.enter()
    with pytest.raises(SignInFailed):
        door.enter()
    door.clock.advance(seconds=30)
    with pytest.raises(SignInFailed):
        door.enter(code=door.code(-30))
    assert door.who(door.enter()).username == "wang"


def test_a_refused_password_does_not_use_up_the_code(door: Door) -> None:
    with pytest.raises(SignInFailed):
        door.enter(password="not the password")
    assert door.who(door.enter()).username == "wang"


def at_once(count: int, work: Callable[[], str]) -> list[str]:
    """Run `work` in threads that start together; return tokens and error codes."""
    barrier = threading.Barrier(count)
    results: list[str] = []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except DomainError as error:
            results.append(error.code)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_code_used_by_many_at_once_gives_one_token(door: Door) -> None:
    results = at_once(6, door.enter)
    assert results.count("sign_in_failed") == 5
    with door.db.read() as session:
        assert len(session.execute(select(staff_session)).all()) == 1
    token = next(result for result in results if result != "sign_in_failed")
    assert door.who(token).username == "wang"


WRONG = {
    "password": {"password": "not the password"},
    "empty password": {"password": ""},
    "huge password": {"password": "x" * 100_000},
    "surrogate password": {"password": "\ud800"},
    "name": {"username": "zhao"},
    "empty name": {"username": ""},
    "impossible name": {"username": "wang\x00\ud800"},
    "code": {"code": "000000"},
    "empty code": {"code": ""},
    "long code": {"code": "1" * 10_000},
    "surrogate code": {"code": "\ud80012345"},
    "letters": {"code": "abcdef"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_answer_never_says_what_was_wrong(door: Door, wrong: dict[str, str]) -> None:
    with pytest.raises(SignInFailed) as caught:
        door.enter(**wrong)
    assert str(caught.value) == (
        "the username, the password or the code is wrong, or the code was used before"
    )
    assert caught.value.details == {}


def test_a_code_may_be_typed_with_full_width_digits(door: Door) -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in door.code())
    assert door.who(door.enter(code=f" {wide} ")).username == "wang"


@pytest.mark.parametrize("token", ["", "wrong", "x" * 100_000, "\ud800", "\x00", "令牌"])
def test_other_tokens_are_refused(door: Door, token: str) -> None:
    door.enter()
    with pytest.raises(Unauthenticated) as caught:
        door.who(token)
    assert caught.value.code == "unauthenticated"


def test_a_token_ends_after_twelve_hours(door: Door) -> None:
    token = door.enter()
    door.clock.advance(hours=11, minutes=59)
    assert door.who(token).username == "wang"
    door.clock.advance(minutes=1)
    with pytest.raises(Unauthenticated):
        door.who(token)


def test_signing_out_ends_that_token_only(door: Door) -> None:
    first = door.enter()
    door.clock.advance(seconds=30)
    second = door.enter()
    for _ in range(2):
        with door.db.write() as session:
            sign_out(session, first)
    with pytest.raises(Unauthenticated):
        door.who(first)
    assert door.who(second).username == "wang"


def test_a_disabled_member_is_out_at_once(door: Door) -> None:
    token = door.enter()
    actor = door.who(token)
    with door.db.write() as session:
        members.add_member(session, door.keys, actor, "李四", "2", "li", PASSWORD, "admin")
        members.disable_member(session, actor, "wang")
    with pytest.raises(Unauthenticated):
        door.who(token)
    door.clock.advance(seconds=30)
    with pytest.raises(SignInFailed):
        door.enter()


def test_a_new_password_ends_all_sign_ins(door: Door) -> None:
    token = door.enter()
    actor = door.who(token)
    with door.db.write() as session:
        members.change_password(session, door.limits, actor, PASSWORD, "another one 123")
    with pytest.raises(Unauthenticated):
        door.who(token)
    door.clock.advance(seconds=30)
    assert door.who(door.enter(password="another one 123")).username == "wang"


def test_authenticating_is_one_select(door: Door) -> None:
    token = door.enter()
    statements: list[str] = []
    with door.db.read() as session:

        @event.listens_for(door.db.engine, "before_cursor_execute")
        def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        authenticate(session, token)
    event.remove(door.db.engine, "before_cursor_execute", count)
    assert len(statements) == 1
    assert statements[0].startswith("SELECT")


def test_sign_ins_and_failures_are_recorded_without_what_was_typed(door: Door) -> None:
    door.enter(address="192.0.2.7")
    with pytest.raises(SignInFailed):
        door.enter(password="typed wrong", address="192.0.2.7")
    with pytest.raises(SignInFailed):
        door.enter(username="typed.wrong")
    with door.db.read() as session:
        log = [item for item in events.list_events(session) if item.kind.startswith("sign_in")]
        everything = str(session.execute(select(audit_event)).all())
    assert [(item.kind, item.username) for item in reversed(log)] == [
        ("sign_in.done", "wang"),
        ("sign_in.failed", None),
        ("sign_in.failed", None),
    ]
    assert log[0].subject == "member:unknown"
    assert log[1].detail == {"address": "192.0.2.7"}
    assert "typed" not in everything


def test_ten_tries_under_one_name_are_the_limit_whatever_the_address(door: Door) -> None:
    for number in range(10):
        with pytest.raises(SignInFailed):
            door.enter(password="not the password", address=f"192.0.2.{number}")
    with pytest.raises(TooManySignIns) as caught:
        door.enter(address="198.51.100.1")
    assert caught.value.code == "too_many_sign_ins"
    assert 0 < caught.value.details["retry_after_s"] <= 901


def test_unknown_names_are_limited_like_known_ones(door: Door) -> None:
    for _ in range(10):
        with pytest.raises(SignInFailed):
            door.enter(username="zhao")
    with pytest.raises(TooManySignIns):
        door.enter(username=" ZHAO ")


def test_a_success_forgets_the_tries_before_it(door: Door) -> None:
    for _ in range(9):
        with pytest.raises(SignInFailed):
            door.enter(password="not the password")
    door.enter()
    door.clock.advance(seconds=30)
    with pytest.raises(SignInFailed):
        door.enter(password="not the password")
    assert door.who(door.enter()).username == "wang"


def test_a_signed_in_member_confirms_with_a_code_that_works_once(door: Door) -> None:
    actor = door.who(door.enter())
    with pytest.raises(CodeWrong):  # it was used to sign in
        confirm_code(door.db, door.keys, actor, door.code(), door.limits)
    door.clock.advance(seconds=31)
    confirm_code(door.db, door.keys, actor, door.code(), door.limits)
    for code in (door.code(), door.code(300), "", "12345", "abcdef"):
        with pytest.raises(CodeWrong):
            confirm_code(door.db, door.keys, actor, code, door.limits)


def test_guessing_codes_ends_like_guessing_sign_ins(door: Door) -> None:
    actor = door.who(door.enter())
    for _ in range(10):
        with pytest.raises(CodeWrong):
            confirm_code(door.db, door.keys, actor, "000000", door.limits)
    door.clock.advance(seconds=31)
    with pytest.raises(TooManySignIns):
        confirm_code(door.db, door.keys, actor, door.code(), door.limits)


def test_one_code_confirms_one_of_several_at_once(door: Door) -> None:
    actor = door.who(door.enter())
    door.clock.advance(seconds=31)
    code, good = door.code(), []

    def confirm() -> None:
        with contextlib.suppress(CodeWrong):
            confirm_code(door.db, door.keys, actor, code, door.limits)
            good.append(code)

    threads = [threading.Thread(target=confirm) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(good) == 1
