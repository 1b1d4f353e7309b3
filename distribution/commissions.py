"""Commission: what a contract lets its party earn for each card, by face, day and volume.

A schedule of a face begins on a day and stands until the next one begins. Within it the cards that
a party activates in a calendar month are counted, returned ones taken off: each card earns what
its place in that count is worth. So an activation that passes a border earns both rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import and_, case, func, select

from core.db import Session
from core.errors import InvalidInput
from core.money import format_yuan
from distribution.tables import commission
from vouchers.denominations import by_face
from vouchers.tables import batch, denomination, stock_movement

MAX_RATES = 1000
MAX_CARDS = 10**9
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Rate:
    """Fen for each card of a face from a day on, once `after_cards` were sold in the month."""

    face_fen: int
    effective_from: date
    after_cards: int = 0
    commission_fen: int


@dataclass(frozen=True, slots=True)
class Tier:
    """Fen for each card once `after_cards` were sold in the month."""

    after_cards: int
    commission_fen: int


def check_rates(rates: Sequence[Rate]) -> None:
    """Raise InvalidInput for rates that cannot stand together. Pure."""
    if len(rates) > MAX_RATES:
        raise InvalidInput(f"a contract has at most {MAX_RATES} rates")
    keys = {(rate.face_fen, rate.effective_from, rate.after_cards) for rate in rates}
    if len(keys) != len(rates):
        raise InvalidInput("two rates of one face begin on one day with one number of cards")
    for rate in rates:
        if not 0 <= rate.commission_fen <= rate.face_fen:
            raise InvalidInput(
                f"the commission on {format_yuan(rate.face_fen)} yuan must lie between 0 and the"
                " face"
            )
        if not FIRST_DAY <= rate.effective_from <= LAST_DAY:
            raise InvalidInput("a rate begins on a day between 2000 and 2099")
        if not 0 <= rate.after_cards <= MAX_CARDS:
            raise InvalidInput(f"a rate begins after 0 to {MAX_CARDS} cards")


def cut_by_tier(sold: int, count: int, tiers: Sequence[Tier]) -> list[tuple[int, int]]:
    """Cut the `count` cards after the first `sold` of a month: (cards, fen for each). Pure.

    `sold` is below 0 where more came back than was sold. Cards before the first tier earn nothing.
    The tiers are sorted.
    """
    pieces: list[tuple[int, int]] = []
    stop = sold + count
    for border in [*(t.after_cards for t in tiers if max(sold, 0) < t.after_cards < stop), stop]:
        earned = [tier.commission_fen for tier in tiers if tier.after_cards <= max(sold, 0)]
        pieces.append((border - sold, earned[-1] if earned else 0))
        sold = border
    return pieces


def commission_of(
    session: Session, contract: tuple[int, int], denomination_id: int, count: int
) -> list[tuple[int, int]]:
    """Return what each of the next `count` cards earns today: (cards, fen for each), in order.

    `contract` is party and version. Final only while the caller holds the party's lock.
    """
    tiers = tiers_of(session, contract, denomination_id, session.today)
    if not any(tier.after_cards for tier in tiers):  # no need to count what was sold before
        return cut_by_tier(0, count, tiers)
    return cut_by_tier(sold_this_month(session, contract[0], denomination_id), count, tiers)


def tiers_of(
    session: Session, contract: tuple[int, int], denomination_id: int, day: date
) -> list[Tier]:
    """Return the tiers of the schedule that stands on a day, sorted; none means no commission."""
    of_face = and_(
        commission.c.party_id == contract[0],
        commission.c.version == contract[1],
        commission.c.denomination_id == denomination_id,
    )
    began = (
        select(func.max(commission.c.effective_from))
        .where(of_face, commission.c.effective_from <= day)
        .scalar_subquery()
    )
    rows = session.execute(
        select(commission.c.after_cards, commission.c.commission_fen)
        .where(of_face, commission.c.effective_from == began)
        .order_by(commission.c.after_cards)
    )
    return [Tier(row.after_cards, row.commission_fen) for row in rows]


def sold_this_month(session: Session, party_id: int, denomination_id: int) -> int:
    """Count the cards of a face that the party's contract sold in this calendar month.

    Returned ones are taken off, whenever they were sold, so it may be below 0.
    """
    size = stock_movement.c.last_serial - stock_movement.c.first_serial + 1
    counted = case(
        (stock_movement.c.move == "activate", size),
        (stock_movement.c.move.in_(("deactivate", "return")), -size),
        else_=0,
    )
    total = session.execute(
        select(func.sum(counted))
        .join(batch, batch.c.id == stock_movement.c.batch_id)
        .where(
            stock_movement.c.owing_party_id == party_id,
            stock_movement.c.at >= month_start(session),
            batch.c.denomination_id == denomination_id,
        )
    ).scalar()
    return int(total or 0)


def month_start(session: Session) -> datetime:
    """Return the instant at which the local month of the transaction began."""
    return datetime.combine(session.today.replace(day=1), time.min, session.zone)


def insert_rates(session: Session, party_id: int, version: int, rates: Sequence[Rate]) -> None:
    """Write the rates of a contract's version; raises FaceUnknown."""
    faces = {face: by_face(session, face).id for face in sorted({rate.face_fen for rate in rates})}
    rows = [
        {
            "party_id": party_id,
            "version": version,
            "denomination_id": faces[rate.face_fen],
            "effective_from": rate.effective_from,
            "after_cards": rate.after_cards,
            "commission_fen": rate.commission_fen,
        }
        for rate in sorted(rates)
    ]
    if rows:
        session.execute(commission.insert(), rows)


def rates_of(session: Session, party_id: int, version: int) -> tuple[Rate, ...]:
    """Return the rates of a contract's version, sorted."""
    rows = session.execute(
        select(
            denomination.c.face_fen,
            commission.c.effective_from,
            commission.c.after_cards,
            commission.c.commission_fen,
        )
        .join(denomination, denomination.c.id == commission.c.denomination_id)
        .where(commission.c.party_id == party_id, commission.c.version == version)
    )
    return tuple(sorted(Rate(**row._mapping) for row in rows))
