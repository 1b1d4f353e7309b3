"""What will probably never be redeemed: an estimate by cohorts of activation. Pure.

Method: pooled mature cohorts (the proportional method's expected rate from historical experience,
IFRS 15 B44 to B47). The cards activated in one month are a cohort. Cohorts of MATURE_MONTHS and
more are taken as run out: their open share of the value activated is the expected breakage rate.
A younger cohort is expected to end with that share open, but never with more than is open now.
Without a mature cohort there is no experience and no estimate. It is never booked: money of an
unused card stays a liability.
"""

from collections.abc import Sequence
from dataclasses import dataclass

METHOD = "pooled mature cohorts (historical experience, IFRS 15 B44-B47); estimate, never booked"
MATURE_MONTHS = 24


@dataclass(frozen=True, slots=True)
class Cohort:
    """The cards activated in one month: its age in whole months, value activated, value open."""

    age_months: int
    activated_fen: int
    open_fen: int


def breakage_fen(cohorts: Sequence[Cohort], mature_months: int = MATURE_MONTHS) -> list[int | None]:
    """Return for each cohort the value expected never to be redeemed, in fen, rounded down.

    None for all of them where no cohort is mature.
    """
    mature = [cohort for cohort in cohorts if cohort.age_months >= mature_months]
    activated_fen = sum(cohort.activated_fen for cohort in mature)
    if not activated_fen:
        return [None] * len(cohorts)
    open_fen = sum(cohort.open_fen for cohort in mature)
    return [
        cohort.open_fen
        if cohort.age_months >= mature_months
        else min(cohort.open_fen, cohort.activated_fen * open_fen // activated_fen)
        for cohort in cohorts
    ]
