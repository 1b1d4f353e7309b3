"""A worker redeems before its framework is loaded, and ends where that cannot be loaded."""

import asyncio
import fcntl
import http.client
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import msgspec
import pyrage
import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api import framework as framework_module
from api.app import create_app
from api.edge import Message
from api.fast_lane import BULK_PATH
from api.framework import Framework
from api.health import LIVE_PATH, READY_PATH
from api.metrics import Metrics
from api.runtime import running
from api.server import assemble
from api.upkeep import rounds, upkeep
from core import keyfile
from core.clock import system_clock
from core.db import Database
from core.errors import ConfigurationError
from core.keyfile import Keys
from core.settings import Settings
from distribution.parties import seed_warehouse
from migrations import schema
from staff.tables import approval
from tests.api.serving import serving
from tests.api.world import World
from tests.clocks import FakeClock
from tests.conftest import EmptyDatabaseMaker
from tests.factories import make_member
from vouchers import key_rotation
from vouchers.pins import draw
from vouchers.printers import request_printer

_NOT_WAITED_FOR = ("alembic", "fakeredis", "limits", "litestar", "phonenumbers", "redis", "yaml")

# Stands in the place of the framework and lets nobody past while the test holds the lock.
_GATE = """
import fcntl, importlib, sys
with open({gate!r}) as gate:
    fcntl.flock(gate, fcntl.LOCK_SH)
if {damaged}:
    raise ImportError("the framework is damaged")
sys.path.remove({place!r})
del sys.modules["litestar"]
importlib.import_module("litestar")
"""


@dataclass
class Gate:
    """Where the loading of the framework stops until it is opened."""

    file: int
    environ: dict[str, str]

    def open(self) -> None:
        """Let it go on."""
        fcntl.flock(self.file, fcntl.LOCK_UN)


@contextmanager
def gated(scratch: Path, damaged: bool = False) -> Generator[Gate]:
    """Make a gate that is closed; without the test nothing is held up for ever."""
    place, gate = scratch / "place", scratch / "gate"
    place.mkdir()
    source = _GATE.format(gate=str(gate), place=str(place), damaged=damaged)
    (place / "litestar.py").write_text(source)
    with gate.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield Gate(held.fileno(), {"PYTHONPATH": str(place)})


def asked(url: str, path: str, headers: dict[str, str]) -> http.client.HTTPConnection:
    """Send a request without waiting for its answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    return connection


def test_a_worker_is_ready_and_redeems_before_the_framework_is_loaded_and_others_wait_for_it(
    world: World, scratch: Path
) -> None:
    account, debtor = world.account(), world.account(owes_fen=100)
    [slow] = world.cards(1, settings=world.db.settings)
    pins = (world.card().pin.digits, slow.pin.digits, draw().digits, "680419129695212190")
    items = [
        {"key": f"first {place} {debtor}", "pin": pin, "account_number": debtor, "caller": "first"}
        for place, pin in enumerate(pins)
    ]
    body = msgspec.json.encode({"items": items})
    wanted = world.as_partner() | {"Content-Type": "application/json"}
    with (
        gated(scratch) as gate,
        serving(world.db.settings, scratch / "log", environ=gate.environ) as server,
        closing(asked(server.url, f"/api/v1/accounts/{account}", world.as_partner())) as waiting,
        closing(asked(server.url, READY_PATH, {})) as watching,
        closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)) as partner,
    ):
        ready = watching.getresponse()
        assert (ready.status, msgspec.json.decode(ready.read())["status"]) == (200, "ready")
        for expected in ([201, 201, 422, 422], [200, 200, 422, 422]):
            partner.request("POST", BULK_PATH, body, wanted)
            told = msgspec.json.decode(partner.getresponse().read())
            assert [one["status"] for one in told["answers"]] == expected
        gate.open()
        answer = waiting.getresponse()
        assert answer.status == 200
        assert msgspec.json.decode(answer.read())["account_number"] == account


def test_a_worker_that_cannot_load_the_framework_refuses_those_who_wait_and_ends(
    world: World, scratch: Path
) -> None:
    log = scratch / "log"
    with (
        gated(scratch, damaged=True) as gate,
        serving(world.db.settings, log, environ=gate.environ) as server,
        closing(asked(server.url, "/schema", {})) as waiting,
    ):
        gate.open()
        answer = waiting.getresponse()
        told = msgspec.json.decode(answer.read())
        assert (answer.status, told["code"]) == (503, "try_later")
        assert answer.headers["Retry-After"] == "1"
        waiting.close()
        assert server.process.wait(60) == 1  # those that replaced it ended, too
    said = log.read_text("utf-8")
    assert "framework_failed" in said
    assert "the framework is damaged" in said
    assert "Traceback" not in said


def test_a_request_waits_for_the_framework_for_so_long_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(framework_module, "WAIT_S", 0)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads the request")

    asyncio.run(Framework().answer({"type": "http"}, receive, send))
    assert (sent[0]["status"], msgspec.json.decode(sent[1]["body"])["code"]) == (503, "try_later")


def test_a_start_loads_nothing_that_no_card_needs() -> None:
    look = f"import api.server, sys; print([n for n in {_NOT_WAITED_FOR} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", [LIVE_PATH, READY_PATH])
def test_health_is_told_alike_with_the_framework_and_without(
    world: World, scratch: Path, path: str
) -> None:
    with TestClient(create_app(world.db.settings)) as client:
        late = client.get(path)
    with (
        serving(world.db.settings, scratch / "log") as server,
        closing(asked(server.url, path, {})) as connection,
    ):
        early = connection.getresponse()
        content = early.read()
    assert (early.status, content) == (late.status_code, late.content)
    assert early.headers["Content-Type"] == late.headers["Content-Type"]
    assert early.headers["Cache-Control"] == "no-store"


def test_a_worker_that_must_not_run_says_why_in_a_line(world: World, scratch: Path) -> None:
    foreign = replace(world.db.settings, key_file=scratch / "foreign.json")
    keyfile.create(foreign.key_file)
    [told] = asyncio.run(_life_of(foreign))
    assert told["type"] == "lifespan.startup.failed"
    assert "the key file is not this database's" in told["message"]


async def _life_of(settings: Settings) -> list[Message]:
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        told.append(message)

    await assemble(settings)({"type": "lifespan"}, receive, send)
    return told


def test_nothing_but_redemptions_is_served_without_a_warehouse(
    make_empty_database: EmptyDatabaseMaker, keys: Keys
) -> None:
    db = make_empty_database("sqlite")
    schema.upgrade(db)
    with db.write() as session:
        key_rotation.register(session, keys.get())
    with pytest.raises(ConfigurationError, match="warehouse"):
        asyncio.run(_kept_up(db.settings))


async def _kept_up(settings: Settings) -> None:
    async with running(settings, system_clock, Metrics()) as runtime, upkeep(runtime):
        raise AssertionError("it works without a warehouse")


def test_the_first_round_comes_at_once(db: Database, clock: FakeClock) -> None:
    with db.write() as session:
        holder_id = seed_warehouse(session)
        key = str(pyrage.x25519.Identity.generate().to_public())
        approval_id = request_printer(session, make_member(session, "issuer"), "Works", "1", key)
    clock.advance(days=8)
    ended = Event()
    ended.set()
    rounds(db, holder_id, ended)
    with db.read() as session:
        state = session.execute(select(approval.c.state).where(approval.c.id == approval_id))
        assert state.scalar_one() == "void"
