"""The tables of distribution/tables.py as the first revision makes them."""

import sqlalchemy as sa
from alembic import op


def create_party() -> None:
    """Make the table `party`."""
    op.create_table(
        "party",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'warehouse') = (parent_id IS NULL)", name=op.f("ck_party_root")
        ),
        sa.CheckConstraint(
            "kind IN ('warehouse', 'province', 'city', 'outlet')", name=op.f("ck_party_kind")
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_party_parent")),
        sa.ForeignKeyConstraint(["parent_id"], ["party.id"], name=op.f("fk_party_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sa.UniqueConstraint("code", name=op.f("uq_party_code")),
    )
    op.create_index("ix_party_parent_id", "party", ["parent_id"], unique=False)
    op.create_index(
        "uq_party_one_warehouse",
        "party",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("kind = 'warehouse'"),
        sqlite_where=sa.text("kind = 'warehouse'"),
    )


def create_contract() -> None:
    """Make the table `contract`."""
    op.create_table(
        "contract",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sale_model", sa.Text(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "sale_model IN ('prepaid', 'credit', 'consignment')",
            name=op.f("ck_contract_sale_model"),
        ),
        sa.CheckConstraint("limit_fen >= 0", name=op.f("ck_contract_limit")),
        sa.CheckConstraint("version > 0", name=op.f("ck_contract_version")),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_contract_party_id")),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_contract")),
    )


def create_contract_version() -> None:
    """Make the table `contract_version`."""
    op.create_table(
        "contract_version",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sale_model", sa.Text(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("owed_fen", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "sale_model IN ('prepaid', 'credit', 'consignment')",
            name=op.f("ck_contract_version_sale_model"),
        ),
        sa.CheckConstraint("limit_fen >= 0", name=op.f("ck_contract_version_limit")),
        sa.CheckConstraint("version > 0", name=op.f("ck_contract_version_version")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_contract_version_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["contract.party_id"], name=op.f("fk_contract_version_party_id")
        ),
        sa.PrimaryKeyConstraint("party_id", "version", name=op.f("pk_contract_version")),
    )


def create_commission() -> None:
    """Make the table `commission`."""
    op.create_table(
        "commission",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("denomination_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("after_cards", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("after_cards >= 0", name=op.f("ck_commission_after_cards")),
        sa.CheckConstraint("commission_fen >= 0", name=op.f("ck_commission_commission")),
        sa.ForeignKeyConstraint(
            ["denomination_id"], ["denomination.id"], name=op.f("fk_commission_denomination_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id", "version"],
            ["contract_version.party_id", "contract_version.version"],
            name=op.f("fk_commission_party_id_version"),
        ),
        sa.PrimaryKeyConstraint(
            "party_id",
            "version",
            "denomination_id",
            "effective_from",
            "after_cards",
            name=op.f("pk_commission"),
        ),
    )
