"""Tables of the trade's papers: orders, consignments, receipts, claims, credit notes.

What has happened is a row that stays; where a row changes its state, the instant of each change
stands in it, or (claims) every change is a row of its own.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from core.db import UtcDateTime, metadata

OUTCOMES = ("received", "damaged", "held", "short", "unexpected", "repeated", "claimed")
_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in OUTCOMES)
_IN_ONE_BATCH = "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000"

stock_order = Table(
    "stock_order",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("buyer_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("supplier_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("requested_by", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", BigInteger, ForeignKey("staff_member.id")),
    Column("decided_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("reason", Text),
    UniqueConstraint("requested_by", "reference", name="uq_stock_order_reference"),
    CheckConstraint("buyer_id <> supplier_id", name="parties"),
    CheckConstraint(
        "state IN ('requested', 'approved', 'refused', 'cancelled', 'sent')", name="state"
    ),
    CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided"),
    CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decider"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
    CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refusal"),
)
"""What a party wants from its parent; `reference` is the sender's own and makes it once only."""

stock_order_line = Table(
    "stock_order_line",
    metadata,
    Column("order_id", BigInteger, ForeignKey("stock_order.id"), primary_key=True),
    Column("denomination_id", BigInteger, ForeignKey("denomination.id"), primary_key=True),
    Column("requested_count", Integer, nullable=False),
    Column("approved_count", Integer),
    CheckConstraint("requested_count > 0", name="requested"),
    CheckConstraint("approved_count BETWEEN 0 AND requested_count", name="approved"),
)
"""Cards of one face value in an order; `approved_count` is empty until the supplier agreed."""

consignment = Table(
    "consignment",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("order_id", BigInteger, ForeignKey("stock_order.id")),
    Column("sender_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("receiver_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reference", Text),
    Column("content_digest", Text),
    Column("reason", Text),
    Column("created_by", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_by", BigInteger, ForeignKey("staff_member.id")),
    Column("sent_at", UtcDateTime),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), unique=True),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("created_by", "reference", name="uq_consignment_reference"),
    CheckConstraint("sender_id <> receiver_id", name="parties"),
    CheckConstraint("kind IN ('dispatch', 'transfer', 'return')", name="kind"),
    CheckConstraint("state IN ('draft', 'sent', 'closed', 'cancelled')", name="state"),
    CheckConstraint(
        "(state IN ('sent', 'closed')) = (sent_at IS NOT NULL)"
        " AND (sent_by IS NULL) = (sent_at IS NULL)",
        name="sent",
    ),
    CheckConstraint("(state IN ('closed', 'cancelled')) = (closed_at IS NOT NULL)", name="closed"),
    CheckConstraint("(reference IS NULL) = (content_digest IS NULL)", name="reference"),
    CheckConstraint("order_id IS NULL OR kind = 'dispatch'", name="order"),
)
"""Cards that travel together: set apart (draft), sent, closed when every card is accounted for."""

consignment_line = Table(
    "consignment_line",
    metadata,
    Column("consignment_id", BigInteger, ForeignKey("consignment.id"), primary_key=True),
    Column("first_serial", BigInteger, primary_key=True, autoincrement=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("batch_id", BigInteger, ForeignKey("batch.id"), nullable=False),
    CheckConstraint(_IN_ONE_BATCH, name="range"),
    CheckConstraint("first_serial / 100000 = batch_id", name="in_batch"),
)
"""A range of a consignment; once sent, exactly the cards that its movements sent."""

goods_receipt = Table(
    "goods_receipt",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("consignment_id", BigInteger, ForeignKey("consignment.id"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("consignment_id", "reference", name="uq_goods_receipt_reference"),
)
"""One scanning of what has arrived; insert only. A reference counts once in a consignment."""

goods_receipt_line = Table(
    "goods_receipt_line",
    metadata,
    Column("receipt_id", BigInteger, ForeignKey("goods_receipt.id"), primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("first_serial", BigInteger, primary_key=True, autoincrement=False),
    Column("last_serial", BigInteger, nullable=False),
    CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome"),
    CheckConstraint(_IN_ONE_BATCH, name="range"),
)
"""What became of the scanned cards, and (short) of those that were not there."""

claim = Table(
    "claim",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("receipt_id", BigInteger, ForeignKey("goods_receipt.id"), nullable=False),
    Column("consignment_id", BigInteger, ForeignKey("consignment.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("first_serial", BigInteger, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner_party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("owner_member_id", BigInteger, ForeignKey("staff_member.id")),
    Column("charged_party_id", BigInteger, ForeignKey("party.id")),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), unique=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    CheckConstraint(_IN_ONE_BATCH, name="range"),
    CheckConstraint("kind IN ('damaged', 'held', 'short', 'unexpected')", name="kind"),
    CheckConstraint("state IN ('open', 'received', 'void', 'dismissed')", name="state"),
    CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    CheckConstraint("state IN ('open', 'dismissed') OR kind <> 'unexpected'", name="unexpected"),
    CheckConstraint("state <> 'dismissed' OR kind = 'unexpected'", name="dismissed"),
    CheckConstraint("(state = 'void') = (charged_party_id IS NOT NULL)", name="charged"),
    CheckConstraint("(state = 'void') = (approval_id IS NOT NULL)", name="two_persons"),
)
"""A difference between what was sent and what arrived, until somebody has answered for it."""

claim_event = Table(
    "claim_event",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("claim_id", BigInteger, ForeignKey("claim.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("first_serial", BigInteger, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner_member_id", BigInteger, ForeignKey("staff_member.id")),
    Column("reason", Text, nullable=False),
)
"""Every change of a claim, as it was after it; append only."""

credit_note = Table(
    "credit_note",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("consignment_id", BigInteger, ForeignKey("consignment.id"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("card_count", Integer, nullable=False),
    Column("face_value_fen", BigInteger, nullable=False),
    Column("commission_fen", BigInteger, nullable=False),
    Column("credit_fen", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("card_count > 0", name="card_count"),
    CheckConstraint("credit_fen = face_value_fen - commission_fen", name="credit"),
)
"""What a party was credited for sold cards that came back; the money itself is in the journal."""

credit_note_line = Table(
    "credit_note_line",
    metadata,
    Column("movement_id", BigInteger, ForeignKey("stock_movement.id"), primary_key=True),
    Column("credit_note_id", BigInteger, ForeignKey("credit_note.id"), nullable=False),
)
"""The receipt of returned cards that a note credits: range, price and entry stand in it."""

Index("ix_stock_order_buyer_id", stock_order.c.buyer_id, stock_order.c.id)
Index("ix_stock_order_supplier_id", stock_order.c.supplier_id, stock_order.c.id)
Index("ix_consignment_sender_id", consignment.c.sender_id, consignment.c.id)
Index("ix_consignment_receiver_id", consignment.c.receiver_id, consignment.c.id)
Index("ix_consignment_line_batch_id", consignment_line.c.batch_id, consignment_line.c.first_serial)
Index("ix_claim_consignment_id", claim.c.consignment_id)
Index("ix_claim_event_claim_id", claim_event.c.claim_id, claim_event.c.id)
Index("ix_credit_note_line_credit_note_id", credit_note_line.c.credit_note_id)
Index("ix_credit_note_consignment_id", credit_note.c.consignment_id)
Index(
    "uq_consignment_one_of_an_order",
    consignment.c.order_id,
    unique=True,
    postgresql_where=consignment.c.state != "cancelled",
    sqlite_where=consignment.c.state != "cancelled",
)
