"""The tables of redemption/tables.py as the first revision makes them."""

import sqlalchemy as sa
from alembic import op


def create_alarm() -> None:
    """Make the table `alarm`."""
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("once", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("once", name=op.f("uq_alarm_once")),
    )
    op.create_index("ix_alarm_at", "alarm", ["at"], unique=False)
    op.create_index("ix_alarm_subject", "alarm", ["subject", "at"], unique=False)


def create_attempt() -> None:
    """Make the table `attempt`."""
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_caller", "attempt", ["caller", "at"], unique=False)
    op.create_index("ix_attempt_sender", "attempt", ["channel", "sender", "at"], unique=False)


def create_caller() -> None:
    """Make the table `caller`."""
    op.create_table(
        "caller",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("wrong_today", sa.Integer(), nullable=False),
        sa.Column("malformed_today", sa.Integer(), nullable=False),
        sa.Column("wrong_in_row", sa.Integer(), nullable=False),
        sa.Column("locked_rule", sa.Text(), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_lock_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "locked_rule IN ('day', 'days_72h', 'operator')", name=op.f("ck_caller_locked_rule")
        ),
        sa.CheckConstraint(
            "locked_until IS NULL OR locked_rule IS NOT NULL", name=op.f("ck_caller_locked_until")
        ),
        sa.CheckConstraint(
            "wrong_today >= 0 AND malformed_today >= 0 AND wrong_in_row >= 0",
            name=op.f("ck_caller_counts"),
        ),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_caller")),
    )


def create_caller_language() -> None:
    """Make the table `caller_language`."""
    op.create_table(
        "caller_language",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_caller_language_language")),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_caller_language")),
    )


def create_channel() -> None:
    """Make the table `channel`."""
    op.create_table(
        "channel",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hmac_secret", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_channel_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_channel_name")),
    )


def create_partner() -> None:
    """Make the table `partner`."""
    op.create_table(
        "partner",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_per_hour", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("wrong_per_hour > 0", name=op.f("ck_partner_wrong_per_hour")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_partner_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_partner_name")),
    )


def create_redeemed_pack() -> None:
    """Make the table `redeemed_pack`."""
    op.create_table(
        "redeemed_pack",
        sa.Column("first_serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.CheckConstraint("cards BETWEEN 1 AND 100", name=op.f("ck_redeemed_pack_cards")),
        sa.CheckConstraint("first_serial % 100 = 0", name=op.f("ck_redeemed_pack_first_serial")),
        sa.PrimaryKeyConstraint("first_serial", name=op.f("pk_redeemed_pack")),
    )


def create_redemption() -> None:
    """Make the table `redemption`."""
    op.create_table(
        "redemption",
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_number", sa.String(length=13), nullable=False),
        sa.Column("face_fen", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("face_fen > 0", name=op.f("ck_redemption_face")),
        sa.CheckConstraint(
            "length(receipt_number) = 14", name=op.f("ck_redemption_receipt_number")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_redemption")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_redemption_entry_id")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_redemption_receipt_number")),
    )
    op.create_index(
        "ix_redemption_at",
        "redemption",
        ["at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )


def create_request() -> None:
    """Make the table `request`."""
    op.create_table(
        "request",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "sender", "channel", name=op.f("pk_request")),
    )
    op.create_index(
        "ix_request_refused_serial",
        "request",
        ["serial", "at"],
        unique=False,
        postgresql_where=sa.text("serial IS NOT NULL AND code != 'redeemed'"),
        sqlite_where=sa.text("serial IS NOT NULL AND code != 'redeemed'"),
    )


def create_watermark() -> None:
    """Make the table `watermark`."""
    op.create_table(
        "watermark",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermark")),
    )


def create_caller_binding() -> None:
    """Make the table `caller_binding`."""
    op.create_table(
        "caller_binding",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("account_number", sa.String(length=13), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_number"],
            ["electricity_account.number"],
            name=op.f("fk_caller_binding_account_number"),
        ),
        sa.PrimaryKeyConstraint("caller", "account_number", name=op.f("pk_caller_binding")),
    )


def create_caller_lock() -> None:
    """Make the table `caller_lock`."""
    op.create_table(
        "caller_lock",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "rule IN ('day', 'days_72h', 'operator')", name=op.f("ck_caller_lock_rule")
        ),
        sa.CheckConstraint(
            "released_by IS NULL OR reason IS NOT NULL",
            name=op.f("ck_caller_lock_released_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["caller"], ["caller.identity"], name=op.f("fk_caller_lock_caller")
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["staff_member.id"], name=op.f("fk_caller_lock_released_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_lock")),
    )
    op.create_index("ix_caller_lock_caller", "caller_lock", ["caller", "at"], unique=False)


def create_redemption_reversal() -> None:
    """Make the table `redemption_reversal`."""
    op.create_table(
        "redemption_reversal",
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reissued_as", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_redemption_reversal_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_redemption_reversal_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_redemption_reversal_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["reissued_as"], ["voucher.serial"], name=op.f("fk_redemption_reversal_reissued_as")
        ),
        sa.ForeignKeyConstraint(
            ["serial"], ["redemption.serial"], name=op.f("fk_redemption_reversal_serial")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_redemption_reversal")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_redemption_reversal_approval_id")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_redemption_reversal_entry_id")),
        sa.UniqueConstraint("reissued_as", name=op.f("uq_redemption_reversal_reissued_as")),
    )
