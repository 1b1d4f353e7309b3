"""A clash in a piece of cards that is stored at once: only its own card is drawn again."""

from threading import Lock

import pytest
from sqlalchemy import func, select, text

from core.db import Database
from core.keyfile import Keys
from tests.vouchers.making import House, open_house
from vouchers import generation
from vouchers.generation import GenerationFailed, generate
from vouchers.pin_list import Pins, draw_pins
from vouchers.print_file import read_print_file
from vouchers.tables import voucher


class _Source:
    """Draws PINs, and remembers those of whole pieces; some are those of other cards."""

    def __init__(self, clashes: dict[int, str] | None = None) -> None:
        self.clashes = clashes or {}
        self.drawn: list[str] = []
        self.drawn_again = 0
        self._lock = Lock()

    def __call__(self, count: int) -> Pins:
        pins = draw_pins(count)
        if count < 20:  # in the threads that store pieces; PostgreSQL has two
            with self._lock:
                self.drawn_again += count
            return pins
        start = len(self.drawn)
        self.drawn += (self.clashes.get(start + i, digits) for i, digits in enumerate(pins.digits))
        return Pins(self.drawn[start:])


def _made(house: House, source: _Source, count: int = 120) -> list[str]:
    batch_id = house.approved(count)
    generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, draw=source)
    printed = read_print_file(house.exported(batch_id).ciphertext, house.secret_key)
    return [card.pin.digits for card in printed]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few cards need several transactions."""
    monkeypatch.setattr(generation, "CARDS_IN_ONE_TRANSACTION", 40)


def test_without_a_clash_every_card_keeps_its_first_draw(house: House) -> None:
    source = _Source()
    assert _made(house, source) == source.drawn
    assert source.drawn_again == 0


@pytest.mark.parametrize("at", [0, 17, 39, 40, 79, 119])
def test_only_the_card_whose_pin_is_taken_is_drawn_again(house: House, at: int) -> None:
    old = house.cards(5)[2].pin.digits
    source = _Source({at: old})
    printed = _made(house, source)
    assert [place for place in range(120) if printed[place] != source.drawn[place]] == [at]
    assert source.drawn_again == 1
    assert len(set(printed)) == 120
    with house.db.read() as session:
        assert session.execute(select(func.count()).select_from(voucher)).scalar_one() == 125


def test_of_one_pin_in_three_pieces_the_first_stored_keeps_it(house: House) -> None:
    source = _Source()
    shared, places = draw_pins(1).digits[0], [3, 41, 118]
    source.clashes = dict.fromkeys(places, shared)
    printed = _made(house, source)
    kept = [place for place in range(120) if printed[place] == source.drawn[place]]
    # Two pieces are stored at once on PostgreSQL: which of them comes first is not said.
    assert len(kept) == 118
    assert len([place for place in places if printed[place] == shared]) == 1
    assert source.drawn_again == 2
    assert len(set(printed)) == 120


def test_the_printed_pins_are_those_of_the_rows_after_a_clash(house: House) -> None:
    old = house.cards(1)[0].pin.digits
    batch_id = house.approved(60)
    source = _Source({7: old, 8: old, 50: old})
    generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, draw=source)
    cards = list(read_print_file(house.exported(batch_id).ciphertext, house.secret_key))
    found = house.find(*[card.pin for card in cards])
    assert [getattr(item, "serial", None) for item in found] == [card.serial for card in cards]


def test_another_broken_constraint_is_no_clash(postgresql_db: Database, keys: Keys) -> None:
    house = open_house(postgresql_db, keys)
    batch_id = house.approved(60)
    with house.db.write() as session:
        session.execute(text(f"ALTER TABLE voucher ADD CHECK (serial < {batch_id * 100_000 + 50})"))
    source = _Source()
    with pytest.raises(GenerationFailed, match="the database refused") as caught:
        generate(house.db, house.keys, house.asks, batch_id, house.warehouse_id, draw=source)
    assert len(source.drawn) == 60
    assert not any(digits in str(caught.value) for digits in source.drawn)
