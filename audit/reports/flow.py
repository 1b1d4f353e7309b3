"""Stock over a period: opening + in - out = closing, and what must be ordered again.

Stock is what a party holds unsold: stocked, or sent and not yet received by the other side.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from audit.history import Movement, Piece, cards_moved
from audit.inventory import face_of_batches, party_names
from audit.pieces import all_pieces, applied_by, batches_moved_since
from audit.reports.report import Ask, Report
from core.clock import local_day
from core.db import Session
from core.sheets import Column, Sheet, Value
from distribution.reorder import forecast
from distribution.tables import party
from vouchers.tables import stock_movement

SALES_DAYS = 90
"""Sell-through is looked at over so many days, or since an outlet's first cards if that is less."""

_IN_STOCK = ("stocked", "in_transit")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_IN = {"take_into_stock": "taken_in", "receive": "received", "deactivate": "taken_back"}
_IN |= {"return": "taken_back"}
_OUT = {"receive": "handed_over", "activate": "sold", "void": "void"}
_INS, _OUTS = (
    ("taken_in", "received", "taken_back", "other_in"),
    (
        "handed_over",
        "sold",
        "void",
        "other_out",
    ),
)
_HOLDER = (Column("holder", "Holder"), Column("holder_name", "Name"))
_FACE = Column("face_fen", "Face", "fen")
_Key = tuple[int, int]
"""Holder and face."""


def _stock(session: Session, ask: Ask) -> Sheet:
    columns = (
        *_HOLDER,
        _FACE,
        Column("opening_cards", "Opening", "count"),
        *(
            Column(f"{name}_cards", name.replace("_", " ").capitalize(), "count")
            for name in (*_INS, *_OUTS)
        ),
        Column("closing_cards", "Closing", "count"),
        Column("difference_cards", "Opening + in - out - closing", "count"),
    )
    before = _BEGINNING if ask.since is None else ask.since - timedelta(microseconds=1)
    faces = face_of_batches(session)
    opening = _held(all_pieces(session, before), faces)
    closing = _held(all_pieces(session, ask.as_of, ask.progress), faces)
    flows = _flows(session, before, ask, faces)
    names = party_names(session)
    rows: list[tuple[Value, ...]] = []
    for holder, face in {*opening, *closing, *(key for key, _ in flows)}:
        if ask.within is not None and holder not in ask.within:
            continue
        ins = [flows[(holder, face), name] for name in _INS]
        outs = [flows[(holder, face), name] for name in _OUTS]
        first, last = opening[holder, face], closing[holder, face]
        left_over = first + sum(ins) - sum(outs) - last
        rows.append((*names[holder], face, first, *ins, *outs, last, left_over))
    return Sheet("stock", columns, sorted(rows, key=lambda row: (str(row[0]), int(str(row[2])))))


def _held(pieces: Iterable[Piece], faces: Mapping[int, int]) -> Counter[_Key]:
    held: Counter[_Key] = Counter()
    for piece in pieces:
        if piece.stage in _IN_STOCK:
            held[piece.holder_id, faces[piece.batch_id]] += piece.cards
    return held


def _flows(
    session: Session, before: datetime, ask: Ask, faces: Mapping[int, int]
) -> Counter[tuple[_Key, str]]:
    """Count the cards that movements of the period brought into stock and took out of it."""
    flows: Counter[tuple[_Key, str]] = Counter()
    batches = batches_moved_since(session, before)
    for earlier, later in applied_by(session, batches, (before, ask.as_of), ask.progress):
        had_moved = cards_moved(earlier)
        moved = {item[2].id: item[2] for item in later}
        for movement_id, cards in cards_moved(later).items():
            new = cards - had_moved.get(movement_id, 0)
            for holder, name in _crossings(moved[movement_id]):
                flows[(holder, faces[moved[movement_id].batch_id]), name] += new
    return flows


def _crossings(moved: Movement) -> Iterator[tuple[int, str]]:
    """Tell out of whose stock a movement took its cards, and into whose it brought them."""
    was = moved.from_holder if moved.from_stage in _IN_STOCK else None
    becomes = moved.holder_id if moved.stage in _IN_STOCK else None
    if was != becomes:
        if was is not None:
            yield was, _OUT.get(moved.move, "other_out")
        if becomes is not None:
            yield becomes, _IN.get(moved.move, "other_in")


