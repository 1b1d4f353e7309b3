"""What a run of the benchmark shall do: how often, how large, where, and when it refuses."""

from dataclasses import dataclass, field
from pathlib import Path

HOME = Path(__file__).parent
LEAST_ROUNDS = 5
"""Rounds below which a run is not a complete one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The settings of one run; the defaults are the real thing, `toy()` is for tests.

    `scale` shrinks all numbers of cards; each batch is sold at so many `outlets`. `load_limit` is
    the share of the machine that others may use, fixed before the run; None never refuses, and then
    nothing is a measurement. `overload_queue_limit` changes the server's own, for toys. `calls`
    telephones make `call_rounds` calls each, with `call_pause_s` between two keys.
    """

    rounds: int = LEAST_ROUNDS
    scale: float = 1.0
    outlets: int = 20
    seconds: float = 8.0
    connections: int = 128
    bulk_connections: int = 32
    workers: int = 1
    overload_connections: int = 6144
    overload_queue_limit: int | None = None
    calls: int = 200
    call_rounds: int = 2
    call_pause_s: float = 2.0
    load_limit: float | None = 0.05
    memory_bytes: int = 2 << 30
    directory: Path = Path("/var/tmp")  # noqa: S108 - a directory of our own is made in it
    results: Path = HOME / "results"
    clients: tuple[int, ...] = (1, 8, 32, 64)
    seed: int = field(default=20, repr=False)

    def cards(self, real: int, least: int = 100) -> int:
        """Return a number of cards at this run's scale, in whole hundreds."""
        return max(least, round(real * self.scale / 100) * 100)

    @property
    def accounts(self) -> int:
        """How many electricity accounts each world has."""
        return max(200, round(200_000 * self.scale))

    @property
    def is_real(self) -> bool:
        """Whether nothing was made smaller than what is promised."""
        return self.scale >= 1 and self.rounds >= LEAST_ROUNDS and self.load_limit is not None


def toy(directory: Path, results: Path) -> Plan:
    """Return a plan whose run takes seconds and whose numbers mean nothing."""
    return Plan(
        rounds=2,
        scale=0.002,
        outlets=3,
        seconds=0.3,
        connections=8,
        bulk_connections=2,
        overload_connections=48,
        overload_queue_limit=8,
        calls=10,
        call_rounds=1,
        call_pause_s=0.02,
        load_limit=None,
        memory_bytes=128 << 20,
        directory=directory,
        results=results,
        clients=(1, 4),
    )
