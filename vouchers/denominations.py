"""The face values that cards may have, and how each is protected."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select

from core.db import Session
from core.errors import NotFound
from core.money import format_yuan
from core.settings import Settings
from vouchers.tables import denomination

FACE_CODES = {
    5000: "01",
    10000: "02",
    2000: "03",
    30000: "04",
    50000: "05",
    3000: "06",
    20000: "07",
    100000: "08",
    1000: "10",
}
"""Face in fen -> the two digits in the serial number (domain rule: numbers on the card)."""

VALIDITY_DAYS = 3 * 365
"""From the order to the printed date; from activation on the rules give three years anyway."""


class FaceUnknown(NotFound):
    """There are no cards of this face value."""

    code = "face_unknown"


@dataclass(frozen=True, slots=True)
class Denomination:
    """A row of table denomination; `protection` is hmac or hmac_argon2id."""

    id: int
    face_fen: int
    face_code: str
    validity_days: int
    protection: str
    active: bool

    @property
    def is_hybrid(self) -> bool:
        """Whether its PINs are kept behind argon2id."""
        return self.protection == "hmac_argon2id"


def seed(session: Session, settings: Settings) -> int:
    """Add the standard faces that are missing; return how many. Existing ones stay as they are."""
    known = {item.face_fen for item in list_denominations(session)}
    rows = [
        {
            "id": session.new_id(),
            "face_fen": face_fen,
            "face_code": code,
            "validity_days": VALIDITY_DAYS,
            "protection": protection(face_fen, settings),
            "active": True,
        }
        for face_fen, code in FACE_CODES.items()
        if face_fen not in known
    ]
    if rows:
        session.execute(session.insert_new(denomination), rows)
    return len(rows)


def protection(face_fen: int, settings: Settings) -> str:
    """Return the protection that a new denomination gets: the face value decides."""
    return "hmac_argon2id" if face_fen >= settings.argon2_threshold_fen else "hmac"


def by_face(session: Session, face_fen: int) -> Denomination:
    """Return the active denomination of a face value in fen; FaceUnknown if there is none."""
    query = _query().where(denomination.c.face_fen == face_fen, denomination.c.active)
    row = session.execute(query).one_or_none()
    if row is None:
        raise FaceUnknown(f"there are no cards of {format_yuan(face_fen)} yuan", face_fen=face_fen)
    return _denomination(row)


def list_denominations(session: Session) -> list[Denomination]:
    """Return all denominations, the smallest face first."""
    return [_denomination(row) for row in session.execute(_query())]


def _query() -> Select[Any]:
    return select(denomination).order_by(denomination.c.face_fen)


def _denomination(row: Row[Any]) -> Denomination:
    return Denomination(**row._mapping)
