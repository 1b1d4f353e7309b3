"""What no single request can see: packs that are being tried out, and too many wrong PINs overall.

Looked at again and again beside the requests, by every process; what is done is done once. Domain
rule: wrong PINs, 5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select

from core.db import Database, Session
from core.ids import first_id_at
from redemption.alarms import raise_once
from redemption.requests import Code
from redemption.rules import NOT_ACTIVATED_CARD, Alarm
from redemption.tables import alarm, attempt, redemption
from vouchers.batches import get_batch
from vouchers.lots import Lot
from vouchers.movements import Cause, move_lots
from vouchers.moves import Terms
from vouchers.serials import SerialRange, pack_of, parse_serial, serial_text

PACK_HELD = "pack_held"
MANY_WRONG_PINS = "many_wrong_pins"

CALLERS = 3
WITHIN = timedelta(hours=1)
SHARE_OF = timedelta(minutes=5)
"""Over so long a time the share of wrong PINs is taken."""
TOO_MANY_PERCENT = 20
LEAST_WRONG = 20
"""Fewer wrong PINs than this are no attack, whatever their share of a quiet night is."""

_LOOK_BACK = WITHIN + timedelta(hours=1)
"""So that a round that comes late, after an outage, still sees the whole hour."""


@dataclass(frozen=True, slots=True)
class Try:
    """One caller's hit on a card that is not activated."""

    at: datetime
    serial: int
    caller: str


def watch(db: Database) -> None:
    """Hold the packs that are being tried out, and alarm where too many PINs are wrong."""
    for cards in db.transact(_packs_to_hold):
        db.transact(partial(hold_pack, cards=cards))
    db.transact(alarm_of_wrong_pins)


def packs_tried(tries: Iterable[Try], held_at: dict[int, datetime]) -> list[SerialRange]:
    """Return the packs of which, within an hour, 3 callers hit cards. Pure.

    `held_at` tells by a pack's first serial when it was put on hold last: what came before that was
    dealt with, and staff may have released the pack since.
    """
    by_pack: dict[int, list[Try]] = {}
    for each in tries:
        first = pack_of(each.serial).first
        if first not in held_at or each.at > held_at[first]:
            by_pack.setdefault(first, []).append(each)
    return [pack_of(first) for first in sorted(by_pack) if _is_tried_out(by_pack[first])]


def is_too_many(wrong: int, right: int) -> bool:
    """Tell whether so many wrong PINs among so many right ones must be looked at. Pure."""
    return wrong >= LEAST_WRONG and wrong * 100 > (wrong + right) * TOO_MANY_PERCENT


def hold_pack(session: Session, cards: SerialRange) -> bool:
    """Put the not activated cards of a pack on hold, with an alarm; False where there are none."""
    cause = Cause(
        member_id=None,
        reason=f"{CALLERS} callers tried cards of this pack that are not activated",
    )
    last = min(cards.last, get_batch(session, cards.batch_id).cards.last)
    held = move_lots(
        session,
        SerialRange(cards.first, last),
        "hold",
        Terms(hold="suspended"),
        cause,
        only=_is_idle,
    )
    if not held:
        return False
    subject = serial_text(cards.first)
    detail = (
        f"{CALLERS} callers tried cards of the pack {subject} to {serial_text(last)} that are "
        "not activated; its not activated cards are on hold"
    )
    return raise_once(session, Alarm(PACK_HELD, subject, detail), f"{PACK_HELD}:{held[0]}")


def alarm_of_wrong_pins(session: Session) -> bool:
    """Alarm where over 20 % of the PINs of the last 5 minutes were wrong; once in 5 minutes."""
    since = session.now - SHARE_OF
    wrong = session.execute(
        select(func.count()).where(
            attempt.c.id >= first_id_at(since), attempt.c.code == str(Code.PIN_UNKNOWN)
        )
    ).scalar_one()
    if wrong < LEAST_WRONG:
        return False  # the usual case, without counting what went right
    right = session.execute(
        select(func.count()).where(redemption.c.entry_id >= first_id_at(since))
    ).scalar_one()
    if not is_too_many(wrong, right) or _was_raised(session, since):
        return False
    share = round(100 * wrong / (wrong + right))
    slot = int(session.now.timestamp() // SHARE_OF.total_seconds())
    detail = f"{wrong} wrong PINs, {right} recharges in 5 minutes"
    raised = Alarm(MANY_WRONG_PINS, f"{share} %", detail)
    return raise_once(session, raised, f"{MANY_WRONG_PINS}:{slot}")


def _was_raised(session: Session, since: datetime) -> bool:
    query = select(alarm.c.id).where(alarm.c.at > since, alarm.c.kind == MANY_WRONG_PINS)
    return session.execute(query.limit(1)).first() is not None


def _packs_to_hold(session: Session) -> list[SerialRange]:
    query = select(alarm.c.at, alarm.c.kind, alarm.c.subject, alarm.c.caller).where(
        alarm.c.at > session.now - _LOOK_BACK,
        alarm.c.kind.in_([NOT_ACTIVATED_CARD, PACK_HELD]),
    )
    rows = session.execute(query.order_by(alarm.c.at, alarm.c.id)).all()
    held_at = {parse_serial(row.subject): row.at for row in rows if row.kind == PACK_HELD}
    tries = [
        Try(row.at, parse_serial(row.subject), row.caller)
        for row in rows
        if row.kind == NOT_ACTIVATED_CARD and row.caller is not None
    ]
    return packs_tried(tries, held_at)


def _is_tried_out(tries: Sequence[Try]) -> bool:
    ordered = sorted(tries, key=lambda each: each.at)
    return any(
        len({t.caller for t in ordered[: i + 1] if last.at - t.at <= WITHIN}) >= CALLERS
        for i, last in enumerate(ordered)
    )


def _is_idle(lot: Lot) -> bool:
    return lot.activated_on is None and lot.hold is None and lot.stage != "void"
