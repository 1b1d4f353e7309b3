"""Tables of the trade: who holds cards, and on what terms."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
)

from core.db import UtcDateTime, metadata
from distribution.count_tables import difference_answer as difference_answer
from distribution.count_tables import difference_movement as difference_movement
from distribution.count_tables import stock_count as stock_count
from distribution.count_tables import stock_count_line as stock_count_line
from distribution.count_tables import stock_difference as stock_difference
from distribution.money_tables import adjustment as adjustment
from distribution.money_tables import payment as payment
from distribution.money_tables import payment_reversal as payment_reversal
from distribution.money_tables import settlement as settlement
from distribution.money_tables import settlement_line as settlement_line
from distribution.paper_tables import claim as claim
from distribution.paper_tables import claim_event as claim_event
from distribution.paper_tables import consignment as consignment
from distribution.paper_tables import consignment_line as consignment_line
from distribution.paper_tables import credit_note as credit_note
from distribution.paper_tables import credit_note_line as credit_note_line
from distribution.paper_tables import goods_receipt as goods_receipt
from distribution.paper_tables import goods_receipt_line as goods_receipt_line
from distribution.paper_tables import stock_order as stock_order
from distribution.paper_tables import stock_order_line as stock_order_line
from distribution.till_tables import pin_reveal as pin_reveal
from distribution.till_tables import sealed_pin as sealed_pin
from distribution.till_tables import till as till
from distribution.till_tables import till_sale as till_sale

_SALE_MODELS = "sale_model IN ('prepaid', 'credit', 'consignment')"

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
    Column("version", Integer, nullable=False),
    Column("sale_model", Text, nullable=False),
    Column("limit_fen", BigInteger, nullable=False),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint(_SALE_MODELS, name="sale_model"),
    CheckConstraint("limit_fen >= 0", name="limit"),
)
"""On what terms a party is sold to now; it owes and earns for all below without their own."""

contract_version = Table(
    "contract_version",
    metadata,
    Column("party_id", BigInteger, ForeignKey("contract.party_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sale_model", Text, nullable=False),
    Column("limit_fen", BigInteger, nullable=False),
    Column("owed_fen", BigInteger, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint(_SALE_MODELS, name="sale_model"),
    CheckConstraint("limit_fen >= 0", name="limit"),
)
"""Every form a contract ever had, and what the party owed when it was written; append only."""

commission = Table(
    "commission",
    metadata,
    Column("party_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("denomination_id", BigInteger, ForeignKey("denomination.id"), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("after_cards", BigInteger, primary_key=True, autoincrement=False),
    Column("commission_fen", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ("party_id", "version"), ("contract_version.party_id", "contract_version.version")
    ),
    CheckConstraint("after_cards >= 0", name="after_cards"),
    CheckConstraint("commission_fen >= 0", name="commission"),
)
"""Whole fen earned for each card of a face from a day on, after so many in the month."""

Index("ix_party_parent_id", party.c.parent_id)
Index(
    "uq_party_one_warehouse",
    party.c.kind,
    unique=True,
    postgresql_where=party.c.kind == "warehouse",
    sqlite_where=party.c.kind == "warehouse",
)
