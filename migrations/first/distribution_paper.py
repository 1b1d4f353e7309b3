"""The tables of distribution/paper_tables.py as the first revision makes them."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def _stock_order_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
    ]


def create_stock_order() -> None:
    """Make the table `stock_order`."""
    op.create_table(
        "stock_order",
        *_stock_order_columns(),
        sa.CheckConstraint(
            "(state = 'requested') = (decided_at IS NULL)", name=op.f("ck_stock_order_decided")
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_stock_order_sent")
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_stock_order_refusal")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'refused', 'cancelled', 'sent')",
            name=op.f("ck_stock_order_state"),
        ),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_stock_order_decider")
        ),
        sa.CheckConstraint("buyer_id <> supplier_id", name=op.f("ck_stock_order_parties")),
        sa.ForeignKeyConstraint(["buyer_id"], ["party.id"], name=op.f("fk_stock_order_buyer_id")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff_member.id"], name=op.f("fk_stock_order_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_member.id"], name=op.f("fk_stock_order_requested_by")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["party.id"], name=op.f("fk_stock_order_supplier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_order")),
        sa.UniqueConstraint("number", name=op.f("uq_stock_order_number")),
        sa.UniqueConstraint("requested_by", "reference", name="uq_stock_order_reference"),
    )
    op.create_index("ix_stock_order_buyer_id", "stock_order", ["buyer_id", "id"], unique=False)
    op.create_index(
        "ix_stock_order_supplier_id", "stock_order", ["supplier_id", "id"], unique=False
    )


def _consignment_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("receiver_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("content_digest", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
    ]


def create_consignment() -> None:
    """Make the table `consignment`."""
    op.create_table(
        "consignment",
        *_consignment_columns(),
        sa.CheckConstraint(
            "(state IN ('closed', 'cancelled')) = (closed_at IS NOT NULL)",
            name=op.f("ck_consignment_closed"),
        ),
        sa.CheckConstraint(
            "(state IN ('sent', 'closed')) = (sent_at IS NOT NULL) AND (sent_by IS NULL) = (sent_at IS NULL)",
            name=op.f("ck_consignment_sent"),
        ),
        sa.CheckConstraint(
            "kind IN ('dispatch', 'transfer', 'return')", name=op.f("ck_consignment_kind")
        ),
        sa.CheckConstraint(
            "order_id IS NULL OR kind = 'dispatch'", name=op.f("ck_consignment_order")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'sent', 'closed', 'cancelled')", name=op.f("ck_consignment_state")
        ),
        sa.CheckConstraint(
            "(reference IS NULL) = (content_digest IS NULL)", name=op.f("ck_consignment_reference")
        ),
        sa.CheckConstraint("sender_id <> receiver_id", name=op.f("ck_consignment_parties")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_consignment_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff_member.id"], name=op.f("fk_consignment_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["stock_order.id"], name=op.f("fk_consignment_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["party.id"], name=op.f("fk_consignment_receiver_id")
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["party.id"], name=op.f("fk_consignment_sender_id")),
        sa.ForeignKeyConstraint(
            ["sent_by"], ["staff_member.id"], name=op.f("fk_consignment_sent_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consignment")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_consignment_approval_id")),
        sa.UniqueConstraint("created_by", "reference", name="uq_consignment_reference"),
        sa.UniqueConstraint("number", name=op.f("uq_consignment_number")),
    )
    op.create_index(
        "ix_consignment_receiver_id", "consignment", ["receiver_id", "id"], unique=False
    )
    op.create_index("ix_consignment_sender_id", "consignment", ["sender_id", "id"], unique=False)
    op.create_index(
        "uq_consignment_one_of_an_order",
        "consignment",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state != 'cancelled'"),
        sqlite_where=sa.text("state != 'cancelled'"),
    )


def create_stock_order_line() -> None:
    """Make the table `stock_order_line`."""
    op.create_table(
        "stock_order_line",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("denomination_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_count", sa.Integer(), nullable=False),
        sa.Column("approved_count", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "approved_count BETWEEN 0 AND requested_count",
            name=op.f("ck_stock_order_line_approved"),
        ),
        sa.CheckConstraint("requested_count > 0", name=op.f("ck_stock_order_line_requested")),
        sa.ForeignKeyConstraint(
            ["denomination_id"],
            ["denomination.id"],
            name=op.f("fk_stock_order_line_denomination_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["stock_order.id"], name=op.f("fk_stock_order_line_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "denomination_id", name=op.f("pk_stock_order_line")),
    )


def create_credit_note() -> None:
    """Make the table `credit_note`."""
    op.create_table(
        "credit_note",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("card_count", sa.Integer(), nullable=False),
        sa.Column("face_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.Column("credit_fen", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("card_count > 0", name=op.f("ck_credit_note_card_count")),
        sa.CheckConstraint(
            "credit_fen = face_value_fen - commission_fen", name=op.f("ck_credit_note_credit")
        ),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_credit_note_consignment_id")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_credit_note_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_note_number")),
    )
    op.create_index(
        "ix_credit_note_consignment_id", "credit_note", ["consignment_id"], unique=False
    )


def create_goods_receipt() -> None:
    """Make the table `goods_receipt`."""
    op.create_table(
        "goods_receipt",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_goods_receipt_consignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_goods_receipt_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_receipt")),
        sa.UniqueConstraint("consignment_id", "reference", name="uq_goods_receipt_reference"),
        sa.UniqueConstraint("number", name=op.f("uq_goods_receipt_number")),
    )


def _claim_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_party_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_member_id", sa.BigInteger(), nullable=True),
        sa.Column("charged_party_id", sa.BigInteger(), nullable=True),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
    ]


def create_claim() -> None:
    """Make the table `claim`."""
    op.create_table(
        "claim",
        *_claim_columns(),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_claim_closed")),
        sa.CheckConstraint(
            "(state = 'void') = (approval_id IS NOT NULL)", name=op.f("ck_claim_two_persons")
        ),
        sa.CheckConstraint(
            "(state = 'void') = (charged_party_id IS NOT NULL)", name=op.f("ck_claim_charged")
        ),
        sa.CheckConstraint(
            "kind IN ('damaged', 'held', 'short', 'unexpected')", name=op.f("ck_claim_kind")
        ),
        sa.CheckConstraint(
            "state <> 'dismissed' OR kind = 'unexpected'", name=op.f("ck_claim_dismissed")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'dismissed') OR kind <> 'unexpected'",
            name=op.f("ck_claim_unexpected"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'received', 'void', 'dismissed')", name=op.f("ck_claim_state")
        ),
        sa.CheckConstraint(
            "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000",
            name=op.f("ck_claim_range"),
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_claim_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["charged_party_id"], ["party.id"], name=op.f("fk_claim_charged_party_id")
        ),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_claim_consignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_member_id"], ["staff_member.id"], name=op.f("fk_claim_owner_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_party_id"], ["party.id"], name=op.f("fk_claim_owner_party_id")
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["goods_receipt.id"], name=op.f("fk_claim_receipt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_claim_approval_id")),
        sa.UniqueConstraint("number", name=op.f("uq_claim_number")),
    )
    op.create_index("ix_claim_consignment_id", "claim", ["consignment_id"], unique=False)


def create_goods_receipt_line() -> None:
    """Make the table `goods_receipt_line`."""
    op.create_table(
        "goods_receipt_line",
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('received', 'damaged', 'held', 'short', 'unexpected', 'repeated', 'claimed')",
            name=op.f("ck_goods_receipt_line_outcome"),
        ),
        sa.CheckConstraint(
            "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000",
            name=op.f("ck_goods_receipt_line_range"),
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["goods_receipt.id"], name=op.f("fk_goods_receipt_line_receipt_id")
        ),
        sa.PrimaryKeyConstraint(
            "receipt_id", "outcome", "first_serial", name=op.f("pk_goods_receipt_line")
        ),
    )


def create_claim_event() -> None:
    """Make the table `claim_event`."""
    op.create_table(
        "claim_event",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_member_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_claim_event_claim_id")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_claim_event_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_member_id"], ["staff_member.id"], name=op.f("fk_claim_event_owner_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_event")),
    )
    op.create_index("ix_claim_event_claim_id", "claim_event", ["claim_id", "id"], unique=False)


def create_consignment_line() -> None:
    """Make the table `consignment_line`."""
    op.create_table(
        "consignment_line",
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "first_serial / 100000 = batch_id", name=op.f("ck_consignment_line_in_batch")
        ),
        sa.CheckConstraint(
            "last_serial >= first_serial AND first_serial / 100000 = last_serial / 100000",
            name=op.f("ck_consignment_line_range"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_consignment_line_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_consignment_line_consignment_id")
        ),
        sa.PrimaryKeyConstraint("consignment_id", "first_serial", name=op.f("pk_consignment_line")),
    )
    op.create_index(
        "ix_consignment_line_batch_id",
        "consignment_line",
        ["batch_id", "first_serial"],
        unique=False,
    )


def create_credit_note_line() -> None:
    """Make the table `credit_note_line`."""
    op.create_table(
        "credit_note_line",
        sa.Column("movement_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_note_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name=op.f("fk_credit_note_line_credit_note_id")
        ),
        sa.ForeignKeyConstraint(
            ["movement_id"], ["stock_movement.id"], name=op.f("fk_credit_note_line_movement_id")
        ),
        sa.PrimaryKeyConstraint("movement_id", name=op.f("pk_credit_note_line")),
    )
    op.create_index(
        "ix_credit_note_line_credit_note_id", "credit_note_line", ["credit_note_id"], unique=False
    )
