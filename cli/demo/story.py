"""The story of the demo, chapter by chapter: a month of trade, then today."""

from collections.abc import Sequence
from typing import Any

from audit.verify import Result, verify
from cli.audit import audit_table
from cli.demo import beginning, returning, selling, settling, supplying, using
from cli.demo.clock import DemoClock
from cli.demo.leaving import leave
from cli.demo.making import MadeBatch
from cli.demo.people import People
from cli.demo.screen import Screen, expect
from cli.demo.stage import Cards, Stage
from cli.demo.world import World
from cli.output import Out
from core.db import Database
from core.keyfile import Keys


def tell(world: World, screen: Screen, out: Out) -> dict[str, Any]:
    """Run everything in an empty directory; return the sums. Raises DemoFailed, DomainError."""
    world.begin()
    clock = DemoClock(world.settings.zone)
    db = Database(world.settings, clock)
    try:
        return _tell(Stage(world, db, Keys(world.settings.key_file), clock, screen, out))
    finally:
        db.dispose()


def _tell(stage: Stage) -> dict[str, Any]:
    stage.screen.title(
        f"Wanneng 万能充: a month of trade with recharge cards, {stage.clock.month:%B %Y}"
    )
    people = beginning.begin(stage)
    batches = beginning.make(stage, people)
    _trade(stage, people, batches)
    files = settling.close_month(stage, people)
    settling.report(stage, people)
    receipts = using.use(stage, people, batches)
    results = _audit(stage)
    leave(stage, people, batches)
    return {
        "directory": str(stage.world.directory),
        "cards": sum(batch.plan.count for batch in batches),
        "files": files,
        "receipts": [answer.receipt_number for answer in receipts],
        "invariants": len(results),
        "holds": True,
    }


def _trade(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> None:
    cards = Cards({card.serial: card for batch in batches for card in batch.printed})
    supplying.supply(stage, people)
    selling.sell_on_credit(stage, people)
    selling.sell_at_a_till(stage, people)
    selling.sell_prepaid(stage, people)
    selling.sell_on_consignment(stage, people)
    selling.use_cards(stage, cards)
    returning.give_back(stage, people)
    returning.count_a_shelf(stage, people)
    returning.settle_up(stage, people)
    supplying.refill(stage, people)


def _audit(stage: Stage) -> list[Result]:
    stage.screen.step("wanneng audit verify: everything adds up, seen from the stored rows alone")
    results = verify(stage.db)
    stage.screen.show(audit_table(results, stage.screen.width))
    expect(all(result.holds for result in results), "an invariant is broken")
    return results
