"""`wanneng init`, `settings` and `doctor`."""

import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from accounts.tables import ledger_account
from core import keyfile
from core.db import Database
from core.settings import Settings
from migrations import schema
from tests.cli.terminal import Terminal
from tests.conftest import EmptyDatabaseMaker
from vouchers.tables import denomination


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_db(make_empty_database: EmptyDatabaseMaker, request: pytest.FixtureRequest) -> Database:
    """A database without a table."""
    return make_empty_database(request.param)


def test_init_makes_everything_and_may_be_run_again(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(empty_db.settings, monkeypatch)
    first = terminal("init")
    assert first.code == 0
    assert "wanneng staff add" in first.err
    assert schema.is_current(empty_db)
    key_file = empty_db.settings.key_file
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    made, counts = key_file.read_bytes(), _counts(empty_db)
    assert min(counts) > 0
    again = terminal.json("init")
    assert again == {"key_file_made": False, "denominations_added": 0, "members": 0}
    assert (key_file.read_bytes(), _counts(empty_db)) == (made, counts)


def test_init_makes_directories_and_a_database_that_only_its_owner_reads(
    settings: Settings, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scratch / "new" / "deep" / "w.db"
    url = f"sqlite:///{path}"
    terminal = Terminal(replace(settings, database_url=url), monkeypatch)
    assert terminal("init").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_init_never_replaces_a_lost_key_file(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(empty_db.settings, monkeypatch)
    terminal.json("init")
    empty_db.settings.key_file.unlink()
    ended = terminal("init")
    assert (ended.code, ended.error) == (2, "configuration")
    assert not empty_db.settings.key_file.exists()


def test_the_doctor_finds_nothing_wrong_after_init(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(empty_db.settings, monkeypatch)
    terminal.json("init")
    states = _states(terminal)
    assert "failed" not in states.values()
    assert states["members"] == states["public address"] == "warning"
    assert terminal("doctor").code == 0


def test_the_doctor_names_a_foreign_key_file(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(empty_db.settings, monkeypatch)
    terminal.json("init")
    empty_db.settings.key_file.unlink()
    keyfile.create(empty_db.settings.key_file)
    assert _failed(terminal) == {"key file match"}


def test_the_doctor_names_a_key_file_that_others_can_read(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(empty_db.settings, monkeypatch)
    terminal.json("init")
    empty_db.settings.key_file.chmod(0o644)
    assert _failed(terminal) == {"key file", "key file match"}


def test_the_doctor_says_to_run_init(sqlite_terminal: Terminal, scratch: Path) -> None:
    for path in scratch.glob("*.db*"):
        path.unlink()
    ended = sqlite_terminal("doctor")
    assert ended.code == 1
    assert "wanneng init" in ended.out
    assert {"database", "schema"} <= _failed(sqlite_terminal)


def test_the_doctor_looks_at_a_real_redis(
    sqlite_terminal: Terminal, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_REDIS_URL", redis_url)
    assert _states(sqlite_terminal)["redis"] == "ok"
    monkeypatch.setenv("WANNENG_REDIS_URL", "redis://127.0.0.1:1/0")
    assert _states(sqlite_terminal)["redis"] == "failed"


def test_a_full_disk_is_a_failure(
    sqlite_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type(usage)(usage.total, usage.used, 1))
    assert _states(sqlite_terminal)["disk space"] == "failed"


def test_the_page_of_settings_is_current(sqlite_terminal: Terminal) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = sqlite_terminal("settings", "--markdown").out
    assert table in page, "put the output of `wanneng settings --markdown` into the page"


def test_settings_show_values_but_no_password(
    sqlite_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_DATABASE_URL", "postgresql+psycopg://me:s3cret@db/cards")
    monkeypatch.setenv("WANNENG_QUOTE_MINUTES", "7")
    rows = {row["variable"]: row for row in sqlite_terminal.json("settings")["settings"]}
    assert rows["WANNENG_DATABASE_URL"]["value"] == "postgresql+psycopg://me:***@db/cards"
    assert rows["WANNENG_QUOTE_MINUTES"]["value"] == "7"
    assert "s3cret" not in sqlite_terminal("settings").out + sqlite_terminal("doctor").out


def test_the_table_of_settings_is_shown_although_a_name_is_wrong(
    sqlite_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_ZONE", "Asia/Shanghai")
    ended = sqlite_terminal("settings")
    assert (ended.code, ended.error) == (2, "configuration")
    assert "WANNENG_TIMEZONE" in ended.out


def _states(terminal: Terminal) -> dict[str, str]:
    checks: list[dict[str, Any]] = terminal("doctor", "--json").json["checks"]
    return {item["check"]: item["state"] for item in checks}


def _failed(terminal: Terminal) -> set[str]:
    assert terminal("doctor").code == 1
    return {check for check, state in _states(terminal).items() if state == "failed"}


def _counts(db: Database) -> list[int]:
    with db.read() as session:
        return [
            session.execute(select(func.count()).select_from(each)).scalar_one()
            for each in (denomination, ledger_account)
        ]
