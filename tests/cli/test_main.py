"""The program as a whole: help, completion, start-up, and how errors are told."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich_click as click

from cli.command import Branch, Command, Leaf, load
from cli.failures import INTERNAL, LATER, USAGE, failure_of
from cli.tree import ENTRIES
from core.errors import InvalidInput, TryLater
from core.keyfile import Keys
from tests.cli.terminal import Terminal, clean_environment
from tests.conftest import EmptyDatabaseMaker

HEAVY = ("sqlalchemy", "litestar", "uvicorn", "alembic", "cryptography", "redis", "qrcode")


def _leaves() -> Iterator[tuple[str, Leaf]]:
    for name, entry in ENTRIES.items():
        if isinstance(entry, Branch):
            yield from ((f"{name} {each}", leaf) for each, leaf in entry.entries.items())
        else:
            yield name, entry


LEAVES = dict(_leaves())
GROUPS = ["", *(name for name, entry in ENTRIES.items() if isinstance(entry, Branch))]


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_teaches(path: str) -> None:
    command = load(LEAVES[path])
    assert isinstance(command, Command)
    assert (command.help or "").splitlines()[0] == LEAVES[path].help
    assert command.examples
    assert "--json" in [option for param in command.params for option in param.opts]


@pytest.mark.parametrize("path", LEAVES)
def test_every_example_is_a_command_that_exists_with_options_it_has(path: str) -> None:
    for name, words in _commands_in(load(LEAVES[path])):
        assert name in LEAVES, f"{words} is no command"
        known = {option for param in load(LEAVES[name]).params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known


def _commands_in(command: click.Command) -> Iterator[tuple[str, list[str]]]:
    assert isinstance(command, Command)
    text = "\n".join(command.examples).replace("\\\n", " ").replace("`", "")
    for line in text.splitlines():
        for part in line.split("|"):
            words = shlex.split(part.replace("<(", " ").replace(")", " "), comments=True)
            if "wanneng" not in words:
                continue
            words = words[words.index("wanneng") + 1 :]
            named = [word for word in words[:2] if not word.startswith("-")]
            name = " ".join(named) if " ".join(named) in LEAVES else named[0]
            yield (f"{name} run" if name == "demo" else name), words


@pytest.mark.parametrize("path", [*GROUPS, *LEAVES])
def test_help_needs_no_database(path: str, sqlite_terminal: Terminal) -> None:
    ended = sqlite_terminal(*path.split(), "--help")
    assert ended.code == 0
    assert "Usage: wanneng" in ended.out
    assert ended.err == ""


def test_the_help_names_every_group_and_every_exit_code(sqlite_terminal: Terminal) -> None:
    shown = sqlite_terminal("--help").out
    assert [name for name in ENTRIES if name not in shown] == []
    for code in ("0  done", "1  refused", "2  wrong usage", "3  try later", "4  nobody"):
        assert code in shown


@pytest.mark.parametrize("args", [["--help"], ["staff", "--help"], ["nothing"], []])
def test_nothing_heavy_is_imported_before_a_command_runs(args: list[str], scratch: Path) -> None:
    code = (
        "import sys; from cli.main import run; run(sys.argv[1:]);"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = _python(code, *args, cwd=scratch)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("wanneng sta", ["plain,staff"]),
        ("wanneng demo ", ["plain,run", "plain,serve", "plain,card"]),
        ("wanneng audit ve", ["plain,verify"]),
    ],
)
def test_a_shell_completes_commands_without_a_database(
    words: str, offered: list[str], scratch: Path
) -> None:
    place = str(words.count(" "))
    asked = {"_WANNENG_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": place}
    code = (
        "import sys; from cli.main import run; run([]);"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = _python(code, cwd=scratch, environment=asked)
    assert done.stdout.split() == offered
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str, sqlite_terminal: Terminal) -> None:
    ended = sqlite_terminal("completion", shell)
    assert ended.code == 0
    assert "_WANNENG_COMPLETE" in ended.out
    assert sqlite_terminal.json("completion", shell)["shell"] == shell


@pytest.mark.parametrize(
    "args",
    [["nonsense"], ["batch", "nonsense"], ["batch", "list", "--nonsense"], ["batch", "show"]],
)
def test_wrong_usage_is_one_line(args: list[str], sqlite_terminal: Terminal) -> None:
    ended = sqlite_terminal(*args)
    assert (ended.code, ended.error, ended.err.count("\n")) == (USAGE, "usage", 1)
    assert sqlite_terminal(*args, "--json").json["error"]["code"] == "usage"


def test_an_unknown_setting_is_an_error(
    sqlite_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_DATABASE_ULR", "sqlite:///x.db")
    ended = sqlite_terminal("denomination", "list")
    assert (ended.code, ended.error) == (USAGE, "configuration")
    assert "WANNENG_DATABASE_ULR" in ended.err


def test_a_database_that_does_not_answer_is_told_to_come_back_later(
    sqlite_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    ended = sqlite_terminal("denomination", "list", "--json")
    assert (ended.code, ended.error) == (LATER, "database_unavailable")


def test_a_missing_database_is_not_made_by_looking(
    sqlite_terminal: Terminal, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANNENG_DATABASE_URL", f"sqlite:///{scratch}/not/there.db")
    ended = sqlite_terminal("denomination", "list")
    assert (ended.code, ended.error) == (USAGE, "configuration")
    assert "wanneng init" in ended.err
    assert not (scratch / "not").exists()


def test_a_database_without_schema_says_what_to_do(
    make_empty_database: EmptyDatabaseMaker, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("sqlite", "postgresql"):
        db = make_empty_database(kind)
        with db.read():
            pass  # makes the file
        ended = Terminal(db.settings, monkeypatch)("denomination", "list")
        assert (ended.code, ended.error) == (USAGE, "configuration")
        assert "wanneng init" in ended.err


def test_an_unknown_error_never_shows_its_text() -> None:
    try:
        raise RuntimeError("680419 129695 212192")
    except RuntimeError as error:
        failure = failure_of(error)
    assert failure.exit_code == INTERNAL
    assert "680419" not in failure.message
    assert "RuntimeError at test_main.py" in failure.message


def test_a_pin_in_an_error_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    failure = failure_of(InvalidInput("not 680419129695212192", pin="680419129695212192"))
    failure.tell(as_json=False)
    failure.tell(as_json=True)
    shown = capsys.readouterr()
    assert "680419" not in shown.out + shown.err
    assert "[pin]" in shown.out


def test_a_file_that_cannot_be_used_is_named(sqlite_terminal: Terminal, scratch: Path) -> None:
    (scratch / "file").touch()
    ended = sqlite_terminal("demo", "card", "--directory", scratch / "file" / "below")
    assert (ended.code, ended.error) == (USAGE, "file")
    assert str(scratch / "file") in ended.err


def test_try_later_has_its_own_exit_code() -> None:
    assert failure_of(TryLater("busy")).exit_code == LATER


def _python(
    code: str, *args: str, cwd: Path, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=cwd,
        env=clean_environment({"PATH": os.environ["PATH"], **(environment or {})}),
        capture_output=True,
        text=True,
        timeout=60,
    )
