"""Worlds: databases full of cards, customers and history, valid to the last invariant."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from accounts.importing import import_accounts, import_bills
from audit.verify import verify
from bench import making
from bench.deck import Deck, Supply
from bench.errors import expect
from bench.making import MadeBatch, Progress
from bench.people import OUTLETS, People, settle_in
from cli.init import prepare
from core.clock import system_clock
from core.db import Database
from core.keyfile import Keys
from core.settings import Settings
from redemption.senders import add_partner
from redemption.tables import redemption
from vouchers.serials import CARDS_PER_BATCH

PARTNER = "bench"
FIRST_ACCOUNT = 4_200_000_000
OWING_EACH = 10
"""Every so manieth account owes more than the bench ever pays in."""

_SET_UP = timedelta(days=30)
_BILL_YUAN = 9_000_000
_TRIES = 1_000_000_000


@dataclass
class World:
    """One database with its cards; `supply` holds the active cards that nobody used yet."""

    name: str
    settings: Settings
    db: Database
    keys: Keys
    deck: Deck
    people: People
    accounts: int
    partner_key: str = field(repr=False)
    supply: Supply
    active: Sequence[MadeBatch] = ()
    shelved: Sequence[MadeBatch] = ()
    acknowledged: int = 0
    unanswered: int = 0

    def account(self, number: int) -> str:
        """Return the number of an electricity account, counted from 0."""
        return str(FIRST_ACCOUNT + number % self.accounts)


@dataclass(frozen=True)
class Size:
    """How many batches of how many cards a world has, how many are on sale, at how many outlets."""

    batches: int
    batch_cards: int
    on_sale: int
    outlets: int

    @classmethod
    def of(cls, cards: int, outlets: int, share_on_sale: float = 1.0) -> "Size":
        """Return so many cards in full batches, or in ten small ones."""
        batches = max(10, cards // CARDS_PER_BATCH)
        return cls(batches, cards // batches, round(batches * share_on_sale), outlets)


def build(
    name: str, settings: Settings, seed: int, size: Size, accounts: int, progress: Progress
) -> World:
    """Fill an empty database; everything happened thirty days ago, so history fits in between."""
    past = Database(settings, _ago(_SET_UP))
    keys = Keys(settings.key_file)
    try:
        prepare(past, keys)
        people = settle_in(past, keys)
        _import_customers(past, accounts)
        deck = Deck(seed)
        batches = making.make_batches(past, keys, people, [size.batch_cards] * size.batches)
        making.write_cards(past, keys, deck, batches, progress)
        active, shelved = batches[: size.on_sale], batches[size.on_sale :]
        _distribute(past, keys, people, active, shelved, OUTLETS[: size.outlets])
        partner_key = past.transact(
            lambda session: add_partner(session, people.admin, PARTNER, _TRIES)
        )
    finally:
        past.dispose()
    return World(
        name=name,
        settings=settings,
        db=Database(settings),
        keys=keys,
        deck=deck,
        people=people,
        accounts=accounts,
        partner_key=partner_key,
        supply=Supply([range(m.first_number, m.first_number + m.cards.count) for m in active]),
        active=active,
        shelved=shelved,
    )


@contextmanager
def opened(make: Callable[[], World]) -> Iterator[World]:
    """Make a world and close its connections at the end."""
    world = make()
    try:
        yield world
    finally:
        world.db.dispose()


def settings_for(url: str, directory: Path) -> Settings:
    """Return the product's default settings but for the places of its data."""
    return replace(Settings(), database_url=url, key_file=directory / "keys.json")


def check(world: World, redemptions: int, progress: Progress | None = None) -> None:
    """Raise CheckFailed unless the database holds so many redemptions and every invariant."""
    with world.db.read() as session:
        if not session.is_sqlite:
            session.execute(text("SET LOCAL statement_timeout = 0"))
        found = session.execute(select(func.count()).select_from(redemption)).scalar_one()
    expect(
        redemptions <= found <= redemptions + world.unanswered,
        f"world {world.name}: {redemptions} redemptions were acknowledged, {found} are stored",
    )
    for result in verify(world.db, progress):
        what = ", ".join(f"{item.subject} {dict(item.facts)}" for item in result.offences)
        expect(result.holds, f"world {world.name}: {result.invariant.code} is broken: {what}")


def _ago(span: timedelta) -> Callable[[], datetime]:
    return lambda: system_clock() - span


def _import_customers(db: Database, count: int) -> None:
    lines = ["account_number,holder_name,class,phone,region"]
    lines += [f"{FIRST_ACCOUNT + i},客户{i},residential,,4201" for i in range(count)]
    done = import_accounts(db, io.BytesIO("\n".join(lines).encode()))
    expect(done.imported == count, "the accounts were not imported")
    due = (db.clock() - timedelta(days=40)).date().isoformat()
    bills = ["account_number,bill_number,period,principal,due_on"]
    owing = range(0, count, OWING_EACH)
    bills += [f"{FIRST_ACCOUNT + i},B{i},2025-01,{_BILL_YUAN}.00,{due}" for i in owing]
    done = import_bills(db, io.BytesIO("\n".join(bills).encode()))
    expect(done.imported == len(owing), "the bills were not imported")


def _distribute(
    db: Database,
    keys: Keys,
    people: People,
    active: Sequence[MadeBatch],
    shelved: Sequence[MadeBatch],
    outlets: Sequence[str],
) -> None:
    for made in active:
        making.ship(db, keys, people, made)
        making.sell(db, people, made, outlets)
    for number, made in enumerate(shelved):
        making.ship(db, keys, people, made)
        making.shelve(db, people, made, outlets[number % len(outlets)])
