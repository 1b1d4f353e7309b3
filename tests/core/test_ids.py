"""Ids: they rise, and no two are the same."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from core.ids import IdMaker, first_id_at

NOW = datetime(2026, 6, 11, tzinfo=UTC)


def stopped() -> datetime:
    return NOW


def test_ids_of_one_instant_rise_and_borrow_from_the_next_millisecond() -> None:
    maker = IdMaker(7, stopped)
    ids = [*maker.new(1000), *maker.new(1), *maker.new(2000)]
    assert ids == sorted(set(ids))
    assert ids[0] == first_id_at(NOW) | 7 << 10
    assert [(each >> 22) - (ids[0] >> 22) for each in (ids[1023], ids[1024], ids[-1])] == [0, 1, 2]
    assert {each >> 10 & 4095 for each in ids} == {7}


def test_a_clock_that_goes_back_repeats_no_id() -> None:
    instants = iter([datetime(2026, 6, 11, 12, tzinfo=UTC), NOW])
    maker = IdMaker(7, lambda: next(instants))
    assert maker.new(2) < maker.new(2)


def test_other_nodes_and_threads_make_other_ids() -> None:
    makers = [IdMaker(node, stopped) for node in (1, 2)]
    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(maker.new, 700) for maker in makers * 4]
    ids = [each for many in made for each in many.result()]
    assert len(ids) == len(set(ids)) == 5600
