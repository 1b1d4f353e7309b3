"""Tables of the trade: who holds cards, and on what terms."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text

from core.db import UtcDateTime, metadata
from distribution.money_tables import payment as payment
from distribution.money_tables import payment_reversal as payment_reversal

party = Table(
    "party",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_id", BigInteger, ForeignKey("party.id")),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("kind IN ('warehouse', 'province', 'city', 'outlet')", name="kind"),
    CheckConstraint("(kind = 'warehouse') = (parent_id IS NULL)", name="root"),
    CheckConstraint("parent_id <> id", name="parent"),
)
"""Who can hold cards: a tree with the company warehouse at its root."""

contract = Table(
    "contract",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.id"), primary_key=True),
    Column("sale_model", Text, nullable=False),
    Column("limit_fen", BigInteger, nullable=False),
    CheckConstraint("sale_model IN ('prepaid', 'credit', 'consignment')", name="sale_model"),
    CheckConstraint("limit_fen >= 0", name="limit"),
)
"""On what terms a party is sold to; it owes and earns for all parties below without their own."""

commission = Table(
    "commission",
    metadata,
    Column("party_id", BigInteger, ForeignKey("contract.party_id"), primary_key=True),
    Column("denomination_id", BigInteger, ForeignKey("denomination.id"), primary_key=True),
    Column("commission_fen", BigInteger, nullable=False),
    CheckConstraint("commission_fen >= 0", name="commission"),
)
"""Whole fen a party earns for each card of a denomination; no row means none."""

Index("ix_party_parent_id", party.c.parent_id)
Index(
    "uq_party_one_warehouse",
    party.c.kind,
    unique=True,
    postgresql_where=party.c.kind == "warehouse",
    sqlite_where=party.c.kind == "warehouse",
)
