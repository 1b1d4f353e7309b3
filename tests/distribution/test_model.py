"""Random moves, compared card by card with a plain model of what should become of each."""

from collections import Counter
from itertools import combinations_with_replacement, pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.errors import DomainError
from distribution.moves import PendingApproval
from tests.distribution.model import RULES, Card
from tests.distribution.trade import FACE_FEN, Trade
from vouchers.serials import batch_of
from vouchers.tables import stock_movement

SIZE = 8
START = Card()
SPANS = list(combinations_with_replacement(range(SIZE), 2))
PLACES = ("outlet", "outlet2", "city", "province", "warehouse")
WHO = {
    "dispatch": "keeper",
    "receive": "keeper",
    "activate": "agent",
    "deactivate": "agent",
    "return": "keeper",
    "hold": "issuer",
    "release": "issuer",
    "void": "issuer",
}
ACCOUNTS = {
    "liability": "VOUCHER_LIABILITY",
    "clearing": "RETURNS_CLEARING",
    "suspense": "SUSPENSE",
    "account": "ELECTRICITY_ACCOUNT",
}

Step = tuple[str, tuple[int, int], str]


def any_step() -> st.SearchStrategy[Step]:
    """Any move at all, most of which must be refused."""
    return st.tuples(st.sampled_from(list(RULES)), st.sampled_from(SPANS), st.sampled_from(PLACES))


def next_step(data: st.DataObject, cards: list[Card]) -> Step:
    """Draw a move: mostly one that the model allows; void seldom, for it ends a card's life."""
    if data.draw(st.integers(0, 4)) == 0:
        return data.draw(any_step())
    names = data.draw(st.permutations([name for name in RULES if name != "void"]))
    for name in names:
        places = PLACES if name == "dispatch" else PLACES[:1]
        allowed = [
            (name, span, to)
            for span in SPANS
            for to in places
            if RULES[name](cards[span[0] : span[1] + 1], to) is not None
        ]
        if allowed:
            return data.draw(st.sampled_from(allowed))
    return data.draw(any_step())


def carry_out(trade: Trade, first: int, name: str, span: tuple[int, int], to: str) -> bool:
    """Make the move in the product; False where it is refused."""
    start, stop = first + span[0], first + span[1]
    more: dict[str, Any] = {"reason": "trial"} if name in ("hold", "release", "void") else {}
    if name == "hold":
        more["hold"] = "stolen"
    if name == "dispatch":
        more["to"] = trade.code(to)
    try:
        done = trade.ask(WHO[name], name, start, stop, **more)
        if isinstance(done, PendingApproval):
            trade.agree(done.approval_id)
    except DomainError:
        return False
    return True


def lots_as_cards(trade: Trade, first: int) -> list[Card]:
    """The lots of a batch, spread out card by card; checks that they tile it and are merged."""
    rows = trade.lot_rows(first)
    names = {party_id: name for name, party_id in trade.party_ids.items()} | {None: None}
    assert [s for row in rows for s in row.cards] == list(range(first, first + SIZE))
    facts = [
        Card(row.stage, str(names[row.holder_id]), names[row.in_transit_to], row.hold)
        for row in rows
    ]
    for (left, one), (right, other) in pairwise(zip(rows, facts, strict=True)):
        assert one != other or left.activated_on != right.activated_on
    return [card for row, card in zip(rows, facts, strict=True) for _ in row.cards]


def replayed(trade: Trade, first: int) -> list[Card]:
    """What the movements of a batch make of its cards, in the order of their versions."""
    names = {party_id: name for name, party_id in trade.party_ids.items()} | {None: None}
    cards = [START] * SIZE
    for row in all_movements(trade, first):
        card = Card(row.to_stage, str(names[row.to_holder]), names[row.in_transit_to], row.to_hold)
        for serial in range(row.first_serial, row.last_serial + 1):
            cards[serial - first] = card
    return cards


def stock_by_flow(trade: Trade, first: int) -> Counter[str]:
    """Cards per holder: what came in less what went out."""
    names = {party_id: name for name, party_id in trade.party_ids.items()}
    stock: Counter[str] = Counter()
    for row in all_movements(trade, first):
        count = row.last_serial - row.first_serial + 1
        if row.from_holder is not None:
            stock[names[row.from_holder]] -= count
        stock[names[row.to_holder]] += count
    return +stock


def all_movements(trade: Trade, first: int) -> list[Any]:
    query = (
        select(stock_movement)
        .where(stock_movement.c.batch_id == batch_of(first))
        .order_by(stock_movement.c.version)
    )
    with trade.db.read() as session:
        return list(session.execute(query).all())


def books_of(cards: list[Card]) -> dict[str, int]:
    counts = Counter(ACCOUNTS[card.value] for card in cards if card.value)
    return {name: -count * FACE_FEN for name, count in counts.items()}


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What the books of these accounts gained, where they gained anything."""
    names = ACCOUNTS.values()
    gained = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: fen for name, fen in gained.items() if fen}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_random_moves_leave_lots_movements_stock_and_books_as_the_model_says(
    trade: Trade, data: st.DataObject
) -> None:
    trade.contract("city", "credit", 10**12)
    before = trade.books()
    first = trade.batch(SIZE)
    cards = [START] * SIZE
    for _ in range(data.draw(st.integers(10, 30))):
        name, (start, stop), to = next_step(data, cards)
        expected = RULES[name](cards[start : stop + 1], to)
        if name == "redeem":
            trade.redeem(range(first + start, first + stop + 1) if expected else ())
        else:
            assert carry_out(trade, first, name, (start, stop), to) == (expected is not None)
        if expected is not None:
            cards[start : stop + 1] = expected
    plain = [Card(card.stage, card.holder, card.to, card.hold) for card in cards]
    assert lots_as_cards(trade, first) == plain
    assert replayed(trade, first) == plain
    assert stock_by_flow(trade, first) == Counter(card.holder for card in cards)
    assert difference(before, trade.books()) == books_of(cards)
