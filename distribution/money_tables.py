"""Tables of what parties pay, what is adjusted, and of their closed months."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

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
    Column("contract_version", Integer, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""A payment that bounced: its mirror entry. The payment's reference stays used. Append only."""

adjustment = Table(
    "adjustment",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("direction", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("against", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("concerns_on", Date),
    Column("contract_version", Integer, nullable=False),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), nullable=False, unique=True),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id"), nullable=False, unique=True),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("amount_fen > 0", name="amount"),
    CheckConstraint("direction IN ('charge', 'credit')", name="direction"),
    CheckConstraint("against IN ('suspense', 'commission')", name="against"),
    CheckConstraint("length(reason) > 0", name="reason"),
    CheckConstraint("reference = upper(reference)", name="upper"),
)
"""What two persons agreed to charge or credit to a party beside its sales; append only.

`concerns_on` is the first day of the month it concerns.
"""

settlement = Table(
    "settlement",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("previous_id", BigInteger, ForeignKey("settlement.id"), unique=True),
    Column("starts_on", Date, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("opening_fen", BigInteger, nullable=False),
    Column("activations_fen", BigInteger, nullable=False),
    Column("commission_fen", BigInteger, nullable=False),
    Column("returns_fen", BigInteger, nullable=False),
    Column("clawback_fen", BigInteger, nullable=False),
    Column("payments_fen", BigInteger, nullable=False),
    Column("bounced_fen", BigInteger, nullable=False),
    Column("adjustments_fen", BigInteger, nullable=False),
    Column("other_fen", BigInteger, nullable=False),
    Column("closing_fen", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    UniqueConstraint("party_id", "starts_on"),
    CheckConstraint("previous_id <> id", name="previous"),
    CheckConstraint("ends_at > starts_at AND closed_at > ends_at", name="over"),
    CheckConstraint("activations_fen >= 0 AND commission_fen <= 0", name="sold"),
    CheckConstraint("returns_fen <= 0 AND clawback_fen >= 0", name="returned"),
    CheckConstraint("payments_fen <= 0 AND bounced_fen >= 0", name="paid"),
    CheckConstraint(
        "closing_fen = opening_fen + activations_fen + commission_fen + returns_fen"
        " + clawback_fen + payments_fen + bounced_fen + adjustments_fen + other_fen",
        name="closing",
    ),
)
"""A closed month of a party that owes; never changed. Each sum is what it adds to what is owed."""

settlement_line = Table(
    "settlement_line",
    metadata,
    Column("settlement_id", BigInteger, ForeignKey("settlement.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("holder_id", BigInteger, ForeignKey("party.id")),
    Column("cards", BigInteger),
    Column("face_fen", BigInteger),
    Column("rate_fen", BigInteger),
    Column("value_fen", BigInteger, nullable=False),
    Column("commission_fen", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reference", Text),
    Column("reason", Text),
    Column("concerns_on", Date),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id")),
    CheckConstraint(
        "kind IN ('activation', 'return', 'void', 'payment', 'bounced', 'adjustment', 'other')",
        name="kind",
    ),
    CheckConstraint(
        "(kind = 'void' AND amount_fen = 0)"
        " OR (kind <> 'void' AND amount_fen = value_fen + commission_fen)",
        name="amount",
    ),
)
"""One line of a closed month; cards are told by day, outlet, face and rate.

`concerns_on` is the first day of the earlier month that the line concerns.
"""

Index("ix_payment_party_id", payment.c.party_id, payment.c.id)
Index("ix_adjustment_party_id", adjustment.c.party_id, adjustment.c.id)
Index(
    "uq_settlement_first",
    settlement.c.party_id,
    unique=True,
    postgresql_where=settlement.c.previous_id.is_(None),
    sqlite_where=settlement.c.previous_id.is_(None),
)
