"""Cards of the benchmark: real PINs and tags, each card once."""

from pathlib import Path

import pytest

from bench.deck import Deck, Supply
from core import keyfile
from vouchers.pins import Pin, full_tag

DECK = Deck(20)


def test_every_card_has_a_pin_that_the_product_takes_and_its_tag(tmp_path: Path) -> None:
    key = keyfile.create(tmp_path / "keys.json").current
    for number in (0, 1, 999_999, 9_999_999):
        pin = Pin.parse(DECK.digits(number))
        assert DECK.tag(key, number) == full_tag(key, pin).bytes


def test_no_two_cards_share_a_pin() -> None:
    assert len({DECK.digits(number) for number in range(20_000)}) == 20_000


def test_the_seed_decides_the_pins() -> None:
    assert DECK.digits(5) == Deck(20).digits(5) != Deck(21).digits(5)


def test_a_deck_does_not_show_its_seed() -> None:
    assert repr(DECK) == "Deck()"


@pytest.mark.parametrize("each", [1, 10, 999])
def test_a_supply_hands_out_every_card_once_and_then_no_more(each: int) -> None:
    supply = Supply([range(100, 100 + each), range(5_000, 5_000 + each)])
    taken = supply.take(each) + supply.take(5 * each)
    assert sorted(taken) == [*range(100, 100 + each), *range(5_000, 5_000 + each)]
    assert supply.left == 0
    assert supply.take(1) == []
