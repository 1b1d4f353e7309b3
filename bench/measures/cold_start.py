"""S12: from nothing to the first answer, and to the help, against importing the framework alone."""

import subprocess
import sys
import time

from bench import server, world
from bench.errors import expect
from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from cli.init import prepare
from core.db import Database
from core.keyfile import Keys

_NAME = "start"
_PAUSE_S = 0.005


def _prepare(lab: Lab) -> None:
    directory = lab.directory(_NAME)
    settings = world.settings_for(f"sqlite:///{directory}/bench.db", directory)
    db = Database(settings)
    prepare(db, Keys(settings.key_file))
    db.dispose()


def _run_server(lab: Lab) -> Sample:
    directory = lab.root / _NAME
    settings = world.settings_for(f"sqlite:///{directory}/bench.db", directory)
    log = directory / "server.log"
    started = time.perf_counter()
    running = server.start(settings, log)
    try:
        server.wait_until_it_answers(running, log, _PAUSE_S)
        seconds = time.perf_counter() - started
    finally:
        server.stop(running)
    return Sample(seconds)


def _timed(*arguments: str) -> Sample:
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], capture_output=True, check=False
    )
    seconds = time.perf_counter() - started
    expect(done.returncode == 0, f"{arguments} failed")
    return Sample(seconds)


_IMPORT = Side("import litestar", lambda _lab: _timed("-c", "import litestar"))
MEASURES = (
    Measure(
        code="S12",
        title="cold start of the server to its first answer, over importing the framework",
        unit="s",
        over=Side("server", _run_server, _prepare),
        under=_IMPORT,
        floor=3,
        goal=2,
        lower_is_better=True,
    ),
    Measure(
        code="S12-help",
        title="`wanneng --help`, over importing the framework",
        unit="s",
        over=Side("help", lambda _lab: _timed("-m", "cli", "--help")),
        under=_IMPORT,
        floor=3,
        goal=2,
        lower_is_better=True,
    ),
)
