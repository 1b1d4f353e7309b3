"""A telephone in the terminal, at a real server over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import furnished
from tests.api.serving import serving
from tests.api.world import World
from tests.cli.terminal import Terminal
from tests.conftest import Run
from vouchers.pins import draw
from vouchers.queries import voucher_view


class Simulator:
    """Runs `wanneng simulate` against one server."""

    def __init__(self, world: World, url: str, key_file: Path, terminal: Terminal) -> None:
        self.world = world
        self._options = ("--url", url, "--key-file", key_file)
        self._terminal = terminal

    def __call__(self, what: str, *steps: str, number: str = "+8613800138001") -> list[Any]:
        """Type the steps; return the transcript."""
        done = self._terminal.json(
            "simulate", what, *self._options, "--from", number, "--script", "-",
            stdin="\n".join(steps) + "\n",
        )  # fmt: skip
        transcript: list[Any] = done["transcript"]
        return transcript

    def plain(self, what: str, *steps: str) -> Any:
        """Type the steps; return how it ended."""
        return self._terminal(
            "simulate", what, *self._options, "--script", "-", stdin="\n".join(steps) + "\n"
        )


@pytest.fixture(scope="module")
def house(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A server on a furnished SQLite database."""
    directory = tmp_path_factory.mktemp("sim")
    with (
        furnished(run, directory, "sqlite") as world,
        serving(world.db.settings, directory / "server.log") as server,
    ):
        yield world, server.url


@pytest.fixture
def simulator(
    house: tuple[World, str], scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    world, url = house
    key_file = scratch / "gateway.key"
    key_file.write_text(world.gateway.key + "\n")
    return Simulator(world, url, key_file, Terminal(world.db.settings, monkeypatch))


def words(transcript: list[Any]) -> str:
    """Return all that was said, in one text."""
    return "\n".join(f"{line['who']}: {line['words']}" for line in transcript)


@pytest.mark.parametrize(
    ("language", "said"), [("2", "50 yuan added"), ("1", "已充值50元"), (".", "已充值50元")]
)
def test_a_call_redeems_in_both_languages(simulator: Simulator, language: str, said: str) -> None:
    card, account = simulator.world.card(), simulator.world.account()
    steps = (language, "1", f"{account}#", "1", f"{card.pin.digits}#", "#", "!")
    transcript = simulator("call", *steps)
    assert said in words(transcript)
    assert "you: ******#" in words(transcript)
    assert card.pin.digits not in words(transcript)
    assert transcript[-1] == {"who": "you", "words": "(hang up)"}


@pytest.mark.parametrize(
    ("verb", "said"), [("CZ", "充值50.00元"), ("LANG EN\nTOPUP", "Top-up OK: CNY 50.00")]
)
def test_a_text_redeems_in_both_languages(simulator: Simulator, verb: str, said: str) -> None:
    card, account = simulator.world.card(), simulator.world.account()
    text = f"{verb} {account} {card.pin.digits}"
    transcript = simulator("sms", *text.split("\n"), number="+8613800138002")
    assert said in words(transcript)
    assert card.pin.digits not in words(transcript)
    again = simulator("sms", f"CZ {account} {card.pin.digits}", number="+8613800138003")
    assert "他人" in words(again)  # used by another


def test_a_locked_caller_is_told_in_call_and_text(simulator: Simulator) -> None:
    account, number = simulator.world.account(), "+8613800138004"
    texts = [f"CZ {account} {draw().digits}" for _ in range(6)]
    told = words(simulator("sms", *texts, number=number))
    assert "今日还可尝试1次" in told and "锁定" in told
    card = simulator.world.card()
    call = simulator("call", "1", "1", f"{account}#", "1", f"{card.pin.digits}#", number=number)
    assert "锁定" in words(call)


def test_a_menu_on_the_display_redeems(simulator: Simulator) -> None:
    card, account = simulator.world.card(), simulator.world.account()
    transcript = simulator("ussd", "1", "1", account, "1", card.pin.digits)
    assert "50" in transcript[-1]["words"]
    assert card.pin.digits not in words(transcript)
    with simulator.world.db.read() as session:
        assert voucher_view(session, card.serial, session.today).status == "used"


def test_for_people_it_is_one_line_for_each_that_is_said(simulator: Simulator) -> None:
    ended = simulator.plain("sms", "BZ")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "  you: BZ"
    assert ended.out.splitlines()[1].startswith("phone: 充值CZ")


def test_a_wrong_key_and_a_server_that_is_not_there_are_told(
    simulator: Simulator, scratch: Path
) -> None:
    wrong = scratch / "wrong.key"
    wrong.write_text("wnc_wrong")
    terminal = simulator._terminal
    url = str(simulator._options[1])
    refused = terminal("simulate", "sms", "--url", url, "--key-file", wrong, "--script", "-",
                       stdin="BZ\n")  # fmt: skip
    assert (refused.code, refused.error) == (1, "refused_by_server")
    assert "unauthenticated" in refused.err
    away = terminal("simulate", "call", "--url", "http://127.0.0.1:1", "--key-file", wrong)
    assert (away.code, away.error) == (3, "no_server")
    assert terminal("simulate", "call", "--url", "ftp://x", "--key-file", wrong).code == 2
