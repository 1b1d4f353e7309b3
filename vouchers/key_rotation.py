"""Key versions: which the database knows, a new one, and the end of an old one."""

from sqlalchemy import ColumnElement, and_, column, exists, func, or_, select, table

from core.db import Database, Session
from core.errors import ConfigurationError, DomainError
from core.keyfile import KeyFile, Keys
from core.keyfile import retire as retire_in_file
from core.keyfile import rotate as rotate_in_file
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.tables import batch, denomination, lot, pin_key, voucher, voucher_hold

MAX_HYBRID_CARDS = 10_000_000
"""Cards behind argon2id under one version; more would make the 28-bit tags clash too often."""

_redemption = table("redemption", column("serial"))  # the upper floor's, known here by its name


class KeyInUse(DomainError):
    """Cards made under this key can still be redeemed."""

    code = "key_in_use"


class KeyFull(DomainError):
    """So many cards stand under the current key that a new version must be made first."""

    code = "key_full"


def register(session: Session, keyfile: KeyFile) -> None:
    """Make the live versions of the key file known to this database; repeating it is harmless."""
    known = set(session.execute(select(pin_key.c.version)).scalars())
    rows = [
        {"version": key.version, "check_value": key.check_value, "created_at": session.now}
        for key in keyfile.live
        if key.version not in known
    ]
    if rows:
        session.execute(session.insert_new(pin_key), rows)
    check_key_file(session, keyfile)


def check_key_file(session: Session, keyfile: KeyFile) -> None:
    """Raise ConfigurationError unless the file holds every key this database still needs."""
    query = select(pin_key.c.version, pin_key.c.check_value).where(pin_key.c.retired_at.is_(None))
    for version, check_value in session.execute(query):
        key = keyfile.pin_keys.get(version)
        if key is None or not key.live or key.check_value != check_value:
            raise ConfigurationError(
                f"the key file is not this database's: key version {version} is missing or differs"
            )


def rotate(db: Database, keys: Keys, actor: Actor) -> int:
    """Make a new key version for all cards made from now on; return it. No PIN is needed.

    Cards of older versions stay redeemable. ConfigurationError when 4 versions are live.
    """
    require(actor, Permission.ROTATE_KEYS)
    with db.read() as session:
        check_key_file(session, keys.get())
    # The file first: a version that no database knows yet does no harm.
    version = rotate_in_file(keys.path).current_version

    def store(session: Session) -> None:
        register(session, keys.get())
        events.record(session, actor, "key.rotated", f"pin_key:{version}")

    db.transact(store)
    return version


def retire(db: Database, keys: Keys, actor: Actor, version: int) -> None:
    """Stop using an old version: its cards are unknown from then on, the used ones as well.

    KeyInUse while a card made under it can still be redeemed; ConfigurationError for the current
    or an unknown version.
    """
    require(actor, Permission.ROTATE_KEYS)
    keyfile = keys.get()
    if version not in keyfile.pin_keys or version == keyfile.current_version:
        raise ConfigurationError(f"key version {version} is unknown or the current one")

    def store(session: Session) -> None:
        # The change first: whoever begins a batch under this key waits here or was before us.
        session.execute(
            pin_key.update()
            .where(pin_key.c.version == version, pin_key.c.retired_at.is_(None))
            .values(retired_at=session.now)
        )
        if session.execute(select(_redeemable(version))).scalar_one():
            raise KeyInUse(f"cards made under key version {version} can still be redeemed")
        events.record(session, actor, "key.retired", f"pin_key:{version}")

    # The database first: if we die between, the file only holds a key too many.
    db.transact(store)
    retire_in_file(keys.path, version)


def pin_to_batch(session: Session, keyfile: KeyFile, hybrid_cards: int) -> int:
    """Return the version for a new batch, which cannot be retired until the transaction ends.

    Raises KeyFull when `hybrid_cards` more behind argon2id are too many for it; of two batches at
    once the second waits, so that none is missed in the count.
    """
    register(session, keyfile)
    version = keyfile.current.version
    query = select(pin_key.c.retired_at).where(pin_key.c.version == version)
    if session.execute(query.with_for_update(key_share=True)).scalar_one() is not None:
        raise ConfigurationError(f"key version {version} is retired in the database")
    if hybrid_cards and _hybrid_cards(session, version) + hybrid_cards > MAX_HYBRID_CARDS:
        raise KeyFull("the current key version is full: rotate the keys, then generate again")
    return version


def _hybrid_cards(session: Session, version: int) -> int:
    total = session.execute(
        select(func.coalesce(func.sum(batch.c.size), 0))
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(batch.c.key_version == version, denomination.c.protection == "hmac_argon2id")
    ).scalar_one()
    return int(total)


def _redeemable(version: int) -> ColumnElement[bool]:
    """Whether there is a card neither void nor replaced nor redeemed, or one may still be made."""
    used = exists().where(_redemption.c.serial == voucher.c.serial)
    replaced = exists().where(
        voucher_hold.c.serial == voucher.c.serial, voucher_hold.c.hold == "replaced"
    )
    of_lot = and_(
        voucher.c.batch_id == lot.c.batch_id,  # or every card is compared with every lot
        voucher.c.serial.between(lot.c.first_serial, lot.c.last_serial),
        lot.c.stage != "void",
    )
    usable = exists().where(
        batch.c.key_version == version, lot.c.batch_id == batch.c.id, of_lot, ~used, ~replaced
    )
    being_made = exists().where(
        batch.c.key_version == version, batch.c.state.in_(("generating", "open"))
    )
    return or_(usable, being_made)
