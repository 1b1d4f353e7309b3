"""Tables of tills: their sales, and the PINs sealed until the reveal."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from core.db import UtcDateTime, metadata

till = Table(
    "till",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""A counter of an outlet that sells: the hash of its API key, and its age key for PINs.

What changes in it stands in the event log.
"""

till_sale = Table(
    "till_sale",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("till_id", BigInteger, ForeignKey("till.id"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("first_serial", BigInteger, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("face_fen", BigInteger, nullable=False),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id"), nullable=False, unique=True),
    Column("request_key", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("till_id", "request_key"),
    CheckConstraint("kind IN ('card', 'pack', 'electronic')", name="kind"),
    CheckConstraint("last_serial >= first_serial", name="range"),
    CheckConstraint("kind = 'pack' OR last_serial = first_serial", name="single"),
    CheckConstraint("face_fen > 0", name="face"),
)
"""A sale at a till: the cards that one entry in the books made active. Insert only."""

sealed_pin = Table(
    "sealed_pin",
    metadata,
    Column("sale_id", BigInteger, ForeignKey("till_sale.id"), primary_key=True),
    Column("serial", BigInteger, ForeignKey("voucher.serial"), nullable=False, unique=True),
    Column("till_id", BigInteger, ForeignKey("till.id"), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""The PIN of an electronic card, encrypted to its till alone; deleted when it is revealed."""

pin_reveal = Table(
    "pin_reveal",
    metadata,
    Column("sale_id", BigInteger, ForeignKey("till_sale.id"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("outcome IN ('confirmed', 'expired', 'withdrawn')", name="outcome"),
)
"""How the sealed PIN of a sale ended: told to the buyer, too old, or its card taken back."""

Index("ix_till_party_id", till.c.party_id)
Index("ix_till_sale_first_serial", till_sale.c.first_serial)
Index("ix_sealed_pin_created_at", sealed_pin.c.created_at)
