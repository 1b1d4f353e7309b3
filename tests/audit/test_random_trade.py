"""Whatever people do through the product, in any order, every invariant holds afterwards."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.as_of import latest_final
from audit.counters import roll_up
from audit.reports import catalogue
from audit.reports.catalogue import REPORTS, Wanted
from audit.verify import verify
from core.db import Database
from core.errors import DomainError
from core.keyfile import Keys
from distribution.sealed_pins import clear_expired
from distribution.till_sales import Sale
from redemption.requests import Code
from tests.audit.world import World, hand_down, open_world
from tests.clocks import FakeClock
from tests.distribution.counter import Desk, Shop
from vouchers.pins import draw
from vouchers.print_file import PrintedCard
from vouchers.serials import parse_serial, serial_text

CARDS, STEPS = 40, 140
MOVES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("keeper", "dispatch", {"to": "PROVINCE"}),
    ("keeper", "dispatch", {"to": "CITY"}),
    ("keeper", "dispatch", {"to": "OUTLET"}),
    ("seller", "dispatch", {"to": "OUTLET2"}),
    ("keeper", "receive", {}),
    ("keeper", "return", {}),
    ("seller", "activate", {}),
    ("seller", "deactivate", {}),
    ("seller", "return", {}),
    ("service", "hold", {"hold": "stolen", "reason": "burglary"}),
    ("service", "release", {"reason": "found again"}),
    ("issuer", "void", {"reason": "torn"}),
)


@pytest.mark.parametrize("seed", range(4))
def test_every_invariant_holds_after_any_moves_redemptions_and_wrong_pins(
    db: Database, keys: Keys, clock: FakeClock, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable
    with open_world(db, keys, clock) as world:
        cards = world.house.cards(CARDS)
        world.move("keeper", "take_into_stock", cards)
        hand_down(world, cards, cards[:35], cards[:30])
        world.move("seller", "activate", cards[:15])
        opening = clock.now + timedelta(minutes=2)
        clock.advance(minutes=4)
        shop = Shop(world.trade, world.house.keys)
        shop.electronic(30)
        counter = Counters(shop.desk(), cards)
        done = Counter(_step(world, cards, chance, counter) for _ in range(STEPS // 2))
        clock.advance(minutes=2)
        half_way = latest_final(clock.now)
        before = _reports(world, half_way, opening)
        roll_up(db)
        done += Counter(_step(world, cards, chance, counter) for _ in range(STEPS // 2))
        clock.advance(minutes=2)
        assert _reports(world, half_way, opening) == before
        for since in (None, opening, half_way):
            _stock_adds_up(world, since)
    broken = {r.invariant.code: r.offences for r in verify(db) if not r.holds}
    assert broken == {}, dict(done)
    assert {Code.REDEEMED, Code.PIN_UNKNOWN} <= set(done)
    assert len(set(done) & {move for _, move, _ in MOVES}) >= 4, dict(done)


def _reports(world: World, as_of: datetime, since: datetime) -> dict[str, object]:
    """All reports as of an instant, and the stock since another."""
    return {name: _report(world, name, as_of) for name in REPORTS} | {
        "stock since": _report(world, "stock", as_of, since)
    }


def _report(
    world: World, name: str, as_of: datetime, since: datetime | None = None
) -> list[dict[str, Any]]:
    wanted = Wanted(name=name, as_of=as_of, since=since)
    with world.db.read() as session:
        return catalogue.page(session, world.trade.people["finance"], wanted).lines


def _stock_adds_up(world: World, since: datetime | None) -> None:
    """Opening and in, less out, is closing, and that is what a count of the lots says."""
    now = latest_final(world.clock.now)
    stock = _report(world, "stock", now, since)
    assert {line["difference_cards"] for line in stock} == {0}
    held: Counter[str] = Counter()
    for line in _report(world, "inventory", now):
        if line["stage"] in ("stocked", "in_transit"):
            held[line["holder"]] += line["cards"]
    assert +Counter({line["holder"]: line["closing_cards"] for line in stock}) == held


@dataclass
class Counters:
    """A till, what it may sell from the shelf, and the electronic cards it sold."""

    desk: Desk
    cards: Sequence[PrintedCard]
    sold: list[Sale] = field(default_factory=list)

    def step(self, world: World, chance: random.Random) -> str:
        """Sell, confirm, take back or redeem what was sold; return what was done, or why not."""
        world.clock.advance(minutes=5)
        what = chance.choice(("sell", "sell", "serial", "confirm", "deactivate", "redeem", "clear"))
        try:
            if what == "serial":
                card = chance.choice(self.cards)
                self.desk.sell(serial=serial_text(card.serial))
            elif what == "clear":
                world.clock.advance(hours=chance.choice((0, 9)))
                clear_expired(world.db)
            elif what == "sell" or not self.sold:
                self.sold.append(self.desk.sell_electronic())
            else:
                what = self._again(world, what, chance.choice(self.sold))
        except DomainError as error:
            return error.code
        return f"till {what}"

    def _again(self, world: World, what: str, sale: Sale) -> str:
        serial = parse_serial(sale.answer["first_serial"])
        if what == "confirm":
            self.desk.confirm(sale)
        elif what == "redeem":
            answer = world.redeem(self.desk.read(sale).pin, "4200000002", "+8613800000299")
            return f"redeem: {answer.code}"
        else:
            world.trade.move_by_two("seller", "deactivate", serial, serial)
        return what


def _step(
    world: World, cards: Sequence[PrintedCard], chance: random.Random, counter: Counters
) -> str:
    """Try one thing; return what was done, or why not."""
    if chance.random() < 0.25:
        return counter.step(world, chance)
    if chance.random() < 0.4:
        known = chance.choice(cards).pin
        pin = chance.choice((known, known, known, draw(), None))
        account = f"420000000{chance.randint(1, 3)}"
        return world.redeem(pin, account, f"+86138000002{chance.randint(10, 15)}").code
    who, move, more = chance.choice(MOVES)
    first = chance.randrange(CARDS)
    try:
        world.move(who, move, cards[first : first + chance.randint(1, 6)], **more)
    except DomainError as error:
        return error.code
    return move
