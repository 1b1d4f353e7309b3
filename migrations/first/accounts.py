"""The tables of accounts/tables.py as the first revision makes them."""

import sqlalchemy as sa
from alembic import op


def create_electricity_account() -> None:
    """Make the table `electricity_account`."""
    op.create_table(
        "electricity_account",
        sa.Column("number", sa.String(length=13), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("account_class", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "account_class IN ('residential', 'other')",
            name=op.f("ck_electricity_account_account_class"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'closed')", name=op.f("ck_electricity_account_state")
        ),
        sa.CheckConstraint("balance_fen >= 0", name=op.f("ck_electricity_account_balance")),
        sa.CheckConstraint(
            "length(number) IN (10, 13)", name=op.f("ck_electricity_account_number")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_electricity_account")),
    )


def create_journal_entry() -> None:
    """Make the table `journal_entry`."""
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reverses", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("reverses <> id", name=op.f("ck_journal_entry_reverses_another")),
        sa.ForeignKeyConstraint(
            ["reverses"], ["journal_entry.id"], name=op.f("fk_journal_entry_reverses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
    )
    op.create_index(
        "ix_journal_entry_at",
        "journal_entry",
        ["at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )
    op.create_index(
        "uq_journal_entry_reverses",
        "journal_entry",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
        sqlite_where=sa.text("reverses IS NOT NULL"),
    )


def create_late_fee_rate() -> None:
    """Make the table `late_fee_rate`."""
    op.create_table(
        "late_fee_rate",
        sa.Column("account_class", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("due_year_per_100k", sa.Integer(), nullable=False),
        sa.Column("later_years_per_100k", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "account_class IN ('residential', 'other')", name=op.f("ck_late_fee_rate_account_class")
        ),
        sa.CheckConstraint(
            "due_year_per_100k >= 0 AND later_years_per_100k >= 0",
            name=op.f("ck_late_fee_rate_rates"),
        ),
        sa.PrimaryKeyConstraint("account_class", "effective_from", name=op.f("pk_late_fee_rate")),
    )


def create_ledger_account() -> None:
    """Make the table `ledger_account`."""
    op.create_table(
        "ledger_account",
        sa.Column("code", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('asset', 'liability', 'income', 'expense')",
            name=op.f("ck_ledger_account_kind"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_account_name")),
    )


def create_account_region_change() -> None:
    """Make the table `account_region_change`."""
    op.create_table(
        "account_region_change",
        sa.Column("account_number", sa.String(length=13), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region_before", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_number"],
            ["electricity_account.number"],
            name=op.f("fk_account_region_change_account_number"),
        ),
        sa.PrimaryKeyConstraint("account_number", "at", name=op.f("pk_account_region_change")),
    )


def create_bill() -> None:
    """Make the table `bill`."""
    op.create_table(
        "bill",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_number", sa.String(length=13), nullable=False),
        sa.Column("bill_number", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("principal_fen", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("paid_principal_fen", sa.BigInteger(), nullable=False),
        sa.Column("charged_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_counted_to", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state <> 'paid' OR (paid_principal_fen = principal_fen AND paid_fee_fen = charged_fee_fen)",
            name=op.f("ck_bill_paid_in_full"),
        ),
        sa.CheckConstraint("state IN ('open', 'paid', 'with_bank')", name=op.f("ck_bill_state")),
        sa.CheckConstraint(
            "paid_fee_fen BETWEEN 0 AND charged_fee_fen", name=op.f("ck_bill_paid_fee")
        ),
        sa.CheckConstraint(
            "paid_principal_fen BETWEEN 0 AND principal_fen", name=op.f("ck_bill_paid_principal")
        ),
        sa.CheckConstraint("principal_fen > 0", name=op.f("ck_bill_principal")),
        sa.ForeignKeyConstraint(
            ["account_number"], ["electricity_account.number"], name=op.f("fk_bill_account_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
        sa.UniqueConstraint(
            "account_number", "bill_number", name=op.f("uq_bill_account_number_bill_number")
        ),
    )
    op.create_index(
        "ix_bill_open",
        "bill",
        ["account_number", "due_on"],
        unique=False,
        postgresql_where=sa.text("state != 'paid'"),
        sqlite_where=sa.text("state != 'paid'"),
    )


def create_quote() -> None:
    """Make the table `quote`."""
    op.create_table(
        "quote",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_number", sa.String(length=13), nullable=False),
        sa.Column("counted_to", sa.Date(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fee_fen >= 0", name=op.f("ck_quote_fee")),
        sa.ForeignKeyConstraint(
            ["account_number"], ["electricity_account.number"], name=op.f("fk_quote_account_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
    )
    op.create_index(
        "ix_quote_account_number", "quote", ["account_number", "expires_at"], unique=False
    )


def create_posting() -> None:
    """Make the table `posting`."""
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.Integer(), nullable=False),
        sa.Column("credit", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("account_number", sa.String(length=13), nullable=True),
        sa.Column("bill_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_posting_amount")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_posting_two_accounts")),
        sa.CheckConstraint(
            "debit IN (1002, 1122, 1123, 2202, 2203, 2204, 2241, 2242, 6051, 6601) AND credit IN (1002, 1122, 1123, 2202, 2203, 2204, 2241, 2242, 6051, 6601)",
            name=op.f("ck_posting_chart"),
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_posting_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index(
        "ix_posting_account_number",
        "posting",
        ["account_number", "id"],
        unique=False,
        postgresql_where=sa.text("account_number IS NOT NULL"),
        sqlite_where=sa.text("account_number IS NOT NULL"),
    )
    op.create_index(
        "ix_posting_entry_id",
        "posting",
        ["entry_id"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )
    op.create_index(
        "ix_posting_party_id",
        "posting",
        ["party_id"],
        unique=False,
        postgresql_include=["debit", "credit", "amount_fen"],
        postgresql_where=sa.text("party_id IS NOT NULL"),
        sqlite_where=sa.text("party_id IS NOT NULL"),
    )
