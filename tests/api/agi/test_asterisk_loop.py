"""Calls of a real Asterisk, where the program is installed: one leg rings, the other is led."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.db import Database
from core.keyfile import Keys
from redemption.dialogue.audio import DIRECTORY
from tests.api.agi.conftest import Serving, serving
from tests.api.agi.test_calls import receipts, redeemed, to_confirm
from tests.api.smpp.test_smpp import until
from tests.api.world import furnish
from tests.clocks import FakeClock

MODULES = "res_speech res_agi pbx_config pbx_spool app_senddtmf func_cut func_logic format_wav"
MODULE_PLACES = ("usr/lib/x86_64-linux-gnu/asterisk/modules", "usr/lib/asterisk/modules")
DATA_PLACES = ("usr/share/asterisk/documentation", "var/lib/asterisk/documentation")
DIALPLAN = """
[recharge]
exten => 95598,1,Answer()
 same => n,AGI(agi://127.0.0.1:{port}/ivr?k=s3cret)
 same => n,Hangup()
[caller]
exten => s,1,Set(i=1)
 same => n(loop),GotoIf($[${{i}} > ${{STEPS}}]?end)
 same => n,Wait(1.5)
 same => n,SendDTMF(${{CUT(KEYS,-,${{i}})}},120,120)
 same => n,Set(i=$[${{i}} + 1])
 same => n,Goto(loop)
 same => n(end),Wait(1)
 same => n,Hangup()
"""


def binary() -> str:
    """Return where Asterisk is, or skip the test and say what to install."""
    found = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("NO asterisk HERE: install your system's package (Debian 12 has none)")
    return found


def installed(places: Sequence[str]) -> Path:
    """Return the first of these directories; `ASTERISK_ROOT` is where they are below, if not /."""
    found = [Path(os.environ.get("ASTERISK_ROOT", "/"), place) for place in places]
    return next((place for place in found if place.exists()), found[0])


@contextlib.contextmanager
def exchange(port: int, directory: Path) -> Iterator[Path]:
    """Run an Asterisk that leads calls to 95598 to our server; return where call files go."""
    program, calls = binary(), directory / "outgoing"
    for name in ("etc", "run", "log", "lib", "outgoing", "tmp", "sounds"):
        (directory / name).mkdir(mode=0o700)
    (directory / "sounds" / "wanneng").symlink_to(DIRECTORY)
    (directory / "documentation").symlink_to(installed(DATA_PLACES))
    places = {
        "astetcdir": "etc", "astvarlibdir": "lib", "astdbdir": "lib", "astkeydir": "lib",
        "astdatadir": ".", "astagidir": "lib", "astspooldir": ".", "astrundir": "run",
        "astlogdir": "log", "astcachedir": "lib",
    }  # fmt: skip
    lines = [f"{name} => {directory / place}" for name, place in places.items()]
    config = directory / "etc" / "asterisk.conf"
    config.write_text(
        "\n".join(["[directories]", f"astmoddir => {installed(MODULE_PLACES)}", *lines]) + "\n"
    )
    loaded = "\n".join(f"load = {name}.so" for name in MODULES.split())
    (directory / "etc" / "modules.conf").write_text(f"[modules]\nautoload = no\n{loaded}\n")
    (directory / "etc" / "extensions.conf").write_text(DIALPLAN.format(port=port))
    with (directory / "log" / "out").open("wb") as output:
        process = subprocess.Popen(
            [program, "-C", str(config), "-f", "-n"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            until(
                lambda: (directory / "run" / "asterisk.ctl").exists() or process.poll() is not None
            )
            assert process.poll() is None, (directory / "log" / "out").read_text("utf-8", "replace")
            yield calls
        finally:
            process.terminate()
            process.wait(20)


def ring(calls: Path, number: str, keys: Sequence[str]) -> None:
    """Make a call that presses these keys while prompts are played, and wait for its end."""
    facts = {
        "Channel": "Local/95598@recharge/n", "CallerID": f"<{number}>", "Context": "caller",
        "Extension": "s", "Priority": "1",
    }  # fmt: skip
    lines = [f"{name}: {value}" for name, value in facts.items()]
    lines += [f"Setvar: KEYS={'-'.join(keys)}", f"Setvar: STEPS={len(keys)}"]
    made = calls.parent / "tmp" / "one.call"
    made.write_text("\n".join(lines) + "\n")
    made.rename(calls / "one.call")
    until(lambda: not (calls / "one.call").exists())


@pytest.fixture
def agi(sqlite_db: Database, keys: Keys, clock: FakeClock) -> Iterator[Serving]:
    """The server, with a secret for its exchange; the database is no part of this loop."""
    binary()
    world = furnish(sqlite_db, keys)
    with serving(replace(world.db.settings, agi_secret="s3cret"), clock) as port:
        yield Serving(world, port)


def test_a_real_exchange_leads_a_redemption_with_keys_that_interrupt_prompts(
    agi: Serving, scratch: Path
) -> None:
    with exchange(agi.port, scratch) as calls:
        ring(calls, "8613800000001", to_confirm(agi.world))
        assert redeemed(agi.world.db) == []
        ring(calls, "8613800000001", [*to_confirm(agi.world), "#"])
        until(lambda: bool(redeemed(agi.world.db)))
    assert len(redeemed(agi.world.db)) == 1
    assert receipts(agi.world.db) == ["+8613800000001"]
