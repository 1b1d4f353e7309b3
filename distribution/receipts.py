"""Receipt of a consignment: what was scanned is received, and what differs becomes a claim."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from core.db import Database, Session
from core.errors import InvalidInput
from core.numbers import paper_number
from core.text import clean
from distribution import papers
from distribution.claims import claimed_cards, open_claims, strange_cards
from distribution.consigned import lines_of, outstanding
from distribution.consignments import PARTIES, subject
from distribution.credit_notes import issue_credit_notes
from distribution.moves import Consigned, Moved, move_cards
from distribution.paper_tables import (
    OUTCOMES,
    claim,
    consignment,
    goods_receipt,
    goods_receipt_line,
)
from distribution.parties import require_scope
from distribution.ranges import Ranges, card_count, joined, shared, singles, without
from distribution.requests import MoveRequest
from distribution.scans import Scan, State, parse_scan, sort_scans
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.lots import BatchUnknown, load_lots
from vouchers.movements import Cause, move_lots
from vouchers.moves import Terms
from vouchers.queries import held_serials
from vouchers.serials import RangeOutsideBatch, SerialRange, serial_text
from vouchers.tables import batch

MAX_SCANS = 2_000

_CLAIMED = ("damaged", "held", "short", "unexpected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a receiver has scanned; `reference` names the scanning and counts once.

    `complete` says that nothing more will come: what is missing becomes claims.
    """

    reference: str
    scans: Sequence[str] = ()
    damaged: Sequence[str] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsReceipt:
    """What a scanning led to, as ranges by outcome; the same again for the same reference."""

    number: str
    consignment: str
    at: datetime
    outcomes: dict[str, Ranges]
    claims: tuple[str, ...]

    def count(self, outcome: str) -> int:
        """Return how many cards had this outcome."""
        return card_count(self.outcomes[outcome])


def receive_consignment(db: Database, actor: Actor, number: str, arrival: Arrival) -> GoodsReceipt:
    """Take the scanned cards of a sent consignment into the receiver's stock, in one transaction.

    Sent again under its reference it changes nothing and returns the same. Raises PaperUnknown,
    PaperStateWrong, NotHolder, RequestConflict, ScanUnreadable, SerialInvalid, BatchUnknown.
    """
    require(actor, Permission.RECEIVE)
    reference = clean(arrival.reference, "the reference", 128)
    if not (arrival.scans or arrival.damaged or arrival.complete):
        raise InvalidInput("scan something, or say that the consignment is complete")
    if len(arrival.scans) + len(arrival.damaged) > MAX_SCANS:
        raise InvalidInput(f"send at most {MAX_SCANS} scans at a time")
    good = [parse_scan(text) for text in arrival.scans]
    damaged = [parse_scan(text) for text in arrival.damaged]
    content = [sorted(map(str.strip, part)) for part in (arrival.scans, arrival.damaged)]
    digest = papers.content_digest([*content, arrival.complete])

    def work(session: Session) -> GoodsReceipt:
        row = papers.find(session, actor, consignment, number, PARTIES, lock=True)
        require_scope(session, actor, {row.receiver_id})
        known = _known(session, row.id, reference)
        if known is not None:
            papers.check_same(known, digest)
            return _receipt(session, row.number, known)
        papers.check_state(row, "sent")
        outcomes = _outcomes(session, row, good, damaged, complete=arrival.complete)
        return _carry_out(session, actor, row, (reference, digest), outcomes)

    return db.transact(work)


def list_receipts(session: Session, actor: Actor, number: str) -> list[GoodsReceipt]:
    """Return the receipts of a consignment that the actor is a side of, the first first."""
    require(actor, Permission.VIEW_TRADE)
    row = papers.find(session, actor, consignment, number, PARTIES)
    rows = session.execute(
        select(goods_receipt)
        .where(goods_receipt.c.consignment_id == row.id)
        .order_by(goods_receipt.c.id)
    )
    return [_receipt(session, row.number, each) for each in rows.all()]


def close_if_done(session: Session, consignment_id: int, number: str) -> None:
    """Close a sent consignment of which no card is on the way any more."""
    if not outstanding(session, number, lines_of(session, consignment_id)):
        session.execute(
            consignment.update()
            .where(consignment.c.id == consignment_id, consignment.c.state == "sent")
            .values(state="closed", closed_at=session.now)
        )


def receive_ranges(
    session: Session, actor: Actor, number: str, ranges: Iterable[SerialRange]
) -> list[int]:
    """Move cards of a consignment into the receiver's stock; return the movements' ids."""
    ids: list[int] = []
    for cards in ranges:
        request = MoveRequest(
            move="receive",
            first_serial=serial_text(cards.first),
            last_serial=serial_text(cards.last),
            document=number,
        )
        done = move_cards(session, actor, request, Consigned(number))
        ids += done.movement_ids if isinstance(done, Moved) else ()
    return ids