_LOW_STOCK = (
    *_HOLDER,
    _FACE,
    Column("on_hand_cards", "On hand", "count"),
    Column("incoming_cards", "On the way", "count"),
    Column("sold_cards", f"Sold in {SALES_DAYS} days", "count"),
    Column("pattern", "Demand"),
    Column("per_day", "Sold a day", "decimal"),
    Column("days_of_cover", "Days of cover", "decimal"),
    Column("reorder_point", "Reorder point", "count"),
    Column("to_order_cards", "To order", "count"),
    Column("low", "Low"),
    Column("method", "Method"),
)


def _low_stock(session: Session, ask: Ask) -> Sheet:
    faces = face_of_batches(session)
    on_hand, incoming = _available(all_pieces(session, ask.as_of, ask.progress), faces)
    sales = _daily_sales(session, ask, faces)
    names, outlets = party_names(session), _outlets(session, ask)
    rows: list[tuple[Value, ...]] = []
    for key in {*on_hand, *incoming, *sales}:
        if key[0] not in outlets:
            continue
        made = forecast(sales.get(key, ()))
        has = on_hand[key] + incoming[key]
        point = made.reorder_point(ask.terms)
        rows.append(
            (
                *names[key[0]],
                key[1],
                on_hand[key],
                incoming[key],
                sum(sales.get(key, ())),
                made.pattern,
                made.per_day,
                made.days_of_cover(on_hand[key]),
                point,
                max(0, point - has),
                "yes" if made.pattern != "none" and has <= point else "",
                made.method,
            )
        )
    facts: dict[str, Value] = {
        "lead_days": ask.terms.lead_days,
        "service_level": str(ask.terms.service_level),
        "sources": "Syntetos, Boylan, Croston 2005; Croston 1972; Silver, Pyke, Peterson 1998",
    }
    rows.sort(key=lambda row: (str(row[0]), int(str(row[2]))))
    return Sheet("low stock", _LOW_STOCK, rows, facts)


def _available(
    pieces: Iterable[Piece], faces: Mapping[int, int]
) -> tuple[Counter[_Key], Counter[_Key]]:
    """What can be sold at once, and what is on the way to somebody; held cards are neither."""
    on_hand: Counter[_Key] = Counter()
    incoming: Counter[_Key] = Counter()
    for piece in pieces:
        if piece.hold is None and piece.stage == "stocked":
            on_hand[piece.holder_id, faces[piece.batch_id]] += piece.cards
        elif piece.hold is None and piece.in_transit_to is not None:
            incoming[piece.in_transit_to, faces[piece.batch_id]] += piece.cards
    return on_hand, incoming


def _daily_sales(session: Session, ask: Ask, faces: Mapping[int, int]) -> dict[_Key, list[int]]:
    """The cards that each outlet activated on each whole local day before the instant.

    Its series begins with the day its first cards of the face came, so that a new shop's empty
    past is not taken for weak demand.
    """
    today = local_day(ask.as_of, session.zone)
    moved = stock_movement.c
    rows = session.execute(
        select(
            moved.at,
            moved.move,
            moved.to_holder,
            moved.batch_id,
            moved.last_serial - moved.first_serial + 1,
        ).where(moved.at <= ask.as_of, moved.move.in_(("receive", "activate")))
    )
    first: dict[_Key, int] = {}
    sold: dict[_Key, Counter[int]] = {}
    for at, move, holder, batch_id, cards in rows:
        key, ago = (holder, faces[batch_id]), (today - local_day(at, session.zone)).days
        first[key] = max(first.get(key, 0), ago)
        if move == "activate":
            sold.setdefault(key, Counter())[ago] += cards
    return {
        key: [days[ago] for ago in range(min(SALES_DAYS, first[key]), 0, -1)]
        for key, days in sold.items()
    }


def _outlets(session: Session, ask: Ask) -> set[int]:
    found = set(session.execute(select(party.c.id).where(party.c.kind == "outlet")).scalars())
    return found if ask.within is None else found & ask.within


REPORTS = (
    Report(
        name="stock",
        zh="进销存：期初 + 收入 − 发出 = 期末",
        en="Unsold stock of each holder and face: opening, in, out, closing.",
        make=_stock,
        of_parties=True,
        has_period=True,
    ),
    Report(
        name="low-stock",
        zh="低库存：可售天数与再订货点",
        en="Outlets' stock, days of cover from the sell-through, and reorder points.",
        make=_low_stock,
        of_parties=True,
    ),
)
