"""Each invariant sees the damage that breaks it, and no other invariant is troubled by it."""

import pytest

from audit.invariants import INVARIANTS
from tests.audit import (
    cases_of_books,
    cases_of_cards,
    cases_of_care,
    cases_of_money,
    cases_of_papers,
    cases_of_stock,
    cases_of_tills,
)
from tests.audit.damage import Case, broken_codes, damaged
from tests.audit.world import World

CASES = (
    *cases_of_cards.CASES,
    *cases_of_books.CASES,
    *cases_of_money.CASES,
    *cases_of_papers.CASES,
    *cases_of_stock.CASES,
    *cases_of_care.CASES,
    *cases_of_tills.CASES,
)


@pytest.mark.parametrize("damage", CASES, ids=lambda damage: damage.what.replace(" ", "_"))
def test_damage_breaks_the_invariants_it_touches_and_no_other(world: World, damage: Case) -> None:
    with damaged(world, damage.loose, damage.statements) as session:
        assert broken_codes(session) == damage.breaks


def test_every_invariant_is_broken_alone_or_with_those_it_cannot_be_told_from() -> None:
    touched = set().union(*(damage.breaks for damage in CASES))
    assert touched == {invariant.code for invariant in INVARIANTS}


def test_damage_is_gone_after_the_test(world: World) -> None:
    with damaged(world, ("lot",), ("DELETE FROM lot",)) as session:
        assert "lots_tile" in broken_codes(session)
    with damaged(world, (), ()) as session:
        assert broken_codes(session) == set()
