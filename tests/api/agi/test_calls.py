"""Calls by FastAGI, led by the real server and made by an exchange that knows nothing of it."""

import socket
import threading
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from api.agi.call import caller_of
from api.agi.server import networks
from core.db import Database
from core.errors import ConfigurationError
from core.tables import outbox
from redemption.tables import attempt, redemption
from tests.api.agi.conftest import Serving, serving
from tests.api.agi.exchange import Exchange
from tests.api.world import World
from tests.clocks import FakeClock
from tests.redemption.cards import Card
from vouchers.pins import draw
from vouchers.serials import serial_text


def redeemed(db: Database) -> list[tuple[str, str]]:
    """Return serial and caller of every redemption."""
    with db.read() as session:
        rows = session.execute(select(redemption.c.serial, redemption.c.caller))
        return [(serial_text(row.serial), row.caller) for row in rows]


def receipts(db: Database) -> list[str]:
    """Return whom receipts went to."""
    with db.read() as session:
        query = select(outbox.c.recipient).where(outbox.c.kind == "receipt")
        return list(session.execute(query).scalars())


def files(call: Exchange) -> list[str]:
    """Return the sounds of a call without their directories."""
    return [sound.rpartition("/")[2] for sound in call.heard]


def to_confirm(world: World, card: Card | None = None) -> list[str]:
    """Press what leads a caller to the last question, in English."""
    pin = (card or world.card()).pin
    return ["2", "1", f"{world.account()}#", "1", f"{pin.digits}#"]


def test_a_whole_call_redeems_with_keys_that_interrupt_the_prompts(agi: Serving) -> None:
    card = agi.world.card()
    call = Exchange(agi.port, [*to_confirm(agi.world, card), "#", ".", "."]).call()
    assert redeemed(agi.world.db) == [(serial_text(card.serial), "tel:+8613800000001")]
    assert receipts(agi.world.db) == ["+8613800000001"]
    assert call.heard[:2] == ["wanneng/zh/welcome", "wanneng/en/menu"]
    assert files(call)[2] == "account"
    # The confirmed account was cut off after its first clip, the sums of the end were all played.
    assert "done-2" in files(call) and "n-50" in files(call)
    assert "200 result=50 endpos=19040" in call.transcript[3]


def test_who_listens_to_the_end_redeems_too(agi: Serving) -> None:
    card = agi.world.card()
    plan = [
        "~2", "~1", f"~{agi.world.account()}#", "~1", f"~{card.pin.digits}#", "~#",
    ]  # fmt: skip
    call = Exchange(agi.port, plan).call()
    assert len(redeemed(agi.world.db)) == 1
    assert files(call)[-1] == "goodbye"  # nobody presses anything any more
    assert [line for line in call.transcript if "WAIT FOR DIGIT 8000" in line]


def test_silence_speaks_chinese(agi: Serving) -> None:
    call = Exchange(agi.port, [".", "*", "!"]).call()
    assert "wanneng/zh/menu" in call.heard


@pytest.mark.parametrize("last", ["!", "*", "0", "1"])
def test_only_the_last_hash_redeems(agi: Serving, last: str) -> None:
    Exchange(agi.port, [*to_confirm(agi.world), last, "!"]).call()
    assert redeemed(agi.world.db) == []
    assert receipts(agi.world.db) == []


def test_hanging_up_right_behind_the_hash_redeems_exactly_once(agi: Serving) -> None:
    call = Exchange(agi.port, [*to_confirm(agi.world), "#", "?"]).call()
    assert len(redeemed(agi.world.db)) == 1
    assert receipts(agi.world.db) == ["+8613800000001"]
    assert call.transcript[-2:] == ["> HANGUP", "> 200 result=35 endpos=19040"]


@pytest.mark.parametrize("length", range(1, 8))
def test_a_caller_may_hang_up_at_any_point(agi: Serving, length: int) -> None:
    plan = to_confirm(agi.world)
    card_keys = ["2", "1", plan[2], "1", plan[4][:9], "!"]
    Exchange(agi.port, [*card_keys[: length - 1], "!"]).call()
    assert redeemed(agi.world.db) == []
    with agi.world.db.read() as session:
        assert session.execute(select(func.count()).select_from(attempt)).scalar_one() == 0
    # The line is free again.
    assert Exchange(agi.port, ["0"]).call().heard


