"""Everything that sides work with: the server, the worlds, each built when it is first needed."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import history, machine, postgres, world
from bench.errors import CannotMeasure
from bench.flavours import BARE, Flavour
from bench.making import Progress
from bench.plan import Plan
from bench.postgres import Postgres
from bench.reference import Reference
from bench.server import Server, serving
from bench.world import Size, World
from core.settings import Settings
from tests.servers import NoServer, RedisServer, start_redis

Shown = Callable[[str], Progress]
"""Begins a new step; what it returns is told (done, in all)."""

CARDS, MANY_CARDS = 1_000_000, 10_000_000
SHARE_ON_SALE = 0.5
"""Of the large world; the rest waits at outlets for its activation."""
_NEEDED_BYTES = 30 << 30


@dataclass
class Lab:
    """One run's place of work.

    `facts` holds what earlier sides found, for later ones; `kept` what a side made for all rounds.
    """

    plan: Plan
    root: Path
    shown: Shown
    stack: ExitStack
    queue_limit: int | None = None
    with_redis: bool = False
    warming: bool = False
    round: int = 0
    facts: dict[str, float] = field(default_factory=dict)
    worlds: dict[str, World] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    past: dict[str, int] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def postgres(self) -> Postgres:
        """The private server; durable, on a disk."""
        running = postgres.running(self.root / "pg", self.plan.memory_bytes)
        return self.stack.enter_context(running)

    @property
    def uses_postgres(self) -> bool:
        """Whether any side has asked for it."""
        return "postgres" in self.__dict__

    @property
    def runs(self) -> int:
        """How often a side runs: the rounds, and one to warm up."""
        return self.plan.rounds + 1

    def reference(self, flavour: Flavour = BARE) -> Reference:
        """The hand-written function, with as many cards as the small world."""
        name = flavour.database
        if name not in self.references:
            cards = self.plan.cards(CARDS)
            self.shown(f"the reference ({name}): {cards:,} cards")
            made = Reference(self.postgres, flavour, cards, self.plan.accounts, self.root)
            made.build()
            self.references[name] = made
        return self.references[name]

    def small(self) -> World:
        """The world of 1M cards, all on sale."""
        return self._world(
            "small", Size.of(self.plan.cards(CARDS), self.plan.outlets), self.plan.accounts
        )

    def large(self, redemptions: int = 0) -> World:
        """The world of 10M cards, half of them on sale, with so many redemptions of the past."""
        size = Size.of(self.plan.cards(MANY_CARDS), self.plan.outlets, SHARE_ON_SALE)
        found = self._world("large", size, self.plan.accounts)
        wanted = self.plan.cards(redemptions, 0)
        if wanted > self.past.get("large", 0):
            history.grow(found, wanted, self.shown(f"large: {wanted:,} redemptions of the past"))
            self.past["large"] = wanted
            self.postgres.run("VACUUM ANALYZE", found.name)
        return found

    def server(self, of: World) -> Server:
        """The product's server on a world; it keeps running until the end."""
        if of.name not in self.servers:
            log = self.root / f"{of.name}.log"
            running = serving(self.settings(of), log, self.plan.workers)
            self.servers[of.name] = self.stack.enter_context(running)
        return self.servers[of.name]

    def settings(self, of: World) -> Settings:
        """The settings of a world's server: the product's own, but for what a run changes."""
        settings = of.settings
        if self.queue_limit is not None:
            settings = replace(settings, queue_limit=self.queue_limit)
        if self.plan.workers > 1 or self.with_redis:
            settings = replace(settings, redis_url=self.redis.url())
        return settings

    @cached_property
    def redis(self) -> RedisServer:
        """A private Redis-protocol server; several workers share it."""
        try:
            server = start_redis(self.root / "kv")
        except NoServer as error:
            raise CannotMeasure(str(error)) from error
        self.stack.callback(server.stop)
        return server

    def checkpoint(self) -> None:
        """Write out what earlier sides left, so that none pays for another."""
        if self.uses_postgres:
            self.postgres.checkpoint()

    def check(self) -> None:
        """Raise CheckFailed unless all worlds hold what was acknowledged, and every invariant."""
        for name, found in self.worlds.items():
            expected = found.acknowledged + self.past.get(name, 0)
            world.check(found, expected, self.shown(f"{name}: audit"))
        for reference in self.references.values():
            reference.check()

    def _world(self, name: str, size: Size, accounts: int) -> World:
        if name not in self.worlds:
            cards = size.batches * size.batch_cards
            url = self.postgres.create(name)
            settings = world.settings_for(url, self.directory(name))
            progress = self.shown(f"{name}: {cards:,} cards")
            made = world.build(name, settings, self.plan.seed, size, accounts, progress)
            self.stack.callback(made.db.dispose)
            self.postgres.run("VACUUM ANALYZE", name)
            self.worlds[name] = made
        return self.worlds[name]

    def directory(self, name: str) -> Path:
        """Return a new directory of our own for a world's files."""
        made = self.root / name
        made.mkdir(mode=0o700)
        return made


@contextmanager
def opened(plan: Plan, shown: Shown) -> Iterator[Lab]:
    """Make a place of work on the plan's disk; everything in it ends and goes at the end."""
    machine.check_disk(plan.directory)
    if plan.scale >= 1 and shutil.disk_usage(plan.directory).free < _NEEDED_BYTES:
        raise CannotMeasure(f"{plan.directory} needs {_NEEDED_BYTES >> 30} GiB of free space")
    root = Path(tempfile.mkdtemp(prefix="wanneng-bench-", dir=plan.directory))
    root.chmod(0o711)  # PostgreSQL passes through as another user
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        yield Lab(plan, root, shown, stack)
