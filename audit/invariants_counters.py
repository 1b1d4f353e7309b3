"""Invariants of rolled-up counters: they say what a count of the rows themselves says."""

from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from audit.counters import NAME
from audit.invariant import Invariant, none_of
from redemption.tables import redeemed_pack, redemption, watermark
from vouchers.serials import CARDS_PER_PACK


def _pack_not_as_counted() -> Select[Any]:
    """By pack: what the counter says, less the redemptions up to the watermark: 0."""
    pack = redemption.c.serial - redemption.c.serial % CARDS_PER_PACK
    reached = select(watermark.c.at).where(watermark.c.name == NAME).scalar_subquery()
    counted = (
        select(pack.label("pack"), literal(0).label("counter"), func.count().label("redeemed"))
        .where(redemption.c.at <= reached)
        .group_by(pack)
    )
    counters = select(redeemed_pack.c.first_serial, redeemed_pack.c.cards, literal(0))
    both = union_all(counted, counters).subquery()
    counter, redeemed = func.sum(both.c.counter), func.sum(both.c.redeemed)
    return (
        select(
            both.c.pack.label("pack_first_serial"),
            counter.label("counter"),
            redeemed.label("redeemed"),
        )
        .group_by(both.c.pack)
        .having(counter != redeemed)
    )


COUNTERS = (
    Invariant(
        "redeemed_packs",
        "每百张一包的已充值计数，等于截至水位时点的充值记录逐笔清点之数。",
        "The counter of each pack of 100 says how many of its cards were redeemed up to the"
        " watermark.",
        none_of(_pack_not_as_counted()),
    ),
)