def _outcomes(
    session: Session,
    row: Row[Any],
    good: list[Scan],
    damaged: list[Scan],
    *,
    complete: bool,
) -> dict[str, Ranges]:
    lines = lines_of(session, row.id)
    on_the_way = outstanding(session, row.number, lines)
    state = State(
        lines=lines,
        outstanding=on_the_way,
        claimed=claimed_cards(session, row.id),
        held=_held(session, on_the_way),
    )
    outcomes = sort_scans(state, good, damaged, complete=complete)
    known = strange_cards(session, row.id)
    strange = _made(session, outcomes["unexpected"])
    outcomes["unexpected"] = without(strange, known)
    outcomes["claimed"] = joined([*outcomes["claimed"], *shared(strange, known)])
    return outcomes


def _held(session: Session, on_the_way: Ranges) -> Ranges:
    """Lock the lots of these cards; return those that somebody has put on hold."""
    found: Ranges = []
    for cards in on_the_way:
        found += shared([cards], [item.cards for item in load_lots(session, cards) if item.hold])
        found += singles(held_serials(session, cards))
    return joined(found)


def _made(session: Session, ranges: Ranges) -> Ranges:
    """Return the ranges without what a label names beyond the end of its batch."""
    found: Ranges = []
    for cards in ranges:
        batch_row = session.execute(
            select(batch.c.first_serial, batch.c.size).where(batch.c.id == cards.batch_id)
        ).one_or_none()
        if batch_row is None:
            raise BatchUnknown(f"there is no batch {cards.batch_id}")
        last = batch_row.first_serial + batch_row.size - 1
        if cards.first > last:
            raise RangeOutsideBatch(f"the batch ends with {serial_text(last)}")
        found.append(SerialRange(cards.first, min(cards.last, last)))
    return found


def _carry_out(
    session: Session,
    actor: Actor,
    row: Row[Any],
    request: tuple[str, str],
    outcomes: dict[str, Ranges],
) -> GoodsReceipt:
    movement_ids = receive_ranges(session, actor, row.number, outcomes["received"])
    cause = Cause(member_id=actor.member_id, document=row.number, reason="arrived damaged")
    for cards in outcomes["damaged"]:
        move_lots(session, cards, "hold", Terms(hold="damaged"), cause)
    issue_credit_notes(session, row, movement_ids)
    receipt = _write(session, actor, row, request, outcomes)
    for kind in _CLAIMED:
        open_claims(session, actor, row, receipt["id"], kind, outcomes[kind])
    close_if_done(session, row.id, row.number)
    counts = {outcome: card_count(ranges) for outcome, ranges in outcomes.items() if ranges}
    detail = {"receipt": receipt["number"], "cards": counts}
    events.record(session, actor, "consignment.received", subject(row.number), **detail)
    known = _known(session, row.id, request[0])
    assert known is not None  # noqa: S101 - it was written just now
    return _receipt(session, row.number, known)


def _write(
    session: Session,
    actor: Actor,
    row: Row[Any],
    request: tuple[str, str],
    outcomes: dict[str, Ranges],
) -> dict[str, Any]:
    receipt = {
        "id": session.new_id(),
        "number": paper_number(session, "GR"),
        "consignment_id": row.id,
        "reference": request[0],
        "content_digest": request[1],
        "member_id": actor.member_id,
        "at": session.now,
    }
    session.execute(goods_receipt.insert(), receipt)
    lines = [
        {
            "receipt_id": receipt["id"],
            "outcome": outcome,
            "first_serial": cards.first,
            "last_serial": cards.last,
        }
        for outcome, ranges in outcomes.items()
        for cards in ranges
    ]
    if lines:
        session.execute(goods_receipt_line.insert(), lines)
    return receipt


def _known(session: Session, consignment_id: int, reference: str) -> Row[Any] | None:
    return session.execute(
        select(goods_receipt).where(
            goods_receipt.c.consignment_id == consignment_id,
            goods_receipt.c.reference == reference,
        )
    ).one_or_none()


def _receipt(session: Session, number: str, row: Row[Any]) -> GoodsReceipt:
    line = goods_receipt_line.c
    outcomes: dict[str, Ranges] = {outcome: [] for outcome in OUTCOMES}
    for each in session.execute(
        select(goods_receipt_line)
        .where(line.receipt_id == row.id)
        .order_by(line.outcome, line.first_serial)
    ):
        outcomes[each.outcome].append(SerialRange(each.first_serial, each.last_serial))
    numbers = session.execute(
        select(claim.c.number).where(claim.c.receipt_id == row.id).order_by(claim.c.id)
    ).scalars()
    return GoodsReceipt(
        number=row.number,
        consignment=number,
        at=row.at,
        outcomes=outcomes,
        claims=tuple(numbers),
    )
