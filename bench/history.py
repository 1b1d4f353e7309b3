"""Redemptions of the past, written by SQL with all their rows, so that a world looks lived in."""

from datetime import timedelta

import msgspec
from sqlalchemy import text

from audit.counters import rebuild
from bench.deck import Supply
from bench.making import Progress
from bench.people import FACE_FEN
from bench.world import OWING_EACH, World
from core.clock import local_day
from core.db import Database, Session
from redemption.requests import Answer, Code
from vouchers.serials import SerialRange, serial_text

SENDER = "history"
"""The partner that all of the past came through."""

_AGO = timedelta(days=10)
_RECEIPT_PLACE, _TAIL_PLACE = "#" * 14, "@" * 4
_CUSTOMERS = OWING_EACH - 1

_PAST = """
CREATE TEMPORARY TABLE past ON COMMIT DROP AS
SELECT serial, :first + row_number() OVER () AS number,
       CAST(:account + mod(row_number() OVER () * 7919, :groups) * :each + 1
            + mod(row_number() OVER (), :customers) AS text) AS account_number
FROM voucher WHERE serial BETWEEN :low AND :high
"""
_ENTRIES = """
INSERT INTO journal_entry (id, at, business_day, event, reference)
SELECT number, :at, :day, 'redemption', :prefix || lpad(CAST(number AS text), 8, '0') FROM past
"""
_POSTINGS = """
INSERT INTO posting (id, entry_id, debit, credit, amount_fen, account_number)
SELECT number, number, 2204, 2203, :face, account_number FROM past
"""
_REDEMPTIONS = """
INSERT INTO redemption (serial, account_number, face_fen, channel, sender, caller, request_key,
                        receipt_number, entry_id, at)
SELECT serial, account_number, :face, 'partner', :sender, 'partner:history/' || account_number,
       'past-' || number, :prefix || lpad(CAST(number AS text), 8, '0'), number, :at FROM past
"""
_REQUESTS = """
INSERT INTO request (channel, sender, key, digest, key_version, code, answer, serial, at)
SELECT 'partner', :sender, 'past-' || number, sha256(CAST(CAST(number AS text) AS bytea)), 1,
       'redeemed', replace(replace(:answer, :receipt_place,
       :prefix || lpad(CAST(number AS text), 8, '0')), :tail_place, right(account_number, 4)),
       serial, :at FROM past
"""
_BALANCES = """
UPDATE electricity_account SET balance_fen = balance_fen + added.fen, version = version + 1
FROM (SELECT account_number, count(*) * :face AS fen FROM past GROUP BY account_number) AS added
WHERE number = added.account_number
"""


def grow(world: World, redemptions: int, progress: Progress) -> None:
    """Redeem active cards by SQL until the world holds so many redemptions of the past.

    They are the first cards of every batch; the world's supply becomes the rest.
    """
    share = redemptions // len(world.active)
    done = _count(world.db, world.active[0].cards)
    first = done * len(world.active)
    for number, made in enumerate(world.active, 1):
        if done < share:
            cards = SerialRange(made.cards.first + done, made.cards.first + share - 1)
            with world.db.write() as session:
                _write(session, world, first, cards)
            first += cards.count
        progress(number, len(world.active))
    rebuild(world.db)  # what was written lies behind the watermark of a server or an earlier report
    world.supply = Supply(
        [range(m.first_number + share, m.first_number + m.cards.count) for m in world.active]
    )


def _write(session: Session, world: World, first: int, cards: SerialRange) -> None:
    at = session.now - _AGO
    values = {
        "first": first,
        "low": cards.first,
        "high": cards.last,
        "account": int(world.account(0)),
        "groups": world.accounts // OWING_EACH,
        "each": OWING_EACH,
        "customers": _CUSTOMERS,
        "at": at,
        "day": local_day(at, session.zone),
        "prefix": f"{local_day(at, session.zone):%y%m%d}",
        "face": FACE_FEN,
        "sender": SENDER,
        "answer": _answer(session, world),
        "receipt_place": _RECEIPT_PLACE,
        "tail_place": _TAIL_PLACE,
    }
    for statement in (_PAST, _ENTRIES, _POSTINGS, _REDEMPTIONS, _REQUESTS, _BALANCES):
        prepared = text(statement)
        names = prepared.compile().params
        session.execute(prepared, {name: values[name] for name in names})


def _answer(session: Session, world: World) -> str:
    """Return an answer as the product stores it; receipt and tail are filled in by SQL."""
    answer = Answer(
        code=Code.REDEEMED,
        at=session.now - _AGO,
        serial=serial_text(world.active[0].cards.first),
        face_fen=FACE_FEN,
        account_tail=_TAIL_PLACE,
        receipt_number=_RECEIPT_PLACE,
        arrears_paid_fen=0,
        late_fee_fen=0,
        balance_fen=FACE_FEN,
    )
    return msgspec.json.encode(answer).decode()


def _count(db: Database, cards: SerialRange) -> int:
    with db.read() as session:
        query = text(
            "SELECT count(*) FROM redemption WHERE sender = :sender AND serial BETWEEN :a AND :b"
        )
        values = {"sender": SENDER, "a": cards.first, "b": cards.last}
        return int(session.execute(query, values).scalar_one())
