"""Tables of people, what they may do, and what they did."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
)

from core.db import UtcDateTime, metadata

ROLES = ("admin", "issuer", "warehouse", "distributor", "customer_service", "finance", "auditor")

person = Table(
    "person",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("identity_number", Text, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)
"""A natural person, told apart by the number of an identity document or staff file."""

staff_member = Table(
    "staff_member",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.id")),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", LargeBinary, nullable=False),
    Column("totp_last_step", BigInteger, nullable=False, server_default="0"),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint(
        "role IN ('admin', 'issuer', 'warehouse', 'distributor', 'customer_service', 'finance',"
        " 'auditor')",
        name="role",
    ),
    CheckConstraint("role <> 'distributor' OR party_id IS NOT NULL", name="distributor_has_party"),
)
"""A person's account; `totp_secret` is encrypted under the key file."""

staff_session = Table(
    "staff_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)
"""A sign-in; only the hash of its bearer token is stored."""

approval = Table(
    "approval",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_by", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("requester_person_id", BigInteger, ForeignKey("person.id"), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", BigInteger, ForeignKey("staff_member.id")),
    Column("decider_person_id", BigInteger, ForeignKey("person.id")),
    Column("decided_at", UtcDateTime),
    Column("reason", Text),
    CheckConstraint("state IN ('requested', 'agreed', 'refused', 'void')", name="state"),
    CheckConstraint("decider_person_id <> requester_person_id", name="two_persons"),
    CheckConstraint(
        "state <> 'agreed' OR decider_person_id IS NOT NULL", name="agreed_by_somebody"
    ),
)
"""What one person asked for and another must agree to; `content` is canonical JSON."""

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id")),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
"""Who did what, append only."""

Index("ix_audit_event_subject", audit_event.c.subject, audit_event.c.id)
Index("ix_approval_state", approval.c.state, approval.c.id)
