"""Tables of cards. A voucher row is immutable; what changes stands in lots and exceptions."""

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
    Table,
    Text,
    Uuid,
)

from core.db import UtcDateTime, metadata

STAGES = ("generated", "printing", "stocked", "in_transit", "active", "void")
HOLDS = ("suspended", "stolen", "lost", "damaged", "replaced")
_STAGES = ", ".join(f"'{stage}'" for stage in STAGES)
_HOLDS = ", ".join(f"'{hold}'" for hold in HOLDS)

pin_key = Table(
    "pin_key",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("check_value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)
"""The key versions in use; `check_value` tells whether a key file is this database's."""

denomination = Table(
    "denomination",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("face_fen", BigInteger, nullable=False, unique=True),
    Column("face_code", Text, nullable=False, unique=True),
    Column("validity_days", Integer, nullable=False),
    Column("protection", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    CheckConstraint("face_fen BETWEEN 1 AND 100000", name="bearer_limit"),
    CheckConstraint("length(face_code) = 2", name="face_code"),
    CheckConstraint("validity_days > 0", name="validity"),
    CheckConstraint("protection IN ('hmac', 'hmac_argon2id')", name="protection"),
)

printer = Table(
    "printer",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("code", Text, nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), nullable=False, unique=True),
    Column("active", Boolean, nullable=False),
    CheckConstraint("length(code) = 1", name="code"),
)
"""A printer's age key, registered by two persons; inactive until the second agreed."""

batch_order = Table(
    "batch_order",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("denomination_id", BigInteger, ForeignKey("denomination.id"), nullable=False),
    Column("printer_id", BigInteger, ForeignKey("printer.id")),
    Column("card_count", BigInteger, nullable=False),
    Column("requested_by", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("approval_id", BigInteger, ForeignKey("approval.id"), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("card_count > 0", name="card_count"),
)
"""An order of cards of one face, cut into batches of at most 100,000; electronic: no printer."""

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", BigInteger, ForeignKey("batch_order.id"), nullable=False),
    Column("denomination_id", BigInteger, ForeignKey("denomination.id"), nullable=False),
    Column("printer_id", BigInteger, ForeignKey("printer.id")),
    Column("first_serial", BigInteger, nullable=False, unique=True),
    Column("size", Integer, nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("key_version", Integer, ForeignKey("pin_key.version")),
    Column("generated_count", Integer, nullable=False, server_default="0"),
    Column("delivered_count", Integer, nullable=False, server_default="0"),
    Column("spoilt_count", Integer, nullable=False, server_default="0"),
    Column("ciphertext_sha256", Text),
    Column("manifest", Text),
    Column("export_approval_id", BigInteger, ForeignKey("approval.id")),
    Column("exported_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("size BETWEEN 1 AND 100000", name="size"),
    CheckConstraint("first_serial % 100000 = 0", name="first_serial"),
    CheckConstraint(
        "state IN ('requested', 'approved', 'generating', 'generated', 'failed', 'refused',"
        " 'open', 'closed')",
        name="state",
    ),
    CheckConstraint(
        "CASE WHEN printer_id IS NULL THEN state NOT IN ('generating', 'generated', 'failed')"
        " AND delivered_count = 0 AND spoilt_count = 0 AND exported_at IS NULL"
        " ELSE state NOT IN ('open', 'closed') END",
        name="electronic",
    ),
    CheckConstraint("state <> 'open' OR key_version IS NOT NULL", name="open_under_a_key"),
    CheckConstraint("generated_count BETWEEN 0 AND size", name="generated_count"),
    CheckConstraint("state <> 'generated' OR generated_count = size", name="complete"),
    CheckConstraint(
        "delivered_count >= 0 AND spoilt_count >= 0"
        " AND delivered_count + spoilt_count <= generated_count",
        name="delivered",
    ),
)
"""Up to 100,000 cards of one face whose serials share their first 11 digits.

`id` is those 11 digits, so a serial's batch is serial // 100,000. Without a printer it is
electronic: its cards are made one by one as tills sell them, while it is `open`, and
`generated_count` tells how many there are.
"""

print_file_part = Table(
    "print_file_part",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("batch.id"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("ciphertext", LargeBinary, nullable=False),
)
"""The age-encrypted print file in pieces; handed out once, then deleted."""

voucher = Table(
    "voucher",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("batch_id", BigInteger, ForeignKey("batch.id"), nullable=False),
    Column("pin_tag", Uuid, nullable=False, unique=True),
    Column("salt", LargeBinary),
    Column("verifier", LargeBinary),
    CheckConstraint("serial / 100000 = batch_id", name="batch_of_serial"),
    CheckConstraint("(salt IS NULL) = (verifier IS NULL)", name="salted_verifier"),
)
"""One card, for ever: insert only. The PIN itself is nowhere."""

lot = Table(
    "lot",
    metadata,
    Column("first_serial", BigInteger, primary_key=True, autoincrement=False),
    Column("last_serial", BigInteger, nullable=False, unique=True),
    Column("batch_id", BigInteger, ForeignKey("batch.id"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("holder_id", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("in_transit_to", BigInteger, ForeignKey("party.id")),
    Column("hold", Text),
    Column("expires_on", Date, nullable=False),
    Column("activated_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("last_serial >= first_serial", name="range"),
    CheckConstraint(
        "first_serial / 100000 = batch_id AND last_serial / 100000 = batch_id", name="in_batch"
    ),
    CheckConstraint(f"stage IN ({_STAGES})", name="stage"),
    CheckConstraint(f"hold IN ({_HOLDS})", name="hold"),
    CheckConstraint("(stage = 'in_transit') = (in_transit_to IS NOT NULL)", name="in_transit"),
    CheckConstraint("in_transit_to <> holder_id", name="leaves_holder"),
    CheckConstraint("stage <> 'active' OR activated_on IS NOT NULL", name="activated"),
    CheckConstraint("activated_on IS NULL OR stage IN ('active', 'void')", name="not_activated"),
)
"""A contiguous run of serials that agree in everything; the lots of a batch tile it."""

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("move", Text, nullable=False),
    Column("batch_id", BigInteger, ForeignKey("batch.id"), nullable=False),
    Column("first_serial", BigInteger, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    Column("from_stage", Text),
    Column("to_stage", Text, nullable=False),
    Column("from_holder", BigInteger, ForeignKey("party.id")),
    Column("to_holder", BigInteger, ForeignKey("party.id"), nullable=False),
    Column("in_transit_to", BigInteger, ForeignKey("party.id")),
    Column("from_hold", Text),
    Column("to_hold", Text),
    Column("expires_on", Date, nullable=False),
    Column("activated_on", Date),
    Column("version", Integer, nullable=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id")),
    Column("approval_id", BigInteger, ForeignKey("approval.id")),
    Column("document", Text),
    Column("reason", Text),
    Column("owing_party_id", BigInteger, ForeignKey("party.id")),
    Column("price_fen", BigInteger),
    Column("commission_fen", BigInteger),
    Column("entry_id", BigInteger, ForeignKey("journal_entry.id")),
    CheckConstraint("last_serial >= first_serial", name="range"),
    CheckConstraint(f"to_stage IN ({_STAGES})", name="to_stage"),
    CheckConstraint("commission_fen BETWEEN 0 AND price_fen", name="commission"),
    CheckConstraint("(price_fen IS NULL) = (commission_fen IS NULL)", name="priced"),
)
"""One move of one range whose cards agreed before it; append only.

`to_stage`, `to_holder`, `in_transit_to`, `to_hold`, `expires_on`, `activated_on` are the facts
after it, so that replaying the rows of a batch gives its lots. `version` is the lot's after the
move: it puts the movements of one card in order, which ids made by two processes may not.
`price_fen` is the face value and `commission_fen` the commission of each card, kept on moves that
post money.
"""

voucher_hold = Table(
    "voucher_hold",
    metadata,
    Column("serial", BigInteger, ForeignKey("voucher.serial"), primary_key=True),
    Column("hold", Text, nullable=False),
    Column("replaced_by", BigInteger, ForeignKey("voucher.serial"), unique=True),
    Column("member_id", BigInteger, ForeignKey("staff_member.id")),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint(f"hold IN ({_HOLDS})", name="hold"),
    CheckConstraint("(hold = 'replaced') = (replaced_by IS NOT NULL)", name="replaced"),
)
"""The exceptions: single cards on hold, or replaced."""

voucher_hold_before = Table(
    "voucher_hold_before",
    metadata,
    Column("serial", BigInteger, ForeignKey("voucher.serial"), primary_key=True),
    Column("until", UtcDateTime, primary_key=True),
    Column("hold", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    CheckConstraint(f"hold IN ({_HOLDS})", name="hold"),
)
"""What a card's hold was before it became another. Reports of the past ask."""

card_proof = Table(
    "card_proof",
    metadata,
    Column("serial", BigInteger, ForeignKey("voucher.serial"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, ForeignKey("staff_member.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
    CheckConstraint("number BETWEEN 1 AND 5", name="five_tries"),
    CheckConstraint("outcome IN ('begun', 'proven', 'not_proven')", name="outcome"),
)
"""A try to prove a damaged card by its readable digits; of those nothing is kept.

The key allows five tries a card, for ever. One that ended in a crash stays `begun` and counts.
"""

Index("ix_lot_batch_id", lot.c.batch_id, lot.c.first_serial)
Index("ix_lot_holder_id", lot.c.holder_id, lot.c.stage)
Index("ix_stock_movement_batch_id", stock_movement.c.batch_id, stock_movement.c.id)
Index("ix_stock_movement_at", stock_movement.c.at)
Index("ix_batch_order_id", batch.c.order_id)
Index(
    "ix_stock_movement_owing_party_id",
    stock_movement.c.owing_party_id,
    stock_movement.c.at,
    postgresql_where=stock_movement.c.owing_party_id.is_not(None),
    sqlite_where=stock_movement.c.owing_party_id.is_not(None),
)
