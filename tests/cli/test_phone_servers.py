"""`wanneng serve-agi` and `serve-smpp` as processes: they start, serve, and end when told to."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.db import Database
from core.keyfile import Keys
from core.settings import variables
from tests.api.agi.exchange import Exchange
from tests.api.smpp.centre import centre
from tests.api.world import furnish
from tests.cli.served import free_port, wait_until
from tests.cli.terminal import Terminal, clean_environment


def started(*args: str, cwd: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    """Run a command of ours that serves."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *args],
        cwd=cwd,
        env=clean_environment(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Tell it to end; return its exit code and what it logged."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    return process.returncode, log


def calls(port: int) -> bool:
    """Tell whether a call is led."""
    try:
        return bool(Exchange(port, ["0"]).call().heard)
    except OSError:
        return False


def test_the_agi_server_leads_calls_until_it_is_told_to_end(
    sqlite_db: Database, keys: Keys, scratch: Path
) -> None:
    furnish(sqlite_db, keys)
    port = free_port()
    process = started(
        "serve-agi", "--port", str(port), cwd=scratch, environment=variables(sqlite_db.settings)
    )
    wait_until(lambda: process.poll() is not None or calls(port))
    code, log = ended(process)
    assert (code, "Traceback" in log) == (0, False), log
    assert "agi_serving" in log


def test_the_smpp_server_binds_and_says_good_bye(
    sqlite_db: Database, keys: Keys, scratch: Path
) -> None:
    furnish(sqlite_db, keys)
    with centre() as end:
        environment = variables(sqlite_db.settings) | {
            "WANNENG_SMS_GATEWAY": f"smpp://me@127.0.0.1:{end.port}?from=95598",
            "WANNENG_SMS_GATEWAY_SECRET": "s3cret",
        }
        process = started("serve-smpp", cwd=scratch, environment=environment)
        wait_until(lambda: process.poll() is not None or end.bound.is_set())
        code, log = ended(process)
        assert (code, "Traceback" in log) == (0, False), log
        assert "smpp_bound" in log and "s3cret" not in log


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("serve-agi", "WANNENG_AGI_PEERS", "somewhere"),
        ("serve-smpp", "WANNENG_SMS_GATEWAY", "log:"),
    ],
)
def test_wrong_settings_are_told_in_one_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    found = terminal(command)
    assert (found.code, found.error) == (2, "configuration"), found
    assert name in found.err
