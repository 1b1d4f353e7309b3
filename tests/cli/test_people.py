"""Staff accounts, sign-in and out, and what waits for a second person."""

import stat
from pathlib import Path
from typing import Any

import pyrage
import pytest

from cli.app import sign_in_path
from core.db import Database
from tests.cli.terminal import PASSWORD, Terminal, code_of
from vouchers.printers import fingerprint


def _add(terminal: Terminal, username: str, role: str, *more: str) -> Any:
    return terminal.json(
        "staff", "add", username, "--role", role, "--name", username, "--identity-number",
        f"ID-{username}", *more, stdin=f"{PASSWORD}\n",
    )  # fmt: skip


def _log_in(terminal: Terminal, username: str, uri: str) -> Any:
    return terminal.json("login", username, stdin=f"{PASSWORD}\n{code_of(uri)}\n")


def test_the_first_two_members_need_no_sign_in_and_the_third_does(terminal: Terminal) -> None:
    admin = _add(terminal, "li.wei", "admin")
    _add(terminal, "chen.jie", "issuer")
    refused = terminal(
        "staff", "add", "wang.fang", "--role", "auditor", "--name", "王芳",
        "--identity-number", "ID-3", stdin=f"{PASSWORD}\n",
    )  # fmt: skip
    assert (refused.code, refused.error) == (4, "unauthenticated")
    assert _log_in(terminal, "li.wei", admin["otpauth_uri"])["role"] == "admin"
    _add(terminal, "wang.fang", "auditor")
    names = [row["username"] for row in terminal.json("staff", "list")["members"]]
    assert names == ["chen.jie", "li.wei", "wang.fang"]


