"""Tables of redemptions: the exactly-once row, stored answers, tries, locks, senders."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from core.db import UtcDateTime, metadata

redemption = Table(
    "redemption",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("account_number", String(13), nullable=False),
    Column("face_fen", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("request_key", Text, nullable=False),
    Column("receipt_number", Text, nullable=False, unique=True),
    Column("entry_id", BigInteger, nullable=False, unique=True),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("face_fen > 0", name="face"),
    CheckConstraint("length(receipt_number) = 14", name="receipt_number"),
)
"""A card was turned into money. Its primary key is what makes that happen once, for ever.

`channel`, `sender` and `request_key` name the request whose stored answer is its receipt. Card,
account and entry are no foreign keys: the same transaction has read, locked or written each of
them, and checking them again was a quarter of what PostgreSQL does for a redemption (decision
0012); the audit looks.
"""

redemption_reversal = Table(
    "redemption_reversal",
    metadata,
    Column("serial", BigInteger, ForeignKey("redemption.serial"), primary_key=True),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id"), nullable=False, unique=True),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), nullable=False, unique=True),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reissued_as", BigInteger, ForeignKey("voucher.serial"), unique=True),
)
"""A redemption that was taken back, once for ever; the card stays used, its value in suspense
until a card `reissued_as` is handed out for it."""

request = Table(
    "request",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sender", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("serial", BigInteger),
    Column("at", UtcDateTime, nullable=False),
)
"""The answer given to a sender's own reference, written with the effect it tells of."""

caller = Table(
    "caller",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("wrong_today", Integer, nullable=False),
    Column("malformed_today", Integer, nullable=False),
    Column("wrong_in_row", Integer, nullable=False),
    Column("locked_rule", Text),
    Column("locked_until", UtcDateTime),
    Column("last_lock_at", UtcDateTime),
    CheckConstraint(
        "wrong_today >= 0 AND malformed_today >= 0 AND wrong_in_row >= 0", name="counts"
    ),
    CheckConstraint("locked_rule IN ('day', 'days_72h', 'operator')", name="locked_rule"),
    CheckConstraint("locked_until IS NULL OR locked_rule IS NOT NULL", name="locked_until"),
)
"""Who has ever sent a wrong PIN, and how many; the row is locked by each redemption of his."""

attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("day", Date, nullable=False),
    Column("channel", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("code", Text, nullable=False),
)
"""A refused try: never the PIN, nor anything computed from it."""

caller_lock = Table(
    "caller_lock",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("caller", Text, ForeignKey("caller.identity"), nullable=False),
    Column("rule", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("released_at", UtcDateTime),
    Column("released_by", BigInteger, ForeignKey("staff_member.id")),
    Column("reason", Text),
    CheckConstraint("rule IN ('day', 'days_72h', 'operator')", name="rule"),
    CheckConstraint("released_by IS NULL OR reason IS NOT NULL", name="released_with_reason"),
)
"""The history of locks; `until` is empty where only an operator can unlock."""

caller_binding = Table(
    "caller_binding",
    metadata,
    Column("caller", Text, primary_key=True),
    Column(
        "account_number", String(13), ForeignKey("electricity_account.number"), primary_key=True
    ),
    Column("at", UtcDateTime, nullable=False),
)
"""Which accounts a caller has registered as his."""

caller_language = Table(
    "caller_language",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("language", Text, nullable=False),
    CheckConstraint("language IN ('zh', 'en')", name="language"),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("caller", Text),
    Column("once", Text, unique=True),
)
"""Something a person must look at; `caller` who gave cause for it, `once` what it is raised once
for."""

partner = Table(
    "partner",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("wrong_per_hour", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("wrong_per_hour > 0", name="wrong_per_hour"),
)
"""A company that redeems for its own customers over the JSON API."""

channel = Table(
    "channel",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("hmac_secret", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""A gateway that brings calls or texts; `hmac_secret` is encrypted under the key file."""

redeemed_pack = Table(
    "redeemed_pack",
    metadata,
    Column("first_serial", BigInteger, primary_key=True, autoincrement=False),
    Column("cards", Integer, nullable=False),
    CheckConstraint("first_serial % 100 = 0", name="first_serial"),
    CheckConstraint("cards BETWEEN 1 AND 100", name="cards"),
)
"""How many cards of a pack of 100 were redeemed up to the watermark `redeemed_packs`.

Rolled up afterwards: no redemption ever writes here. Packs are never cut, so that splitting and
merging lots changes nothing.
"""

watermark = Table(
    "watermark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
"""Up to which recorded instant something is rolled up; what was recorded later is counted anew."""

Index(
    "ix_redemption_at",
    redemption.c.at,
    postgresql_using="brin",
    postgresql_with={"pages_per_range": 32, "autosummarize": True},
)
"""Redemptions come in the order of their times, so the smallest index of all finds a day's."""
Index(
    "ix_request_refused_serial",
    request.c.serial,
    request.c.at,
    postgresql_where=request.c.serial.is_not(None) & (request.c.code != "redeemed"),
    sqlite_where=request.c.serial.is_not(None) & (request.c.code != "redeemed"),
)
Index("ix_alarm_subject", alarm.c.subject, alarm.c.at)
Index("ix_attempt_caller", attempt.c.caller, attempt.c.at)
Index("ix_attempt_sender", attempt.c.channel, attempt.c.sender, attempt.c.at)
Index("ix_caller_lock_caller", caller_lock.c.caller, caller_lock.c.at)
Index("ix_alarm_at", alarm.c.at)
