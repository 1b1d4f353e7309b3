"""Replaying movements gives what moving card by card gives. Pure."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from audit.replay import Facts, Moved, Piece, replay

DAY = date(2028, 12, 31)
CARDS = 12


def facts(stage: str = "stocked", holder_id: int = 1, hold: str | None = None) -> Facts:
    return Facts(stage, holder_id, None, hold, DAY, None)


def moved(
    version: int,
    first: int,
    last: int,
    left: Facts,
    found: tuple[str | None, int | None, str | None] = (None, None, None),
    move: str = "move",
    price_fen: int | None = None,
) -> Moved:
    return Moved(version, move, first, last, version, found, left, price_fen)


BORN = moved(1, 0, CARDS - 1, facts())
STOCKED = ("stocked", 1, None)


def shown(pieces: object) -> list[tuple[int, int, str]]:
    assert isinstance(pieces, list)
    return [(p.first, p.last, p.facts.stage) for p in pieces if isinstance(p, Piece)]


def test_a_movement_in_the_middle_leaves_the_cards_on_both_sides() -> None:
    done = replay([BORN, moved(2, 3, 5, facts("active"), STOCKED)])
    assert shown(done.pieces) == [(0, 2, "stocked"), (3, 5, "active"), (6, 11, "stocked")]
    assert not done.breaks


def test_a_movement_over_several_pieces_must_find_each_as_it_was_left() -> None:
    split = moved(2, 3, 5, facts("active"), STOCKED)
    over = moved(3, 2, 7, facts("void"), STOCKED)
    done = replay([BORN, split, over])
    assert [(found.first, found.was) for found in done.breaks] == [(3, facts("active"))]


def test_cards_that_are_made_twice_or_moved_before_they_are_made_are_found() -> None:
    again = moved(2, 0, CARDS - 1, facts())
    assert len(replay([BORN, again]).breaks) >= 1
    never = moved(1, 0, 3, facts("active"), STOCKED)
    assert [(found.first, found.was) for found in replay([never]).breaks] == [(0, None)]


def test_a_movement_whose_version_does_not_rise_is_found() -> None:
    first = moved(2, 0, 3, facts("active"), STOCKED)
    same = moved(2, 2, 5, facts("active"), STOCKED)
    assert [found.first for found in replay([BORN, first, same]).breaks] == [2]


def test_returned_value_waits_until_the_cards_arrive_or_are_void() -> None:
    way, back = facts("in_transit"), ("in_transit", 1, None)
    sent = moved(2, 0, 5, way, STOCKED, "return", 5_000)
    held = moved(3, 0, 3, facts("in_transit", hold="lost"), back, "hold")
    arrived = moved(3, 4, 4, facts("stocked"), back, "receive", 5_000)
    void = moved(3, 5, 5, facts("void"), back, "void")
    unsold = moved(2, 6, 7, way, STOCKED, "return")
    done = replay([BORN, sent, unsold, held, arrived, void])
    waiting = {(p.first, p.last): p.clearing_fen for p in done.pieces if p.clearing_fen}
    assert waiting == {(0, 3): 5_000}


ranges = st.tuples(st.integers(0, CARDS - 1), st.integers(0, CARDS - 1)).map(sorted)


@given(st.lists(st.tuples(ranges, st.sampled_from(["stocked", "active", "void"])), max_size=8))
def test_replaying_ranges_gives_what_moving_each_card_gives(
    moves: list[tuple[list[int], str]],
) -> None:
    cards: list[str | None] = [None] * CARDS
    steps = []
    for version, ((first, last), stage) in enumerate(moves, 1):
        cards[first : last + 1] = [stage] * (last - first + 1)
        steps.append(moved(version, first, last, facts(stage)))
    replayed: list[str | None] = [None] * CARDS
    for piece in replay(steps).pieces:
        for card in range(piece.first, piece.last + 1):
            assert replayed[card] is None
            replayed[card] = piece.facts.stage
    assert replayed == cards
