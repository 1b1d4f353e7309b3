"""Redemptions racing with moves of the same cards leave nothing that an audit would find."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from audit.verify import verify
from core.db import Database
from core.errors import DomainError
from core.keyfile import Keys
from redemption.requests import Code
from tests.audit.world import World, hand_down, open_world
from tests.clocks import FakeClock
from vouchers.print_file import PrintedCard

CARDS, MOVES, REDEEMERS = 50, 40, 3
KINDS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("service", "hold", {"hold": "stolen", "reason": "burglary"}),
    ("service", "release", {"reason": "found again"}),
    ("seller", "deactivate", {}),
    ("seller", "activate", {}),
    ("seller", "return", {}),
    ("issuer", "void", {"reason": "torn"}),
)


def test_moves_and_redemptions_of_the_same_cards_at_once_leave_every_invariant_whole(
    db: Database, keys: Keys
) -> None:
    # The machine's own clock: what is recorded as earlier may truly have waited for its locks.
    own = Database(db.settings)
    with ExitStack() as stack:
        stack.callback(own.dispose)
        world = stack.enter_context(open_world(own, keys, FakeClock()))
        cards = world.house.cards(CARDS + 15)
        world.move("keeper", "take_into_stock", cards)
        hand_down(world, cards, cards[: CARDS + 10], cards[: CARDS + 5])
        world.move("seller", "activate", cards[:CARDS])
        with ThreadPoolExecutor(REDEEMERS + 1) as pool:
            moving = pool.submit(_move, world, cards[:CARDS])
            redeeming = [pool.submit(_redeem, world, cards[:CARDS], n) for n in range(REDEEMERS)]
            moved = moving.result()
            answers = sum((each.result() for each in redeeming), Counter[str]())
        results = verify(own)
    assert {r.invariant.code: r.offences for r in results if not r.holds} == {}
    assert 1 <= answers[Code.REDEEMED] <= CARDS, answers
    assert moved["done"] >= 5, moved


def _redeem(world: World, cards: Sequence[PrintedCard], number: int) -> Counter[str]:
    """Try every card once, in an order of one's own; each as another caller."""
    order = random.Random(number).sample(cards, len(cards))  # noqa: S311 - repeatable
    answers = [
        world.redeem(card.pin, "4200000003", f"+8613{number}{place:08d}").code
        for place, card in enumerate(order)
    ]
    return Counter(str(code) for code in answers)


def _move(world: World, cards: Sequence[PrintedCard]) -> Counter[str]:
    """Move one short range after the other."""
    chance = random.Random(0)  # noqa: S311 - repeatable
    return Counter(_move_some(world, cards, chance) for _ in range(MOVES))


def _move_some(world: World, cards: Sequence[PrintedCard], chance: random.Random) -> str:
    who, move, more = chance.choice(KINDS)
    first = chance.randrange(len(cards))
    try:
        world.move(who, move, cards[first : first + chance.randint(1, 4)], **more)
    except DomainError as error:
        return error.code
    return "done"