def test_signing_in_keeps_a_private_token_until_signing_out(terminal: Terminal) -> None:
    uri = _add(terminal, "li.wei", "admin")["otpauth_uri"]
    _log_in(terminal, "li.wei", uri)
    path = sign_in_path(terminal.settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert terminal.json("whoami")["username"] == "li.wei"
    token = path.read_bytes()
    assert terminal("logout").code == 0
    assert not path.exists()
    assert terminal("whoami").code == 4
    path.write_bytes(token)
    path.chmod(0o600)
    assert terminal("whoami").error == "unauthenticated"  # ended in the database as well


def test_a_token_that_others_can_read_is_refused(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "admin")
    sign_in_path(terminal.settings).chmod(0o644)
    ended = terminal("whoami")
    assert (ended.code, ended.error) == (2, "configuration")


def test_tokens_of_several_installations_live_apart_in_the_state_directory(
    terminal: Terminal, db: Database, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(scratch / "state"))
    terminal.become(db, "admin")
    (kept,) = (scratch / "state" / "wanneng").iterdir()
    assert kept == sign_in_path(terminal.settings)
    assert terminal("whoami").code == 0
    monkeypatch.setenv("WANNENG_KEY_FILE", str(scratch / "other.json"))
    assert terminal("whoami").code == 4


@pytest.mark.parametrize("stdin", ["", "only a password\n", "\n\n"])
def test_a_missing_secret_is_told(sqlite_terminal: Terminal, stdin: str) -> None:
    ended = sqlite_terminal("login", "li.wei", stdin=stdin)
    assert (ended.code, ended.error) == (2, "usage")


def test_a_wrong_password_or_code_is_refused_and_never_repeated(terminal: Terminal) -> None:
    uri = _add(terminal, "li.wei", "admin")["otpauth_uri"]
    for stdin in (f"wrong password\n{code_of(uri)}\n", f"{PASSWORD}\n000000\n"):
        ended = terminal("login", "li.wei", stdin=stdin)
        assert (ended.code, ended.error) == (4, "sign_in_failed")
        assert "password\n" not in ended.out + ended.err
        assert PASSWORD not in ended.out + ended.err


def test_the_enrolment_is_shown_once_as_text_and_as_an_image(
    terminal: Terminal, scratch: Path
) -> None:
    png = scratch / "li.png"
    args = ("staff", "add", "li.wei", "--role", "admin", "--name", "李伟", "--identity-number", "1")
    ended = terminal(*args, "--qr-png", png, stdin=f"{PASSWORD}\n")
    assert ended.code == 0
    assert "otpauth://totp/" in ended.out
    assert "█" in ended.out
    assert PASSWORD not in ended.out + ended.err
    assert png.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(png.stat().st_mode) == 0o600
    again = terminal(*args, "--qr-png", png, stdin=f"{PASSWORD}\n")
    assert (again.code, again.error) == (2, "invalid_input")


def test_a_weak_password_is_refused(terminal: Terminal) -> None:
    ended = terminal(
        "staff", "add", "li.wei", "--role", "admin", "--name", "a", "--identity-number", "1",
        stdin="short\n",
    )  # fmt: skip
    assert (ended.code, ended.error) == (1, "password_weak")


def test_a_member_changes_his_password_and_must_sign_in_again(terminal: Terminal) -> None:
    uri = _add(terminal, "li.wei", "admin")["otpauth_uri"]
    _log_in(terminal, "li.wei", uri)
    wrong = terminal("staff", "password", stdin="not this one\nanother good one\n")
    assert (wrong.code, wrong.error) == (1, "password_wrong")
    assert terminal("staff", "password", stdin=f"{PASSWORD}\nanother good one\n").code == 0
    assert terminal("whoami").code == 4


def test_a_disabled_member_is_out_at_once(terminal: Terminal, db: Database) -> None:
    _add(terminal, "li.wei", "admin")
    admin = terminal.become(db, "admin")
    assert terminal.json("staff", "disable", "li.wei")["active"] is False
    ended = terminal("staff", "disable", admin.username)
    assert (ended.code, ended.error) == (1, "last_admin")


def test_a_role_without_the_permission_is_refused(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "auditor")
    for args in (
        ("staff", "list"),
        ("partner", "add", "p"),
        ("batch", "create", "--face", "50", "--count", "1", "--printer", "x"),
        ("key", "rotate"),
        ("account", "import", __file__),
        ("redeem", "--account", "4201100000"),
    ):
        ended = terminal(*args, stdin="680419129695212192\n")
        assert (ended.code, ended.error) == (1, "forbidden"), args


def test_a_request_is_shown_word_for_word_and_decided_by_another_person(
    terminal: Terminal, db: Database
) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    asks = terminal.become(db, "issuer")
    args = ("printer", "add", "demo", "--code", "1", "--public-key", key)
    approval_id = terminal.json(*args)["approval_id"]
    assert [item["id"] for item in terminal.json("approval", "list")["approvals"]] == [approval_id]
    shown = terminal("approval", "show", approval_id).out
    assert key in shown
    assert fingerprint(key) in shown
    own = terminal("approval", "agree", approval_id, stdin=terminal.code(db, asks))
    assert (own.code, own.error) == (1, "same_person")
    other = terminal.become(db, "issuer")
    terminal.code(db, other)
    wrong = terminal("approval", "agree", approval_id, stdin="000000\n")
    assert (wrong.code, wrong.error) == (1, "code_wrong")
    code = terminal.code(db, other)
    assert terminal.json("approval", "agree", approval_id, stdin=code)["state"] == "agreed"
    assert terminal("approval", "agree", approval_id, stdin=code).error == "approval_closed"
    (row,) = terminal.json("printer", "list")["printers"]
    assert row["active"] is True
    assert terminal.json("approval", "show", approval_id)["requested_by"] == asks.username


def test_a_refused_request_needs_a_reason(terminal: Terminal, db: Database) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    terminal.become(db, "admin")
    args = ("printer", "add", "demo", "--code", "1", "--public-key", key)
    approval_id = terminal.json(*args)["approval_id"]
    other = terminal.become(db, "admin")
    assert terminal("approval", "refuse", approval_id).error == "usage"
    refused = ("approval", "refuse", approval_id, "--reason", "unknown key")
    assert terminal(*refused).error == "usage"  # without a code
    assert terminal(*refused, stdin=terminal.code(db, other)).code == 0
    assert terminal.json("approval", "show", approval_id)["reason"] == "unknown key"
    assert terminal.json("printer", "list")["printers"] == []


def test_an_unknown_approval_is_told(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "admin")
    assert terminal("approval", "show", "12").error == "not_found"
    assert terminal("approval", "show", "twelve").error == "usage"


def test_deeds_are_listed_with_who_did_them(terminal: Terminal, db: Database) -> None:
    uri = _add(terminal, "li.wei", "admin")["otpauth_uri"]
    _log_in(terminal, "li.wei", uri)
    terminal.json("partner", "add", "corner pay")
    events = terminal.json("event", "list")["events"]
    assert [(item["by"], item["kind"]) for item in events[:2]] == [
        ("li.wei", "partner.added"),
        ("li.wei", "sign_in.done"),
    ]
    (only,) = terminal.json("event", "list", "--about", events[0]["subject"])["events"]
    assert only == events[0]
    terminal.become(db, "warehouse")
    assert terminal("event", "list").error == "forbidden"
