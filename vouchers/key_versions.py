"""The PIN key versions as a person looks at them: in the key file, and in the database."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from core.db import Session
from core.keyfile import KeyFile
from staff.permissions import Actor, Permission, require
from vouchers.tables import batch, pin_key


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version: its public check value, and how many cards were ordered under it.

    `state` is current, live, retired or missing (the database needs it, the file lacks it);
    `since` is empty while no database knows it.
    """

    version: int
    check_value: str
    state: str
    since: datetime | None
    cards: int


def list_versions(session: Session, actor: Actor, keyfile: KeyFile) -> list[KeyVersion]:
    """Return all versions, the oldest first."""
    require(actor, Permission.ROTATE_KEYS)
    known = {row.version: row for row in session.execute(select(pin_key))}
    cards = _cards_by_version(session)
    versions = []
    for version in sorted({*known, *keyfile.pin_keys}):
        row, key = known.get(version), keyfile.pin_keys.get(version)
        versions.append(
            KeyVersion(
                version,
                row.check_value if row is not None else "" if key is None else key.check_value,
                _state(keyfile, version, None if row is None else row.retired_at),
                None if row is None else row.created_at,
                cards.get(version, 0),
            )
        )
    return versions


def _state(keyfile: KeyFile, version: int, retired_at: datetime | None) -> str:
    if version == keyfile.current_version:
        return "current"
    key = keyfile.pin_keys.get(version)
    if key is not None and key.live:
        return "live"
    return "missing" if key is None and retired_at is None else "retired"


def _cards_by_version(session: Session) -> dict[int, int]:
    rows = session.execute(
        select(batch.c.key_version, func.sum(batch.c.size))
        .where(batch.c.key_version.is_not(None))
        .group_by(batch.c.key_version)
    )
    return {int(version): int(cards) for version, cards in rows}
