"""One-time codes of members whom test factories wrote without a secret."""

from datetime import datetime

import pyotp
from sqlalchemy import update

from core.db import Database
from core.keyfile import KeyFile
from staff.permissions import Actor
from staff.tables import staff_member


def fresh_code(keyfile: KeyFile, db: Database, actor: Actor, at: datetime | None = None) -> str:
    """Give the member a phone with codes; return the one of now, as if none was used yet."""
    secret = pyotp.random_base32()
    values = {"totp_secret": keyfile.seal(secret.encode()), "totp_last_step": 0}
    with db.write() as session:
        own = staff_member.c.id == actor.member_id
        session.execute(update(staff_member).where(own).values(values))
    return pyotp.TOTP(secret).at(at or db.clock())
