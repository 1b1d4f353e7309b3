"""Tables of stock counts: what was found on the shelf, what differs, and what became of that.

Append only. A count changes no lot: differences end by moves, or by a later count.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from core.db import UtcDateTime, metadata

DIFFERENCE_KINDS = ("missing", "unexpected")
_RANGE = "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000"

stock_count = Table(
    "stock_count",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("note", Text),
    Column("expected_cards", BigInteger, nullable=False),
    Column("found_cards", BigInteger, nullable=False),
    UniqueConstraint("member_id", "reference", name="uq_stock_count_reference"),
    CheckConstraint("expected_cards >= 0 AND found_cards >= 0", name="cards"),
)
"""A count sheet: who counted whose shelf, and when; `reference` makes it once only."""

stock_count_line = Table(
    "stock_count_line",
    metadata,
    Column("count_id", BigInteger, ForeignKey("stock_count.id"), primary_key=True),
    Column("first_serial", BigInteger, primary_key=True, autoincrement=False),
    Column("last_serial", BigInteger, nullable=False),
    CheckConstraint(_RANGE, name="range"),
)
"""Cards that were found."""

stock_difference = Table(
    "stock_difference",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("count_id", BigInteger, ForeignKey("stock_count.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("first_serial", BigInteger, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("booked_stage", Text),
    Column("booked_holder_id", BigInteger, ForeignKey("party.id")),
    Column("owner_id", BigInteger, ForeignKey("party.id"), nullable=False),
    UniqueConstraint("count_id", "first_serial"),
    CheckConstraint(_RANGE, name="range"),
    CheckConstraint("kind IN ('missing', 'unexpected')", name="kind"),
    CheckConstraint("(booked_stage IS NULL) = (booked_holder_id IS NULL)", name="booked"),
    CheckConstraint("kind <> 'missing' OR booked_stage = 'stocked'", name="missing_from_stock"),
)
"""Cards booked on the shelf and not found, or found and booked elsewhere (nowhere: not our cards).

`owner_id` is the party that has to clear it up.
"""

difference_answer = Table(
    "difference_answer",
    metadata,
    Column("difference_id", BigInteger, ForeignKey("stock_difference.id"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("note", Text, nullable=False),
    Column("recount_id", BigInteger, ForeignKey("stock_count.id")),
)
"""How a difference ended, once for ever: by movements, or because a later count agrees."""

difference_movement = Table(
    "difference_movement",
    metadata,
    Column(
        "difference_id",
        BigInteger,
        ForeignKey("difference_answer.difference_id"),
        primary_key=True,
    ),
    Column("movement_id", BigInteger, ForeignKey("stock_movement.id"), primary_key=True),
)
"""The moves that made the books agree with what was found."""

Index("ix_stock_count_party_id", stock_count.c.party_id, stock_count.c.at)
