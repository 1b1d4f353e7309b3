"""Reorder points, against numbers worked by hand. Pure."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.reorder import (
    INTERMITTENT_METHOD,
    NORMAL_METHOD,
    Forecast,
    Terms,
    adi,
    croston,
    cv2,
    forecast,
    pattern_of,
)


def test_normal_demand_is_that_of_the_lead_time_and_a_safety_stock() -> None:
    # 10 a day, deviation 3, 4 days, 95 %: 40 + 1.645 x 3 x 2 = 49.87
    assert Forecast("smooth", NORMAL_METHOD, 10, 3).reorder_point(Terms(4, 0.95)) == 50
    assert Forecast("smooth", NORMAL_METHOD, 10, 0).reorder_point(Terms(4, 0.95)) == 40
    # 99 %: 40 + 2.326 x 3 x 2 = 53.96
    assert Forecast("smooth", NORMAL_METHOD, 10, 3).reorder_point(Terms(4, 0.99)) == 54


def test_daily_sales_give_their_mean_and_deviation() -> None:
    made = forecast([8, 12, 10, 8, 12])
    # mean 10; squares 4 + 4 + 0 + 4 + 4 = 16, over 4
    assert (made.pattern, made.method) == ("smooth", NORMAL_METHOD)
    assert (made.per_day, made.deviation) == (10, 2)
    assert made.days_of_cover(45) == 4.5


def test_croston_smooths_sizes_and_intervals_apart() -> None:
    # First sale 3 after 3 days: 0.95 x 3 / 3 = 0.95. Then 4 after 2 days: size 0.1 x 4 + 0.9 x 3
    # = 3.1, interval 0.1 x 2 + 0.9 x 3 = 2.9, so 0.95 x 3.1 / 2.9. Errors of the days after the
    # first sale: 0.95 and 3.05.
    per_day, squared_error = croston([0, 0, 3, 0, 4])
    assert per_day == pytest.approx(0.95 * 3.1 / 2.9)
    assert squared_error == pytest.approx((0.95**2 + 3.05**2) / 2)


def test_intermittent_demand_has_its_own_method() -> None:
    made = forecast([0, 0, 3, 0, 4])
    assert (made.pattern, made.method) == ("intermittent", INTERMITTENT_METHOD)
    # 1.015517 x 4 + 1.644854 x sqrt(5.1025 x 4) = 4.0621 + 7.4311 = 11.4932
    assert made.reorder_point(Terms(4, 0.95)) == 12


def test_the_classes_are_cut_at_132_and_049() -> None:
    # 33 days with 25 sales: ADI 1.32. Sizes 1 and 5: mean 3, deviation 2, CV2 0.444.
    often = [1, 5] * 12 + [3] + [0] * 7
    assert adi(often) < 1.32
    assert pattern_of(often) == "smooth"
    assert pattern_of([*often, 0]) == "intermittent"
    assert adi([*often, 0]) == pytest.approx(1.32)
    # Sizes 1 and 9: mean 5, deviation 4, CV2 0.64.
    assert cv2([1, 9]) == pytest.approx(0.64)
    assert pattern_of([1, 9] * 12) == "erratic"
    assert pattern_of([1, 0, 9, 0] * 6) == "lumpy"


def test_nothing_sold_needs_nothing() -> None:
    for sales in ([], [0], [0] * 90):
        made = forecast(sales)
        assert (made.pattern, made.reorder_point(Terms())) == ("none", 0)
        assert made.days_of_cover(7) is None


@given(st.lists(st.integers(0, 500), min_size=1, max_size=90), st.integers(1, 30))
def test_a_higher_service_level_never_orders_later(sales: list[int], lead_days: int) -> None:
    made = forecast(sales)
    points = [made.reorder_point(Terms(lead_days, level)) for level in (0.5, 0.9, 0.95, 0.999)]
    assert points == sorted(points)
    assert math.isfinite(made.per_day) and made.deviation >= 0
    assert points[0] >= made.per_day * lead_days - 1e-6
