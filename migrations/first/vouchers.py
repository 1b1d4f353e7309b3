"""The tables of vouchers/tables.py as the first revision makes them."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def create_denomination() -> None:
    """Make the table `denomination`."""
    op.create_table(
        "denomination",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("face_fen", sa.BigInteger(), nullable=False),
        sa.Column("face_code", sa.Text(), nullable=False),
        sa.Column("validity_days", sa.Integer(), nullable=False),
        sa.Column("protection", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "protection IN ('hmac', 'hmac_argon2id')", name=op.f("ck_denomination_protection")
        ),
        sa.CheckConstraint(
            "face_fen BETWEEN 1 AND 100000", name=op.f("ck_denomination_bearer_limit")
        ),
        sa.CheckConstraint("length(face_code) = 2", name=op.f("ck_denomination_face_code")),
        sa.CheckConstraint("validity_days > 0", name=op.f("ck_denomination_validity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_denomination")),
        sa.UniqueConstraint("face_code", name=op.f("uq_denomination_face_code")),
        sa.UniqueConstraint("face_fen", name=op.f("uq_denomination_face_fen")),
    )


def create_pin_key() -> None:
    """Make the table `pin_key`."""
    op.create_table(
        "pin_key",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("check_value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_pin_key")),
    )


def create_printer() -> None:
    """Make the table `printer`."""
    op.create_table(
        "printer",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(code) = 1", name=op.f("ck_printer_code")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_printer_approval_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_printer_approval_id")),
        sa.UniqueConstraint("code", name=op.f("uq_printer_code")),
        sa.UniqueConstraint("name", name=op.f("uq_printer_name")),
    )


def create_batch_order() -> None:
    """Make the table `batch_order`."""
    op.create_table(
        "batch_order",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("denomination_id", sa.BigInteger(), nullable=False),
        sa.Column("printer_id", sa.BigInteger(), nullable=True),
        sa.Column("card_count", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("card_count > 0", name=op.f("ck_batch_order_card_count")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_batch_order_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["denomination_id"], ["denomination.id"], name=op.f("fk_batch_order_denomination_id")
        ),
        sa.ForeignKeyConstraint(
            ["printer_id"], ["printer.id"], name=op.f("fk_batch_order_printer_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_member.id"], name=op.f("fk_batch_order_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_order")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_batch_order_approval_id")),
    )


def _batch_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("denomination_id", sa.BigInteger(), nullable=False),
        sa.Column("printer_id", sa.BigInteger(), nullable=True),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=True),
        sa.Column("generated_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spoilt_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ciphertext_sha256", sa.Text(), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.Column("export_approval_id", sa.BigInteger(), nullable=True),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def create_batch() -> None:
    """Make the table `batch`."""
    op.create_table(
        "batch",
        *_batch_columns(),
        sa.CheckConstraint(
            "CASE WHEN printer_id IS NULL THEN state NOT IN ('generating', 'generated', 'failed') AND delivered_count = 0 AND spoilt_count = 0 AND exported_at IS NULL ELSE state NOT IN ('open', 'closed') END",
            name=op.f("ck_batch_electronic"),
        ),
        sa.CheckConstraint(
            "state <> 'generated' OR generated_count = size", name=op.f("ck_batch_complete")
        ),
        sa.CheckConstraint(
            "state <> 'open' OR key_version IS NOT NULL", name=op.f("ck_batch_open_under_a_key")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'generating', 'generated', 'failed', 'refused', 'open', 'closed')",
            name=op.f("ck_batch_state"),
        ),
        sa.CheckConstraint(
            "delivered_count >= 0 AND spoilt_count >= 0 AND delivered_count + spoilt_count <= generated_count",
            name=op.f("ck_batch_delivered"),
        ),
        sa.CheckConstraint("first_serial % 100000 = 0", name=op.f("ck_batch_first_serial")),
        sa.CheckConstraint(
            "generated_count BETWEEN 0 AND size", name=op.f("ck_batch_generated_count")
        ),
        sa.CheckConstraint("size BETWEEN 1 AND 100000", name=op.f("ck_batch_size")),
        sa.ForeignKeyConstraint(
            ["denomination_id"], ["denomination.id"], name=op.f("fk_batch_denomination_id")
        ),
        sa.ForeignKeyConstraint(
            ["export_approval_id"], ["approval.id"], name=op.f("fk_batch_export_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["key_version"], ["pin_key.version"], name=op.f("fk_batch_key_version")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["batch_order.id"], name=op.f("fk_batch_order_id")),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name=op.f("fk_batch_printer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("first_serial", name=op.f("uq_batch_first_serial")),
    )
    op.create_index("ix_batch_order_id", "batch", ["order_id"], unique=False)


def create_lot() -> None:
    """Make the table `lot`."""
    op.create_table(
        "lot",
        sa.Column("first_serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("in_transit_to", sa.BigInteger(), nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("activated_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(stage = 'in_transit') = (in_transit_to IS NOT NULL)", name=op.f("ck_lot_in_transit")
        ),
        sa.CheckConstraint(
            "activated_on IS NULL OR stage IN ('active', 'void')", name=op.f("ck_lot_not_activated")
        ),
        sa.CheckConstraint(
            "hold IN ('suspended', 'stolen', 'lost', 'damaged', 'replaced')",
            name=op.f("ck_lot_hold"),
        ),
        sa.CheckConstraint(
            "stage <> 'active' OR activated_on IS NOT NULL", name=op.f("ck_lot_activated")
        ),
        sa.CheckConstraint(
            "stage IN ('generated', 'printing', 'stocked', 'in_transit', 'active', 'void')",
            name=op.f("ck_lot_stage"),
        ),
        sa.CheckConstraint(
            "first_serial / 100000 = batch_id AND last_serial / 100000 = batch_id",
            name=op.f("ck_lot_in_batch"),
        ),
        sa.CheckConstraint("in_transit_to <> holder_id", name=op.f("ck_lot_leaves_holder")),
        sa.CheckConstraint("last_serial >= first_serial", name=op.f("ck_lot_range")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_lot_batch_id")),
        sa.ForeignKeyConstraint(["holder_id"], ["party.id"], name=op.f("fk_lot_holder_id")),
        sa.ForeignKeyConstraint(["in_transit_to"], ["party.id"], name=op.f("fk_lot_in_transit_to")),
        sa.PrimaryKeyConstraint("first_serial", name=op.f("pk_lot")),
        sa.UniqueConstraint("last_serial", name=op.f("uq_lot_last_serial")),
    )
    op.create_index("ix_lot_batch_id", "lot", ["batch_id", "first_serial"], unique=False)
    op.create_index("ix_lot_holder_id", "lot", ["holder_id", "stage"], unique=False)


def create_print_file_part() -> None:
    """Make the table `print_file_part`."""
    op.create_table(
        "print_file_part",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_print_file_part_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "part", name=op.f("pk_print_file_part")),
    )


def _stock_movement_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("first_serial", sa.BigInteger(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=True),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("from_holder", sa.BigInteger(), nullable=True),
        sa.Column("to_holder", sa.BigInteger(), nullable=False),
        sa.Column("in_transit_to", sa.BigInteger(), nullable=True),
        sa.Column("from_hold", sa.Text(), nullable=True),
        sa.Column("to_hold", sa.Text(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("activated_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("owing_party_id", sa.BigInteger(), nullable=True),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        sa.Column("commission_fen", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
    ]


def create_stock_movement() -> None:
    """Make the table `stock_movement`."""
    op.create_table(
        "stock_movement",
        *_stock_movement_columns(),
        sa.CheckConstraint(
            "to_stage IN ('generated', 'printing', 'stocked', 'in_transit', 'active', 'void')",
            name=op.f("ck_stock_movement_to_stage"),
        ),
        sa.CheckConstraint(
            "(price_fen IS NULL) = (commission_fen IS NULL)", name=op.f("ck_stock_movement_priced")
        ),
        sa.CheckConstraint(
            "commission_fen BETWEEN 0 AND price_fen", name=op.f("ck_stock_movement_commission")
        ),
        sa.CheckConstraint("last_serial >= first_serial", name=op.f("ck_stock_movement_range")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_stock_movement_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_stock_movement_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_stock_movement_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_holder"], ["party.id"], name=op.f("fk_stock_movement_from_holder")
        ),
        sa.ForeignKeyConstraint(
            ["in_transit_to"], ["party.id"], name=op.f("fk_stock_movement_in_transit_to")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_stock_movement_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["owing_party_id"], ["party.id"], name=op.f("fk_stock_movement_owing_party_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_holder"], ["party.id"], name=op.f("fk_stock_movement_to_holder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
    )
    op.create_index("ix_stock_movement_at", "stock_movement", ["at"], unique=False)
    op.create_index(
        "ix_stock_movement_batch_id", "stock_movement", ["batch_id", "id"], unique=False
    )
    op.create_index(
        "ix_stock_movement_owing_party_id",
        "stock_movement",
        ["owing_party_id", "at"],
        unique=False,
        postgresql_where=sa.text("owing_party_id IS NOT NULL"),
        sqlite_where=sa.text("owing_party_id IS NOT NULL"),
    )


def create_voucher() -> None:
    """Make the table `voucher`."""
    op.create_table(
        "voucher",
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("pin_tag", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("verifier", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(salt IS NULL) = (verifier IS NULL)", name=op.f("ck_voucher_salted_verifier")
        ),
        sa.CheckConstraint("serial / 100000 = batch_id", name=op.f("ck_voucher_batch_of_serial")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_voucher_batch_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_voucher")),
        sa.UniqueConstraint("pin_tag", name=op.f("uq_voucher_pin_tag")),
    )


def create_card_proof() -> None:
    """Make the table `card_proof`."""
    op.create_table(
        "card_proof",
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('begun', 'proven', 'not_proven')", name=op.f("ck_card_proof_outcome")
        ),
        sa.CheckConstraint("number BETWEEN 1 AND 5", name=op.f("ck_card_proof_five_tries")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_card_proof_member_id")
        ),
        sa.ForeignKeyConstraint(["serial"], ["voucher.serial"], name=op.f("fk_card_proof_serial")),
        sa.PrimaryKeyConstraint("serial", "number", name=op.f("pk_card_proof")),
    )


def create_voucher_hold() -> None:
    """Make the table `voucher_hold`."""
    op.create_table(
        "voucher_hold",
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("replaced_by", sa.BigInteger(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(hold = 'replaced') = (replaced_by IS NOT NULL)", name=op.f("ck_voucher_hold_replaced")
        ),
        sa.CheckConstraint(
            "hold IN ('suspended', 'stolen', 'lost', 'damaged', 'replaced')",
            name=op.f("ck_voucher_hold_hold"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_voucher_hold_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["voucher.serial"], name=op.f("fk_voucher_hold_replaced_by")
        ),
        sa.ForeignKeyConstraint(
            ["serial"], ["voucher.serial"], name=op.f("fk_voucher_hold_serial")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_voucher_hold")),
        sa.UniqueConstraint("replaced_by", name=op.f("uq_voucher_hold_replaced_by")),
    )


def create_voucher_hold_before() -> None:
    """Make the table `voucher_hold_before`."""
    op.create_table(
        "voucher_hold_before",
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "hold IN ('suspended', 'stolen', 'lost', 'damaged', 'replaced')",
            name=op.f("ck_voucher_hold_before_hold"),
        ),
        sa.ForeignKeyConstraint(
            ["serial"], ["voucher.serial"], name=op.f("fk_voucher_hold_before_serial")
        ),
        sa.PrimaryKeyConstraint("serial", "until", name=op.f("pk_voucher_hold_before")),
    )
