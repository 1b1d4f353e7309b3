"""Invariants of the money of moves: receivables, commission, what leaves the liability."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from accounts.ledger import LedgerCode
from accounts.tables import journal_entry, posting
from audit.invariant import Invariant, none_of
from audit.ranges import movement_size, replaced_cards, used_cards
from vouchers.tables import batch, denomination, stock_movement

EVENTS = ("activation", "deactivation", "return", "return_received", "void", "reissue")
"""The events of entries that moves of cards post."""

_moved = stock_movement.c
_gross = _moved.price_fen * movement_size
_commission = _moved.commission_fen * movement_size
_net = _gross - _commission
_unspent = (
    movement_size
    - used_cards(_moved.first_serial, _moved.last_serial)
    - replaced_cards(_moved.first_serial, _moved.last_serial)
)
_void_active = and_(_moved.move == "void", _moved.from_stage == "active")
_void_on_the_way = and_(_moved.move == "void", _moved.from_stage == "in_transit")
_ACTIVATE, _DEACTIVATE = _moved.move == "activate", _moved.move == "deactivate"
_RETURN, _RECEIVE = _moved.move == "return", _moved.move == "receive"
_REISSUE = _moved.move == "reissue"

_OF_PARTIES = (LedgerCode.DISTRIBUTOR_RECEIVABLE, LedgerCode.COMMISSION_EXPENSE)
_DEBITED: dict[LedgerCode, ColumnElement[Any]] = {
    LedgerCode.DISTRIBUTOR_RECEIVABLE: case(
        (_ACTIVATE, _net), (_DEACTIVATE, -_net), (_RECEIVE, -_net), else_=0
    ),
    LedgerCode.COMMISSION_EXPENSE: case(
        (_ACTIVATE, _commission), (_DEACTIVATE, -_commission), (_RECEIVE, -_commission), else_=0
    ),
    LedgerCode.VOUCHER_LIABILITY: case(
        (_ACTIVATE, -_gross),
        (_REISSUE, -_gross),
        (_DEACTIVATE, _gross),
        (_RETURN, _gross),
        (_void_active, denomination.c.face_fen * _unspent),
        else_=0,
    ),
    LedgerCode.RETURNS_CLEARING: case(
        (_RETURN, -_gross),
        (_RECEIVE, _gross),
        (_void_on_the_way, denomination.c.face_fen * movement_size),
        else_=0,
    ),
    LedgerCode.SUSPENSE: case(
        (_REISSUE, _gross),
        (_void_active, -denomination.c.face_fen * _unspent),
        (_void_on_the_way, -denomination.c.face_fen * movement_size),
        else_=0,
    ),
}
"""What a movement with an entry debits to each account (below 0: credits), in fen.

Domain rule: the books. Void movements keep no price, and only unused cards leave the liability.
"""


def _money_unlike_movements() -> Select[Any]:
    """By entry, account and party: what the movements ask for, less what is posted: 0."""
    rows = union_all(
        *(_asked_for(code) for code in _DEBITED),
        _posted(posting.c.debit, 1),
        _posted(posting.c.credit, -1),
    ).subquery()
    key = (rows.c.entry, rows.c.code, rows.c.party_id)
    asked_fen, posted_fen = func.sum(rows.c.asked_fen), func.sum(rows.c.posted_fen)
    return (
        select(*key, asked_fen.label("asked_fen"), posted_fen.label("posted_fen"))
        .group_by(*key)
        .having(asked_fen != posted_fen)
    )


def _asked_for(code: LedgerCode) -> Select[Any]:
    party_id = _moved.owing_party_id if code in _OF_PARTIES else cast(null(), BigInteger)
    return (
        select(
            _moved.entry_id.label("entry"),
            literal(int(code)).label("code"),
            party_id.label("party_id"),
            _DEBITED[code].label("asked_fen"),
            literal(0).label("posted_fen"),
        )
        .join(batch, batch.c.id == _moved.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(_moved.entry_id.is_not(None))
    )


def _posted(side: ColumnElement[int], sign: int) -> Select[Any]:
    entries = select(_moved.entry_id).where(_moved.entry_id.is_not(None)).distinct().subquery()
    codes = tuple(int(code) for code in _OF_PARTIES)
    return select(
        posting.c.entry_id,
        side,
        case((side.in_(codes), posting.c.party_id)),
        literal(0),
        posting.c.amount_fen * sign,
    ).join(entries, entries.c.entry_id == posting.c.entry_id)


def _sale_without_its_price() -> Select[Any]:
    """Moves of sold cards that do not say the face value or who owes, or have no entry."""
    stands_for = _moved.move == "replace"  # the price of a sale that was posted then
    sold = or_(
        *(_ACTIVATE, _DEACTIVATE, _REISSUE, stands_for),
        and_(_RETURN, _moved.from_stage == "active"),
    )
    return (
        select(
            _moved.first_serial.label("serial"),
            _moved.last_serial,
            _moved.id.label("movement"),
            _moved.move,
            _moved.price_fen,
            denomination.c.face_fen,
            _moved.entry_id.label("entry"),
        )
        .join(batch, batch.c.id == _moved.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(
            or_(
                and_(sold, or_(_moved.price_fen.is_(None), _moved.owing_party_id.is_(None))),
                _moved.price_fen != denomination.c.face_fen,
                and_(_moved.price_fen.is_not(None), _moved.entry_id.is_(None), ~stands_for),
            )
        )
    )


def _entry_without_movement() -> Select[Any]:
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.event, journal_entry.c.reference)
        .outerjoin(stock_movement, _moved.entry_id == journal_entry.c.id)
        .where(journal_entry.c.event.in_(EVENTS), _moved.id.is_(None))
    )


TRADE = (
    Invariant(
        "movement_money",
        "代理商应收和佣金等于流水中的价款减佣金；激活、返销、返库、作废的分录与流水一致。",
        "Receivables and commission are the movements' prices less commission; what moves post is"
        " what their movements say.",
        none_of(_sale_without_its_price(), _money_unlike_movements(), _entry_without_movement()),
    ),
)
