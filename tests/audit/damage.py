"""Damaging a world by SQL, past every constraint, in a transaction that is rolled back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from audit.invariants import INVARIANTS
from audit.verify import check_all
from core.db import Session
from tests.audit.world import World
from vouchers.tables import batch, printer

REDEEM = (
    "INSERT INTO journal_entry (id, at, business_day, event, reference)"
    " SELECT 1, at, business_day, 'redemption', '99999999999999' FROM journal_entry"
    " WHERE event = 'redemption' LIMIT 1",
    "INSERT INTO posting (id, entry_id, debit, credit, amount_fen, account_number)"
    " VALUES (1, 1, 2204, 2203, 5000, '4200000003')",
    "UPDATE electricity_account SET balance_fen = balance_fen + 5000 WHERE number = '4200000003'",
    "INSERT INTO request (channel, sender, key, digest, key_version, code, answer, serial, at)"
    " SELECT channel, sender, 'late', digest, 1, 'redeemed', '99999999999999', {card}, at"
    " FROM request WHERE code = 'redeemed' LIMIT 1",
    "INSERT INTO redemption (serial, account_number, face_fen, channel, sender, caller,"
    " request_key, receipt_number, entry_id, at) SELECT {card}, '4200000003', 5000, channel,"
    " sender, caller, 'late', '99999999999999', 1, (SELECT max(at) FROM attempt)"
    " FROM redemption LIMIT 1",
)
"""A redemption complete in itself, of a card that must not be redeemed."""


@dataclass(frozen=True)
class Case:
    """Damage, the tables whose constraints would stop it, and every invariant it breaks."""

    what: str
    breaks: set[str]
    statements: tuple[str, ...]
    loose: tuple[str, ...] = ()


def case(what: str, breaks: str, *statements: str, loose: str = "") -> Case:
    """Return a case; what breaks and what must be loose are given as words."""
    return Case(what, set(breaks.split()), statements, tuple(loose.split()))


def redeemed(card: str) -> tuple[str, ...]:
    """Return the statements that redeem a card in every table, whatever its state."""
    return tuple(statement.replace("{card}", "{" + card + "}") for statement in REDEEM)


def booked(debit: int, credit: int, fen: int, event: str = "correction") -> tuple[str, ...]:
    """Return the statements that add an entry of one posting, in itself a good one."""
    return (
        "INSERT INTO journal_entry (id, at, business_day, event, reference)"
        f" SELECT 2, at, business_day, '{event}', 'by hand' FROM journal_entry LIMIT 1",
        "INSERT INTO posting (id, entry_id, debit, credit, amount_fen, party_id)"
        f" VALUES (2, 2, {debit}, {credit}, {fen}, {{outlet}})",
    )


@contextmanager
def damaged(world: World, tables: Sequence[str], statements: Sequence[str]) -> Iterator[Session]:
    """Free the tables from all constraints and run the statements; roll all of it back."""
    db = world.db
    with db.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        if db.is_sqlite:  # only outside of a transaction
            raw.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin() as transaction:
                session = Session(connection, world.clock(), db.settings.zone, None)
                for table in tables:
                    _loosen(session, table)
                names = _names(world, session)
                for statement in statements:
                    session.execute(text(statement.format_map(names).replace(":", r"\:")))
                yield session
                transaction.rollback()
        finally:
            if db.is_sqlite:
                raw.execute("PRAGMA foreign_keys = ON")


def broken_codes(session: Session) -> set[str]:
    """Return the codes of the invariants that do not hold, in the open transaction."""
    return {r.invariant.code for r in check_all(session, INVARIANTS) if not r.holds}


def _loosen(session: Session, table: str) -> None:
    """Put a copy without keys, checks or NOT NULL in a table's place."""
    for statement in (
        f'CREATE TABLE loose AS SELECT * FROM "{table}"',
        f'DROP TABLE "{table}"' + ("" if _is_sqlite(session) else " CASCADE"),
        f'ALTER TABLE loose RENAME TO "{table}"',
    ):
        session.execute(text(statement))


def _is_sqlite(session: Session) -> bool:
    return session.connection.dialect.name == "sqlite"


def _names(world: World, session: Session) -> dict[str, int]:
    """What statements may name: cards by place, batches by state, parties by kind."""
    names = {f"c{place}": card.serial for place, card in enumerate(world.cards)}
    names |= world.trade.party_ids
    for row in session.execute(select(batch.c.id, batch.c.state, batch.c.exported_at)):
        names[row.state if row.exported_at is None else f"exported_{row.id % 10_000}"] = row.id
    names["big"] = world.cards[0].serial // 100_000
    names["printer"] = session.execute(select(printer.c.id)).scalars().first() or 0
    return names
