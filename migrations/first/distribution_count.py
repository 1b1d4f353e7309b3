"""The tables of distribution/count_tables.py as the first revision makes them."""

import sqlalchemy as sa
from alembic import op


def create_stock_count() -> None:
    """Make the table `stock_count`."""
    op.create_table(
        "stock_count",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("expected_cards", sa.BigInteger(), nullable=False),
        sa.Column("found_cards", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "expected_cards >= 0 AND found_cards >= 0", name=op.f("ck_stock_count_cards")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_stock_count_member_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_stock_count_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_count")),
        sa.UniqueConstraint("member_id", "reference", name="uq_stock_count_reference"),
    )
    op.create_index("ix_stock_count_party_id", "stock_count", ["party_id", "at"], unique=False)


def create_stock_count_line() -> None:
    """Make the table `stock_count_line`."""
    op.create_table(
        "stock_count_line",
        sa.Column("count_id", sa.BigInteger(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000",
            name=op.f("ck_stock_count_line_range"),
        ),
        sa.ForeignKeyConstraint(
            ["count_id"], ["stock_count.id"], name=op.f("fk_stock_count_line_count_id")
        ),
        sa.PrimaryKeyConstraint("count_id", "first_serial", name=op.f("pk_stock_count_line")),
    )


def create_stock_difference() -> None:
    """Make the table `stock_difference`."""
    op.create_table(
        "stock_difference",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("booked_stage", sa.Text(), nullable=True),
        sa.Column("booked_holder_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind <> 'missing' OR booked_stage = 'stocked'",
            name=op.f("ck_stock_difference_missing_from_stock"),
        ),
        sa.CheckConstraint(
            "kind IN ('missing', 'unexpected')", name=op.f("ck_stock_difference_kind")
        ),
        sa.CheckConstraint(
            "(booked_stage IS NULL) = (booked_holder_id IS NULL)",
            name=op.f("ck_stock_difference_booked"),
        ),
        sa.CheckConstraint(
            "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000",
            name=op.f("ck_stock_difference_range"),
        ),
        sa.ForeignKeyConstraint(
            ["booked_holder_id"], ["party.id"], name=op.f("fk_stock_difference_booked_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["count_id"], ["stock_count.id"], name=op.f("fk_stock_difference_count_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["party.id"], name=op.f("fk_stock_difference_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_difference")),
        sa.UniqueConstraint(
            "count_id", "first_serial", name=op.f("uq_stock_difference_count_id_first_serial")
        ),
    )


def create_difference_answer() -> None:
    """Make the table `difference_answer`."""
    op.create_table(
        "difference_answer",
        sa.Column("difference_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recount_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["difference_id"],
            ["stock_difference.id"],
            name=op.f("fk_difference_answer_difference_id"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_difference_answer_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["recount_id"], ["stock_count.id"], name=op.f("fk_difference_answer_recount_id")
        ),
        sa.PrimaryKeyConstraint("difference_id", name=op.f("pk_difference_answer")),
    )


def create_difference_movement() -> None:
    """Make the table `difference_movement`."""
    op.create_table(
        "difference_movement",
        sa.Column("difference_id", sa.BigInteger(), nullable=False),
        sa.Column("movement_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["difference_id"],
            ["difference_answer.difference_id"],
            name=op.f("fk_difference_movement_difference_id"),
        ),
        sa.ForeignKeyConstraint(
            ["movement_id"], ["stock_movement.id"], name=op.f("fk_difference_movement_movement_id")
        ),
        sa.PrimaryKeyConstraint(
            "difference_id", "movement_id", name=op.f("pk_difference_movement")
        ),
    )