@pytest.mark.parametrize("last", ["#", "_#"])
def test_a_hash_behind_all_digits_does_not_answer_the_next_question(
    agi: Serving, last: str
) -> None:
    """Whoever types 18 digits and then the hash, as told, even late, has not confirmed yet."""
    card = agi.world.card()
    plan = ["2", "1", f"{agi.world.account()}#", "1", card.pin.digits, last, ".", "!"]
    call = Exchange(agi.port, plan).call()
    assert "confirm-1" in files(call)
    assert redeemed(agi.world.db) == []


def test_star_goes_back_at_once_and_clears_what_was_typed(agi: Serving) -> None:
    card = agi.world.card()
    account = agi.world.account()
    plan = ["2", "1", "*", "1", "99*", f"{account}#", "1", "12*", f"{card.pin.digits}#", "#", "."]
    call = Exchange(agi.port, plan).call()
    assert len(redeemed(agi.world.db)) == 1
    assert Counter(files(call))["menu"] >= 2
    assert Counter(files(call))["cleared"] == 2


def test_a_wrong_pin_is_told_and_counted_and_the_third_ends_the_call(agi: Serving) -> None:
    wrong = [f"{draw().digits}#" for _ in range(3)]
    plan = ["2", "1", f"{agi.world.account()}#", "1", *wrong]
    call = Exchange(agi.port, plan).call()
    assert files(call).count("pin_unknown-1") == 3
    assert files(call)[-1] == "goodbye"
    with agi.world.db.read() as session:
        assert session.execute(select(func.count()).select_from(attempt)).scalar_one() == 3


def test_who_asks_for_a_person_is_handed_to_the_dialplan(agi: Serving) -> None:
    call = Exchange(agi.port, ["1", "0"]).call()
    assert call.variables == {"WANNENG_OPERATOR": "1"}
    assert call.heard[-1].startswith("wanneng/zh/n-")  # the hotline's digits


def test_a_missing_file_is_passed_over(agi: Serving) -> None:
    missing = frozenset({"wanneng/en/menu"})
    call = Exchange(agi.port, ["2", ".", ".", "."], missing=missing).call()
    assert files(call)[-1] == "goodbye"
    assert any("CHANNEL STATUS" in line for line in call.transcript)


def test_ten_calls_race_for_one_card(agi: Serving) -> None:
    card = agi.world.card()
    calls = [
        Exchange(agi.port, [*to_confirm(agi.world, card), "#", "."], number=f"861370000{n:04d}")
        for n in range(10)
    ]
    threads = [threading.Thread(target=call.call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(redeemed(agi.world.db)) == len(receipts(agi.world.db)) == 1
    told = Counter("done-2" in files(call) for call in calls)
    assert told == {True: 1, False: 9}
    # "This card was already used on ...": the same clip, whoever used it.
    assert sum("used_by_you-1" in files(call) for call in calls) == 9


# -- who may call


def test_only_named_exchanges_and_so_many_lines(world: World, clock: FakeClock) -> None:
    strict = replace(world.db.settings, agi_peers="10.0.0.0/8")
    with serving(strict, clock) as port:
        assert Exchange(port, []).call().was_cut
    with serving(replace(world.db.settings, agi_lines=0), clock) as port:
        assert Exchange(port, []).call().was_cut
    with pytest.raises(ConfigurationError):
        networks("localhost")


def test_a_secret_must_be_given_where_there_is_one(world: World, clock: FakeClock) -> None:
    with serving(replace(world.db.settings, agi_secret="s3cret"), clock) as port:
        assert Exchange(port, []).call().was_cut
        assert Exchange(port, [], script="ivr?k=wrong").call().was_cut
        assert Exchange(port, ["0"], script="ivr?k=s3cret").call().heard


@pytest.mark.parametrize(
    ("number", "presentation", "wanted"),
    [
        ("8613800000001", "0", "8613800000001"),
        ("8613800000001", "32", ""),
        ("unknown", "67", ""),
        ("unknown", "0", ""),
        ("8613800000001", "x", "8613800000001"),
    ],
)
def test_a_number_that_is_withheld_is_not_used(number: str, presentation: str, wanted: str) -> None:
    assert caller_of({"agi_callerid": number, "agi_callingpres": presentation}) == wanted


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfe\x00\n" * 50 + b"\n", b"x" * 100_000, b"GET / HTTP/1.1\r\n\r\n", b"\n", b"",
     b"agi_callerid: 1\n" * 500],
)  # fmt: skip
def test_garbage_ends_only_its_own_line(agi: Serving, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", agi.port), 20) as line:
        line.settimeout(20)
        line.sendall(garbage)
        line.shutdown(socket.SHUT_WR)
        try:
            while line.recv(4096):
                pass
        except ConnectionError:
            pass
    assert Exchange(agi.port, ["0"]).call().heard
