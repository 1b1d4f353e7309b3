"""`wanneng init`: everything that must be there before the first member is added."""

from pathlib import Path

from sqlalchemy import select

from accounts.bills import seed_rates
from accounts.ledger import seed_chart
from cli.app import App, sqlite_path
from cli.command import command, pass_app
from core import keyfile
from core.db import Database, Session
from core.errors import ConfigurationError
from core.keyfile import Keys
from distribution.parties import seed_warehouse
from migrations import schema
from staff.members import list_members
from vouchers import denominations, key_rotation
from vouchers.tables import pin_key

_FIRST_MEMBERS = 2
_NEXT_STEPS = """\
Next, two different people (no sign-in needed for these two; one must be an admin):
  wanneng staff add NAME1 --role admin
  wanneng staff add NAME2 --role issuer
  wanneng login NAME1
  wanneng serve
`wanneng doctor` looks whether everything is as it should be."""


@command(
    "init", examples=["wanneng init", "WANNENG_DATABASE_URL=postgresql+psycopg://… wanneng init"]
)
@pass_app
def init(app: App) -> None:
    """Make the database, the key file, and what they need.

    Makes directories, the schema (or brings it up to date), the key file with mode 0600, face
    values, the chart of accounts, the late fee rates and the warehouse. What is there is left
    alone, so it may be run again at any time.
    """
    path = sqlite_path(app.settings)
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    db = app.open_db()
    try:
        done = prepare(db, app.keys)
    finally:
        db.dispose()
    made = " (new)" if done["key_file_made"] else ""
    lines = [
        f"database  {path or 'PostgreSQL'}: schema up to date, {done['denominations_added']}"
        " face values added",
        f"key file  {app.settings.key_file}{made}: keep a copy off this machine; without it"
        " no card can be redeemed",
    ]
    app.out.result(done, "\n".join(lines))
    if done["members"] < _FIRST_MEMBERS:
        app.out.note(_NEXT_STEPS)


def prepare(db: Database, keys: Keys) -> dict[str, int | bool]:
    """Bring schema, key file and fixed rows up to date; return what was added.

    Raises ConfigurationError for a lost or foreign key file: a new one would open no card.
    """
    schema.upgrade(db)
    db.check_durability()
    made = _make_key_file(db, keys.path)

    def seed(session: Session) -> dict[str, int | bool]:
        key_rotation.register(session, keys.get())
        added = denominations.seed(session, db.settings)
        seed_chart(session)
        seed_rates(session)
        seed_warehouse(session)
        return {"denominations_added": added, "members": len(list_members(session))}

    return {"key_file_made": made, **db.transact(seed)}


def _make_key_file(db: Database, path: Path) -> bool:
    if path.exists():
        return False
    with db.read() as session:
        known = session.execute(select(pin_key.c.version).limit(1)).first()
    if known is not None:
        raise ConfigurationError(
            f"this database has cards under a key file that is not at {path}: bring it back, a new"
            " one would open none of them"
        )
    keyfile.create(path)
    return True
