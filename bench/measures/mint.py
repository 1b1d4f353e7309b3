"""Where cards are really generated: a database with people and a printer, and no cards yet."""

from dataclasses import dataclass

from bench import world
from bench.lab import Lab
from bench.making import order
from bench.people import People, settle_in
from cli.init import prepare
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings

BATCHES = 10


@dataclass(frozen=True)
class Mint:
    """The database, and who makes cards in it."""

    name: str
    settings: Settings
    db: Database
    keys: Keys
    people: People

    def ordered(self, cards: int, batches: int = BATCHES) -> list[int]:
        """Order so many cards and have the second person agree; return the batches."""
        return [order(self.db, self.people, cards // batches) for _ in range(batches)]


def mint(lab: Lab, name: str) -> Mint:
    """Make a mint in a new database."""
    lab.shown(f"{name}: schema and people")
    settings = world.settings_for(lab.postgres.create(name), lab.directory(name))
    db, keys = Database(settings), Keys(settings.key_file)
    lab.stack.callback(db.dispose)
    prepare(db, keys)
    return Mint(name, settings, db, keys, settle_in(db, keys))
