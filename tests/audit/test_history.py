"""Which movements had happened as of an instant: what moving card by card gives. Pure."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.history import Movement, applied, cards_moved, pieces_of
from tests.clocks import START

DAY = date(2028, 12, 31)
FIRST = 4225101000700000
CARDS = 12


def moved(version: int, first: int, last: int, second: int, stage: str = "stocked") -> Movement:
    return Movement(
        id=version,
        at=START + timedelta(seconds=second),
        move="move",
        batch_id=FIRST // 100_000,
        first=FIRST + first,
        last=FIRST + last,
        from_stage=None,
        from_holder=None,
        stage=stage,
        holder_id=1,
        in_transit_to=None,
        hold=None,
        expires_on=DAY,
        activated_on=None,
        version=version,
    )


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def shown(movements: list[Movement], second: int) -> list[tuple[int, int, str]]:
    pieces = pieces_of(applied(movements, at(second)))
    return [(p.first - FIRST, p.last - FIRST, p.stage) for p in pieces]


BORN = moved(1, 0, CARDS - 1, 0)


def test_a_state_of_the_past_has_only_what_had_happened_by_then() -> None:
    history = [BORN, moved(2, 3, 5, 10, "active"), moved(3, 4, 4, 20, "void")]
    assert shown(history, -1) == []
    assert shown(history, 9) == [(0, 11, "stocked")]
    assert shown(history, 10) == [(0, 2, "stocked"), (3, 5, "active"), (6, 11, "stocked")]
    assert shown(history, 20)[1:4] == [(3, 3, "active"), (4, 4, "void"), (5, 5, "active")]


def test_a_movement_that_waited_for_another_has_not_happened_before_it() -> None:
    # Begun at 10, it waited for the one begun at 15 and moved its cards after it.
    history = [BORN, moved(2, 3, 5, 15, "in_transit"), moved(3, 2, 4, 10, "active")]
    assert shown(history, 12) == [(0, 1, "stocked"), (2, 2, "active"), (3, 11, "stocked")]
    assert cards_moved(applied(history, at(12))) == {1: 12, 3: 1}
    assert shown(history, 15)[1:3] == [(2, 4, "active"), (5, 5, "in_transit")]


ranges = st.tuples(st.integers(0, CARDS - 1), st.integers(0, CARDS - 1)).map(sorted)
steps = st.tuples(ranges, st.integers(1, 20), st.sampled_from(["stocked", "active", "void"]))


@given(st.lists(steps, max_size=10), st.integers(0, 20))
def test_the_past_is_that_of_each_card(
    moves: list[tuple[list[int], int, str]], second: int
) -> None:
    history = [BORN]
    cards: list[tuple[str, bool]] = [("stocked", False)] * CARDS
    for version, ((first, last), when, stage) in enumerate(moves, 2):
        history.append(moved(version, first, last, when, stage))
        for card in range(first, last + 1):
            now, is_late = cards[card]
            is_late = is_late or when > second
            cards[card] = (now if is_late else stage, is_late)
    found = {
        card: stage
        for first, last, stage in shown(history, second)
        for card in range(first, last + 1)
    }
    assert found == {card: stage for card, (stage, _) in enumerate(cards)}
