"""Tables of money: electricity accounts, bills, rates, and the ledger."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from core.db import UtcDateTime, metadata

CHART = (1002, 1122, 1123, 2202, 2203, 2204, 2241, 2242, 6051, 6601)
"""The codes of the chart of accounts. A check and not a foreign key holds postings to them: a key
would lock the same few rows for every redemption of every worker."""
_CHART = ", ".join(str(code) for code in CHART)

electricity_account = Table(
    "electricity_account",
    metadata,
    Column("number", String(13), primary_key=True),
    Column("holder_name", Text, nullable=False),
    Column("account_class", Text, nullable=False),
    Column("phone", Text),
    Column("region", Text),
    Column("state", Text, nullable=False),
    Column("balance_fen", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("account_class IN ('residential', 'other')", name="account_class"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    CheckConstraint("balance_fen >= 0", name="balance"),
    CheckConstraint("length(number) IN (10, 13)", name="number"),
)

account_region_change = Table(
    "account_region_change",
    metadata,
    Column(
        "account_number", String(13), ForeignKey("electricity_account.number"), primary_key=True
    ),
    Column("at", UtcDateTime, primary_key=True),
    Column("region_before", Text),
)
"""An account was given another region: which one it had until then. Reports of the past ask."""

bill = Table(
    "bill",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_number", String(13), ForeignKey("electricity_account.number"), nullable=False),
    Column("bill_number", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("principal_fen", BigInteger, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("paid_principal_fen", BigInteger, nullable=False),
    Column("charged_fee_fen", BigInteger, nullable=False),
    Column("paid_fee_fen", BigInteger, nullable=False),
    Column("fee_counted_to", Date),
    Column("state", Text, nullable=False),
    UniqueConstraint("account_number", "bill_number"),
    CheckConstraint("principal_fen > 0", name="principal"),
    CheckConstraint("paid_principal_fen BETWEEN 0 AND principal_fen", name="paid_principal"),
    CheckConstraint("paid_fee_fen BETWEEN 0 AND charged_fee_fen", name="paid_fee"),
    CheckConstraint("state IN ('open', 'paid', 'with_bank')", name="state"),
    CheckConstraint(
        "state <> 'paid' OR (paid_principal_fen = principal_fen"
        " AND paid_fee_fen = charged_fee_fen)",
        name="paid_in_full",
    ),
)
"""What is owed for one period. The late fee is counted up to `fee_counted_to` (or the due date)."""

late_fee_rate = Table(
    "late_fee_rate",
    metadata,
    Column("account_class", Text, primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("due_year_per_100k", Integer, nullable=False),
    Column("later_years_per_100k", Integer, nullable=False),
    CheckConstraint("account_class IN ('residential', 'other')", name="account_class"),
    CheckConstraint("due_year_per_100k >= 0 AND later_years_per_100k >= 0", name="rates"),
)
"""Daily late fee per 100,000 of principal, from a day on: in the year of the due date, later."""

quote = Table(
    "quote",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_number", String(13), ForeignKey("electricity_account.number"), nullable=False),
    Column("counted_to", Date, nullable=False),
    Column("fee_fen", BigInteger, nullable=False),
    Column("quoted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    CheckConstraint("fee_fen >= 0", name="fee"),
)
"""A late fee that somebody was told; until it expires the fee is counted to that day only."""

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("code", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    CheckConstraint("kind IN ('asset', 'liability', 'income', 'expense')", name="kind"),
)
"""The chart of accounts."""

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("business_day", Date, nullable=False),
    Column("event", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("reverses", BigInteger, ForeignKey("journal_entry.id")),
    CheckConstraint("reverses <> id", name="reverses_another"),
)
"""One event in the books; append only, mended only by a mirror entry."""

posting = Table(
    "posting",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("debit", Integer, nullable=False),
    Column("credit", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.id")),
    Column("account_number", String(13)),
    Column("bill_id", BigInteger),
    CheckConstraint("amount_fen > 0", name="amount"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    CheckConstraint(f"debit IN ({_CHART}) AND credit IN ({_CHART})", name="chart"),
)
"""One debit, one credit, one sum: an unbalanced entry cannot be written.

`party_id`, `account_number` and `bill_id` say whose receivable, account or bill it is. The account,
the bill, and the entry, which only `ledger.post` writes, with its postings, are no foreign keys
(decisions 0012, 0025 and 0029); the audit looks.
"""

Index(
    "ix_bill_open",
    bill.c.account_number,
    bill.c.due_on,
    postgresql_where=bill.c.state != "paid",
    sqlite_where=bill.c.state != "paid",
)
Index(
    "uq_journal_entry_reverses",
    journal_entry.c.reverses,
    unique=True,
    # Hardly any entry reverses another, and each of the others would stand in the index too.
    postgresql_where=journal_entry.c.reverses.is_not(None),
    sqlite_where=journal_entry.c.reverses.is_not(None),
)
Index(
    "ix_journal_entry_at",
    journal_entry.c.at,
    postgresql_using="brin",
    postgresql_with={"pages_per_range": 32, "autosummarize": True},
)
Index("ix_quote_account_number", quote.c.account_number, quote.c.expires_at)
Index(
    "ix_posting_entry_id",
    posting.c.entry_id,
    # An entry's postings lie together, in the order of the entries, and are seldom looked for.
    postgresql_using="brin",
    postgresql_with={"pages_per_range": 32, "autosummarize": True},
)
Index(
    "ix_posting_account_number",
    posting.c.account_number,
    posting.c.id,
    postgresql_where=posting.c.account_number.is_not(None),
    sqlite_where=posting.c.account_number.is_not(None),
)
Index(
    "ix_posting_party_id",
    posting.c.party_id,
    # So that what a party owes is summed up without reading its postings, at each sale.
    postgresql_include=["debit", "credit", "amount_fen"],
    postgresql_where=posting.c.party_id.is_not(None),
    sqlite_where=posting.c.party_id.is_not(None),
)
