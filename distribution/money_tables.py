"""Tables of what parties pay, and of what was paid back by their banks."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Index, Table, Text

from core.db import UtcDateTime, metadata

payment = Table(
    "payment",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("paid_on", Date, nullable=False),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id"), nullable=False, unique=True),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("amount_fen > 0", name="amount"),
    CheckConstraint("length(reference) BETWEEN 1 AND 64", name="reference"),
    CheckConstraint("reference = upper(reference)", name="upper"),
)
"""Money that a party paid into the bank; each bank reference once for ever. Append only."""

payment_reversal = Table(
    "payment_reversal",
    metadata,
    Column("payment_id", BigInteger, ForeignKey("payment.id"), primary_key=True),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id"), nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""A payment that bounced: its mirror entry. The payment's reference stays used. Append only."""

Index("ix_payment_party_id", payment.c.party_id, payment.c.id)
