"""Tables that belong to no subject: leases, jobs, the outbox, answers given."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
)

from core.db import UtcDateTime, metadata

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_value", BigInteger, nullable=False),
    CheckConstraint("next_value >= 0", name="not_negative"),
)
"""Counters from which processes take blocks: id nodes, receipt numbers, batch numbers."""

job = Table(
    "job",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("done_count", BigInteger, nullable=False),
    Column("total_count", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("error", Text),
    CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
    CheckConstraint("done_count BETWEEN 0 AND total_count", name="progress"),
)
"""Long work: how far it is, and which process does it."""

DELIVERIES = ("accepted", "buffered", "failed", "delivered")
"""What a gateway reports of a message it took; a report never leads back to an earlier one."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", UtcDateTime),
    Column("last_error", Text),
    Column("given_up_at", UtcDateTime),
    Column("delivery", Text),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="sent_or_given_up"),
    CheckConstraint(f"delivery IN {DELIVERIES}", name="delivery"),
)
"""Messages to send after the commit that decided them; sent at least once.

`given_up_at`: refused for good or too often, until staff send it again. `delivery`: what the
gateway reported later.
"""

stored_answer = Table(
    "stored_answer",
    metadata,
    Column("realm", Text, primary_key=True),
    Column("sender", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("code", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""What a sender was told under its own reference, written with the effect it tells of.

`code` is `done`, or that of the refusal. Redemptions keep theirs in `request`.
"""

Index(
    "ix_outbox_unsent",
    outbox.c.due_at,
    postgresql_where=and_(outbox.c.sent_at.is_(None), outbox.c.given_up_at.is_(None)),
    sqlite_where=and_(outbox.c.sent_at.is_(None), outbox.c.given_up_at.is_(None)),
)
Index(
    "ix_outbox_given_up",
    outbox.c.id,
    postgresql_where=outbox.c.given_up_at.is_not(None),
    sqlite_where=outbox.c.given_up_at.is_not(None),
)
