"""Running the program as scripts do: arguments and stdin in, exit code and two streams out."""

import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyotp
import pytest

from cli.app import sign_in_path
from cli.main import run
from cli.sign_in_file import write_private
from core import keyfile
from core.clock import system_clock
from core.db import Database
from core.settings import PREFIX, Settings, variables
from staff.permissions import Actor
from staff.tables import staff_session
from tests.codes import fresh_code
from tests.factories import make_member

PASSWORD = "correct horse battery"
FAR_AWAY = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the error it told."""
        if self.err.startswith("error "):
            return self.err.split()[1].rstrip(":")
        return str(json.loads(self.out)["error"]["code"])


class Terminal:
    """Runs commands in this process on one database."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self._monkeypatch = monkeypatch
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            monkeypatch.delenv(name)
        for name, value in variables(settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *args: str | int | Path, stdin: str = "") -> Ended:
        """Run a command; numbers are written as text."""
        out, err = io.StringIO(), io.StringIO()
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with redirect_stdout(out), redirect_stderr(err):
            code = run([str(arg) for arg in args])
        return Ended(code, out.getvalue(), err.getvalue())

    def json(self, *args: str | int | Path, stdin: str = "") -> Any:
        """Run a command that must succeed; return its JSON."""
        ended = self(*args, "--json", stdin=stdin)
        assert ended.code == 0, ended
        return ended.json

    def sign_in(self, db: Database, actor: Actor) -> Actor:
        """Sign a member in past password and code."""
        token = secrets.token_urlsafe(16)
        row = {
            "token_hash": sha256(token.encode()).digest(),
            "member_id": actor.member_id,
            "created_at": db.clock(),
            "expires_at": FAR_AWAY,
        }
        with db.write() as session:
            session.execute(staff_session.insert(), row)
        write_private(sign_in_path(self.settings), token)
        return actor

    def code(self, db: Database, actor: Actor) -> str:
        """Return the line of stdin with the code that the member's phone shows now."""
        # The program asks the machine what time it is, whatever the clock of the test.
        keys = keyfile.load(self.settings.key_file)
        return fresh_code(keys, db, actor, system_clock()) + "\n"

    def become(self, db: Database, role: str, party_id: int | None = None) -> Actor:
        """Sign in as a new person of a role."""
        with db.write() as session:
            actor = make_member(session, role, party_id)
        return self.sign_in(db, actor)


@dataclass
class SharedTerminal:
    """A terminal at which one person after another signs in."""

    terminal: Terminal
    db: Database

    def agree(self, actor: Actor, approval_id: str) -> None:
        """Agree as the actor, with the code of now."""
        code = self.terminal.code(self.db, actor)
        self.by(actor).json("approval", "agree", approval_id, stdin=code)

    def by(self, actor: Actor) -> Terminal:
        """Sign the actor in."""
        self.terminal.sign_in(self.db, actor)
        return self.terminal


def code_of(uri: str) -> str:
    """Return the one-time code of now, as an authenticator app shows it."""
    totp = pyotp.parse_uri(uri)
    assert isinstance(totp, pyotp.TOTP)
    return totp.now()


def program(
    *args: str, cwd: Path, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run the program as another process, with nothing of ours in its environment but this."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *args],
        cwd=cwd,
        env=clean_environment(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=180,
    )


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without our settings, and with `more`."""
    dropped = (PREFIX, "XDG_STATE_HOME", "COLUMNS")
    kept = {name: v for name, v in os.environ.items() if not name.startswith(dropped)}
    root = str(Path(__file__).resolve().parents[2])
    return {**kept, "PYTHONPATH": root, **(more or {})}
