"""The tables of distribution/till_tables.py as the first revision makes them."""

import sqlalchemy as sa
from alembic import op


def create_till() -> None:
    """Make the table `till`."""
    op.create_table(
        "till",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_till_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till")),
        sa.UniqueConstraint("code", name=op.f("uq_till_code")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_till_key_hash")),
    )
    op.create_index("ix_till_party_id", "till", ["party_id"], unique=False)


def create_till_sale() -> None:
    """Make the table `till_sale`."""
    op.create_table(
        "till_sale",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("till_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("face_fen", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind = 'pack' OR last_serial = first_serial", name=op.f("ck_till_sale_single")
        ),
        sa.CheckConstraint(
            "kind IN ('card', 'pack', 'electronic')", name=op.f("ck_till_sale_kind")
        ),
        sa.CheckConstraint("face_fen > 0", name=op.f("ck_till_sale_face")),
        sa.CheckConstraint("last_serial >= first_serial", name=op.f("ck_till_sale_range")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_till_sale_entry_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_till_sale_party_id")),
        sa.ForeignKeyConstraint(["till_id"], ["till.id"], name=op.f("fk_till_sale_till_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_sale")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_till_sale_entry_id")),
        sa.UniqueConstraint(
            "till_id", "request_key", name=op.f("uq_till_sale_till_id_request_key")
        ),
    )
    op.create_index("ix_till_sale_first_serial", "till_sale", ["first_serial"], unique=False)


def create_pin_reveal() -> None:
    """Make the table `pin_reveal`."""
    op.create_table(
        "pin_reveal",
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'expired', 'withdrawn')", name=op.f("ck_pin_reveal_outcome")
        ),
        sa.ForeignKeyConstraint(["sale_id"], ["till_sale.id"], name=op.f("fk_pin_reveal_sale_id")),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_pin_reveal")),
    )


def create_sealed_pin() -> None:
    """Make the table `sealed_pin`."""
    op.create_table(
        "sealed_pin",
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("till_id", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sale_id"], ["till_sale.id"], name=op.f("fk_sealed_pin_sale_id")),
        sa.ForeignKeyConstraint(["serial"], ["voucher.serial"], name=op.f("fk_sealed_pin_serial")),
        sa.ForeignKeyConstraint(["till_id"], ["till.id"], name=op.f("fk_sealed_pin_till_id")),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_sealed_pin")),
        sa.UniqueConstraint("serial", name=op.f("uq_sealed_pin_serial")),
    )
    op.create_index("ix_sealed_pin_created_at", "sealed_pin", ["created_at"], unique=False)
