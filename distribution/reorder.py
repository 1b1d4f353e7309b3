"""When an outlet should order again: reorder points from its own sell-through. Pure.

A series of daily sales is classified after Syntetos, Boylan and Croston, "On the categorization of
demand patterns", Journal of the Operational Research Society 56 (2005), by the average interval
between days with sales (ADI, cut at 1.32) and the squared coefficient of variation of the sizes
(CV2, cut at 0.49): smooth, erratic, intermittent, lumpy.

Smooth and erratic demand comes nearly every day: the reorder point is the demand of the lead time
and a safety stock, d L + z s sqrt(L), with mean d and standard deviation s of the daily sales
(Silver, Pyke, Peterson, "Inventory Management and Production Planning", 3rd ed., ch. 7).

Intermittent and lumpy demand has many days without a sale, of which mean and deviation say little.
Sizes and intervals are smoothed apart (Croston, "Forecasting and stock control for intermittent
demands", Operational Research Quarterly 23, 1972) and the forecast is corrected for its bias,
(1 - a/2) size / interval (Syntetos and Boylan, "The accuracy of intermittent demand estimates",
International Journal of Forecasting 21, 2005). The safety stock rests on the errors that this
forecast would have made: z sqrt(MSE L).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, pstdev, stdev
from typing import Literal

Pattern = Literal["none", "smooth", "erratic", "intermittent", "lumpy"]

ADI_CUT, CV2_CUT = 1.32, 0.49
SMOOTHING = 0.1
"""Croston's a, for sizes and for intervals."""

NORMAL_METHOD = "normal demand: d L + z s sqrt(L)"
INTERMITTENT_METHOD = "Croston with Syntetos-Boylan approximation: f L + z sqrt(MSE L)"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long an order takes, in days, and how often stock should outlast it, 0 to 1."""

    lead_days: int = 7
    service_level: float = 0.95


TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is sold a day, how far off a day is (standard deviation), and by which method."""

    pattern: Pattern
    method: str
    per_day: float
    deviation: float

    def reorder_point(self, terms: Terms) -> int:
        """Return the stock, ordered cards included, at which to order: whole cards, rounded up."""
        if self.pattern == "none":
            return 0
        z = NormalDist().inv_cdf(terms.service_level)
        safety = max(0.0, z) * self.deviation * math.sqrt(terms.lead_days)
        return math.ceil(round(self.per_day * terms.lead_days + safety, 6))

    def days_of_cover(self, cards: int) -> float | None:
        """Return how many days so many cards last; None where nothing is sold."""
        return cards / self.per_day if self.per_day > 0 else None


def adi(sales: Sequence[int]) -> float:
    """Return the average interval between days with sales: days for each such day."""
    return len(sales) / sum(day > 0 for day in sales)


def cv2(sales: Sequence[int]) -> float:
    """Return the squared coefficient of variation of the sizes of the days with sales."""
    sizes = [day for day in sales if day > 0]
    return (pstdev(sizes) / fmean(sizes)) ** 2


def pattern_of(sales: Sequence[int]) -> Pattern:
    """Return the class of a series of daily sales."""
    if not any(sales):
        return "none"
    if adi(sales) < ADI_CUT:
        return "smooth" if cv2(sales) < CV2_CUT else "erratic"
    return "intermittent" if cv2(sales) < CV2_CUT else "lumpy"


def forecast(sales: Sequence[int]) -> Forecast:
    """Return what the sales of past days, the oldest first, tell of those to come."""
    pattern = pattern_of(sales)
    if pattern == "none":
        return Forecast(pattern, "", 0.0, 0.0)
    if pattern in ("smooth", "erratic"):
        deviation = stdev(sales) if len(sales) > 1 else 0.0
        return Forecast(pattern, NORMAL_METHOD, fmean(sales), deviation)
    per_day, squared_error = croston(sales)
    return Forecast(pattern, INTERMITTENT_METHOD, per_day, math.sqrt(squared_error))


def croston(sales: Sequence[int], smoothing: float = SMOOTHING) -> tuple[float, float]:
    """Return the Syntetos-Boylan forecast for a day, and the mean squared error it has had.

    Begins with the first sale, its size and the days up to it. Needs a day with sales.
    """
    size = interval = 0.0
    days = 0
    errors: list[float] = []
    for day in sales:
        days += 1
        if size:
            errors.append((day - _sba(size, interval, smoothing)) ** 2)
        if day > 0:
            first = not size
            size = day if first else smoothing * day + (1 - smoothing) * size
            interval = days if first else smoothing * days + (1 - smoothing) * interval
            days = 0
    return _sba(size, interval, smoothing), fmean(errors) if errors else 0.0


def _sba(size: float, interval: float, smoothing: float) -> float:
    return (1 - smoothing / 2) * size / interval
