"""Hostile inputs over FastAGI: whatever an exchange says ends at most its own call."""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from redemption.tables import attempt, redemption
from tests.api.agi.conftest import Serving
from tests.api.agi.exchange import Exchange
from tests.api.agi.test_calls import files, to_confirm
from tests.api.hostile import hostile

TEXTS = [text.encode() for text in hostile()] + [b"\xff\xfe\xfd", b"\xed\xa0\x80", b"\x00" * 10]
ANSWERS = [
    b"200 result=", b"200 result=300", b"200 result=-2", b"200 result=" + b"9" * 1000,
    b"200 result=1\r", b"520-Invalid", b"511 dead", b"999 result=50", b"200 result=50 endpos=x",
    b"HANGUP\nHANGUP\n200 result=0", b"200 result=\xd9\xa1", b"200 result=7\n200 result=7",
]  # fmt: skip


def rows(agi: Serving) -> tuple[int, int]:
    """Return how many tries and redemptions there are."""
    with agi.world.db.read() as session:
        counts = [
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (attempt, redemption)
        ]
    return int(counts[0]), int(counts[1])


def call_with(agi: Serving, told: bytes, answer: bytes) -> None:
    """Make a call that tells this of itself, answers everything alike, and then goes."""
    with (
        contextlib.suppress(ConnectionError),
        socket.create_connection(("127.0.0.1", agi.port), 20) as line,
    ):
        line.settimeout(20)
        line.sendall(b"agi_network_script: " + told + b"\nagi_callerid: " + told + b"\n\n")
        line.sendall((answer + b"\n") * 4)
        with contextlib.suppress(OSError):  # it may have hung up already
            line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass


def test_hostile_words_of_an_exchange_end_only_its_own_call(
    agi: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: call_with(agi, text, text), TEXTS))
        list(pool.map(lambda answer: call_with(agi, b"8613800000001", answer), ANSWERS))
    assert rows(agi) == (0, 0)
    assert "turn_failed" not in capsys.readouterr().out
    Exchange(agi.port, [*to_confirm(agi.world), "#", "."]).call()
    assert rows(agi) == (0, 1)


def test_keys_that_are_no_pin_get_the_verdict_of_every_other_door(agi: Serving) -> None:
    """A telephone has twelve keys: of the hostile inputs these are what it can press."""
    plan = ["2", "1", f"{agi.world.account()}#", "1"]
    for keys in ("9" * 17, "9" * 19, "9" * 60, "1", "12345678901234567"):
        call = Exchange(agi.port, [*plan, f"{keys}#", "!"]).call()
        assert "pin_malformed" in files(call), keys
    assert rows(agi)[1] == 0
