"""The hunt finds what it is to find: a detector that cannot fire proves nothing."""

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis as redis_client
from _pytest._io import TerminalWriter

from tests import conftest, pin_hunt
from tests.conftest import Run
from tests.pin_hunt import (
    addresses,
    command_lines,
    digits_in_redis,
    pins_in_bytes,
    pins_in_files,
)
from vouchers.pins import draw, grouped

PIN = draw()
DIGITS = PIN.digits


@pytest.mark.parametrize(
    "shown",
    [
        DIGITS,
        grouped(PIN),
        grouped(PIN).replace(" ", "-"),
        grouped(PIN).replace(" ", "%20"),
        f"4200001234{DIGITS}",
        f"GET /?text=CZ%23{DIGITS} HTTP/1.1",
    ],
)
def test_a_planted_pin_is_found_in_a_file(tmp_path: Path, shown: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "server.log").write_bytes(b"\x00\xff" + shown.encode() + b"\xfe")
    assert pins_in_files([tmp_path], [PIN]) == [str(tmp_path / "deep" / "server.log")]
    assert pins_in_files([tmp_path], [draw()]) == []


def test_a_pin_across_two_pieces_of_a_large_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "wal"
    path.write_bytes(b"." * ((1 << 24) - 9) + DIGITS.encode() + b"." * 100)
    assert pins_in_files([tmp_path], [PIN]) == [str(path)]


def test_a_file_that_goes_after_it_was_listed_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left"
    left.write_text(DIGITS)
    monkeypatch.setattr(pin_hunt, "_files", lambda _place: [tmp_path / "gone", left])
    assert pins_in_files([tmp_path], [PIN]) == [str(left)]


def test_a_directory_that_cannot_be_read_is_not_passed_over() -> None:
    with pytest.raises(NotADirectoryError):
        pins_in_files([Path(__file__)], [PIN])


def test_what_processes_show_is_searched() -> None:
    shown = list(command_lines([os.getpid()]))
    assert shown[0][0] == f"process {os.getpid()}"
    assert b"pytest" in shown[0][1] or b"python" in shown[0][1]
    assert pins_in_bytes([("arguments", f"wanneng redeem {DIGITS}".encode())], [PIN]) == [
        "arguments"
    ]


def test_a_run_that_wrote_a_pin_to_any_file_fails(
    run: Run, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = TerminalWriter(io.StringIO())
    config: Any = SimpleNamespace(stash=pytestconfig.stash, get_terminal_writer=lambda: told)
    session: Any = SimpleNamespace(config=config, exitstatus=0)
    leaked = draw().digits
    monkeypatch.setattr(conftest, "KNOWN", {leaked})
    conftest.hunt(session)
    assert session.exitstatus == 0
    planted = run.root / "tmp" / f"planted-{os.getpid()}"
    planted.write_text(leaked)
    conftest.hunt(session)
    planted.unlink()
    assert session.exitstatus == 1


def test_a_pin_in_or_under_a_key_of_redis_is_found_whatever_holds_it(
    redis_url: str, redis: redis_client.Redis
) -> None:
    redis.set("plain", f"CZ 4200001234 {DIGITS}")
    redis.set(f"key:{DIGITS}", "1")
    redis.rpush("queue", "first", DIGITS)
    redis.hset("call", mapping={"keys": grouped(PIN)})
    redis.sadd("seen", DIGITS)
    redis.zadd("due", {DIGITS: 1})
    redis.xadd("stream", {"text": DIGITS})
    redis.set("other", draw().digits)
    assert len(digits_in_redis(redis_url, [DIGITS])) == 7
    assert digits_in_redis(redis_url, [draw().digits]) == []


def test_a_run_that_left_a_pin_in_redis_fails(
    run: Run, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = TerminalWriter(io.StringIO())
    config: Any = SimpleNamespace(stash=pytestconfig.stash, get_terminal_writer=lambda: told)
    session: Any = SimpleNamespace(config=config, exitstatus=0)
    leaked, name = draw().digits, f"planted-{os.getpid()}"
    monkeypatch.setattr(conftest, "KNOWN", {leaked})
    with redis_client.Redis.from_url(run.redis.url(63)) as client:
        client.set(name, leaked)
        conftest.hunt(session)
        client.delete(name)
    assert session.exitstatus == 1


@pytest.mark.parametrize(
    "answer",
    [
        f'<Gather action="/channels/voice/twiml?turn=3&amp;Digits={DIGITS}"/>',
        f"<Play>https://recharge.example/prompts/zh/{DIGITS}.wav</Play>",
        f'{{"next": "https://recharge.example/api/v1/cards/{DIGITS}"}}',
    ],
)
def test_a_pin_in_an_address_that_was_given_out_is_found(answer: str) -> None:
    found = [("address", each) for each in addresses(answer.encode(), ())]
    assert pins_in_bytes(found, [PIN])
    header = addresses(b"", ["text/plain", f"/api/v1/cards/{DIGITS}"])
    assert pins_in_bytes([("header", each) for each in header], [PIN])


def test_words_of_an_answer_are_no_address() -> None:
    """The receipt for a card that a shop prints shows the PIN, and must."""
    assert addresses(f'{{"pin": "{DIGITS}", "kind": "text/plain"}}'.encode(), ()) == []
