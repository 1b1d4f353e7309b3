"""The tables of distribution/money_tables.py as the first revision makes them."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def create_payment() -> None:
    """Make the table `payment`."""
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_amount")),
        sa.CheckConstraint("length(reference) BETWEEN 1 AND 64", name=op.f("ck_payment_reference")),
        sa.CheckConstraint("reference = upper(reference)", name=op.f("ck_payment_upper")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_payment_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_payment_member_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_payment_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_payment_entry_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_reference")),
    )
    op.create_index("ix_payment_party_id", "payment", ["party_id", "id"], unique=False)


def _settlement_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("previous_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opening_fen", sa.BigInteger(), nullable=False),
        sa.Column("activations_fen", sa.BigInteger(), nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.Column("returns_fen", sa.BigInteger(), nullable=False),
        sa.Column("clawback_fen", sa.BigInteger(), nullable=False),
        sa.Column("payments_fen", sa.BigInteger(), nullable=False),
        sa.Column("bounced_fen", sa.BigInteger(), nullable=False),
        sa.Column("adjustments_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("closing_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    ]


def create_settlement() -> None:
    """Make the table `settlement`."""
    op.create_table(
        "settlement",
        *_settlement_columns(),
        sa.CheckConstraint(
            "activations_fen >= 0 AND commission_fen <= 0", name=op.f("ck_settlement_sold")
        ),
        sa.CheckConstraint(
            "closing_fen = opening_fen + activations_fen + commission_fen + returns_fen + clawback_fen + payments_fen + bounced_fen + adjustments_fen + other_fen",
            name=op.f("ck_settlement_closing"),
        ),
        sa.CheckConstraint(
            "ends_at > starts_at AND closed_at > ends_at", name=op.f("ck_settlement_over")
        ),
        sa.CheckConstraint(
            "payments_fen <= 0 AND bounced_fen >= 0", name=op.f("ck_settlement_paid")
        ),
        sa.CheckConstraint("previous_id <> id", name=op.f("ck_settlement_previous")),
        sa.CheckConstraint(
            "returns_fen <= 0 AND clawback_fen >= 0", name=op.f("ck_settlement_returned")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_settlement_member_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_settlement_party_id")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["settlement.id"], name=op.f("fk_settlement_previous_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("party_id", "starts_on", name=op.f("uq_settlement_party_id_starts_on")),
        sa.UniqueConstraint("previous_id", name=op.f("uq_settlement_previous_id")),
    )
    op.create_index(
        "uq_settlement_first",
        "settlement",
        ["party_id"],
        unique=True,
        postgresql_where=sa.text("previous_id IS NULL"),
        sqlite_where=sa.text("previous_id IS NULL"),
    )


def _adjustment_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("concerns_on", sa.Date(), nullable=True),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    ]


def create_adjustment() -> None:
    """Make the table `adjustment`."""
    op.create_table(
        "adjustment",
        *_adjustment_columns(),
        sa.CheckConstraint(
            "against IN ('suspense', 'commission')", name=op.f("ck_adjustment_against")
        ),
        sa.CheckConstraint(
            "direction IN ('charge', 'credit')", name=op.f("ck_adjustment_direction")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_adjustment_amount")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_adjustment_reason")),
        sa.CheckConstraint("reference = upper(reference)", name=op.f("ck_adjustment_upper")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_adjustment_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_adjustment_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_adjustment_member_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_adjustment_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_adjustment_approval_id")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_adjustment_entry_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_adjustment_reference")),
    )
    op.create_index("ix_adjustment_party_id", "adjustment", ["party_id", "id"], unique=False)


def create_payment_reversal() -> None:
    """Make the table `payment_reversal`."""
    op.create_table(
        "payment_reversal",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_payment_reversal_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_payment_reversal_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_payment_reversal_payment_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payment_reversal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_payment_reversal_entry_id")),
    )


def _settlement_line_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=True),
        sa.Column("cards", sa.BigInteger(), nullable=True),
        sa.Column("face_fen", sa.BigInteger(), nullable=True),
        sa.Column("rate_fen", sa.BigInteger(), nullable=True),
        sa.Column("value_fen", sa.BigInteger(), nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("concerns_on", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
    ]


def create_settlement_line() -> None:
    """Make the table `settlement_line`."""
    op.create_table(
        "settlement_line",
        *_settlement_line_columns(),
        sa.CheckConstraint(
            "(kind = 'void' AND amount_fen = 0) OR (kind <> 'void' AND amount_fen = value_fen + commission_fen)",
            name=op.f("ck_settlement_line_amount"),
        ),
        sa.CheckConstraint(
            "kind IN ('activation', 'return', 'void', 'payment', 'bounced', 'adjustment', 'other')",
            name=op.f("ck_settlement_line_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_settlement_line_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["party.id"], name=op.f("fk_settlement_line_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlement.id"], name=op.f("fk_settlement_line_settlement_id")
        ),
        sa.PrimaryKeyConstraint("settlement_id", "line", name=op.f("pk_settlement_line")),
    )
