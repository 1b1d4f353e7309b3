"""Tables that belong to no subject: leases, jobs, the outbox."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

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
    CheckConstraint("attempts >= 0", name="attempts"),
)
"""Messages to send after the commit that decided them; sent at least once."""

Index(
    "ix_outbox_unsent",
    outbox.c.due_at,
    postgresql_where=outbox.c.sent_at.is_(None),
    sqlite_where=outbox.c.sent_at.is_(None),
)
