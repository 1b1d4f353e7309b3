"""What `wanneng doctor` looks at. Each check returns what it found and what to do about it."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from cli.app import App, sqlite_path
from cli.settings_table import without_password
from core import redis
from core.errors import ConfigurationError
from core.gateways import routes
from core.outbox import GatewayTrouble
from core.pdf import find_font
from core.tables import outbox
from migrations import schema
from staff.members import list_members
from staff.tables import audit_event
from vouchers.key_rotation import check_key_file
from vouchers.print_file import page_url

_SKEW = timedelta(seconds=5)
_LOW_BYTES = 100 << 20
_LITTLE_BYTES = 1 << 30
_FIRST_MEMBERS = 2
_MANY_LIVE = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `ok`, `warning` or `failed`, and what to do next."""

    state: str
    found: str
    next_step: str | None = None


Check = Callable[[App], Finding]


def settings(app: App) -> Finding:
    """Every WANNENG_ variable is known and has a usable value."""
    where = without_password(app.settings.database_url)
    return Finding("ok", f"{where}, days of {app.settings.timezone}")


def database(app: App) -> Finding:
    """The database answers."""
    try:
        with app.db.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return Finding(
            "failed",
            f"no answer ({type(error).__name__})",
            "start it, or correct WANNENG_DATABASE_URL",
        )
    return Finding("ok", "answers")


def durability(app: App) -> Finding:
    """No committed redemption can be lost by a crash."""
    try:
        app.db.check_durability()
    except ConfigurationError as error:
        return Finding("failed", error.message, "set it right in the database's configuration")
    return Finding("ok", "commits survive a crash")


def schema_state(app: App) -> Finding:
    """The schema is the one this program was written for."""
    try:
        schema.check_current(app.db)
    except ConfigurationError as error:
        return Finding("failed", error.message, "wanneng init")
    return Finding("ok", "up to date")


def redis_state(app: App) -> Finding:
    """Counters and call states are kept where all workers see them."""
    if not app.settings.redis_url:
        return Finding("ok", "kept in the one worker process; more workers need WANNENG_REDIS_URL")
    with closing(redis.connect(app.settings)) as client:
        if redis.is_alive(client):
            return Finding("ok", f"{without_password(app.settings.redis_url)} answers")
    return Finding(
        "failed",
        "no answer; cards are redeemed without it, calls are not",
        "start it, or correct WANNENG_REDIS_URL",
    )


def key_file(app: App) -> Finding:
    """The key file is there, private, and whole."""
    keyfile = app.keys.get()
    live = len(keyfile.live)
    if live >= _MANY_LIVE:
        return Finding("warning", f"{live} live key versions", "wanneng key retire an old one")
    return Finding("ok", f"{app.settings.key_file}, mode 0600, {live} of its versions live")


def key_match(app: App) -> Finding:
    """The key file is this database's."""
    try:
        with app.db.read() as session:
            check_key_file(session, app.keys.get())
    except ConfigurationError as error:
        return Finding("failed", error.message, "bring the right key file back")
    return Finding("ok", "the key file is this database's")


def clock(app: App) -> Finding:
    """This machine's clock agrees with the database's, and does not lie in the past."""
    with app.db.read() as session:
        last: datetime | None = session.execute(select(func.max(audit_event.c.at))).scalar()
        there: datetime = session.now
        if session.connection.dialect.name == "postgresql":
            there = session.execute(select(func.clock_timestamp())).scalar_one()
        here = app.db.clock()
    if abs(here - there) > _SKEW:
        return Finding("failed", f"the database's clock differs by {here - there}", "use NTP")
    if last is not None and last - here > _SKEW:
        return Finding("failed", f"events are recorded in the future: {last}", "use NTP")
    local = here.astimezone(app.settings.zone)
    return Finding("ok", f"{local:%Y-%m-%d %H:%M:%S %Z}")


def disk(app: App) -> Finding:
    """There is room for the database, or at least for the key file's copies."""
    path = sqlite_path(app.settings) or app.settings.key_file
    free = shutil.disk_usage(_nearest(path)).free
    found = f"{free / (1 << 30):.1f} GiB free at {path.parent}"
    if free < _LOW_BYTES:
        return Finding("failed", found, "make room: commits will soon fail")
    if free < _LITTLE_BYTES:
        return Finding("warning", found, "make room")
    return Finding("ok", found)


def members(app: App) -> Finding:
    """There are two people, so that one can agree to what the other asks for."""
    with app.db.read() as session:
        active = [item for item in list_members(session) if item.active]
    if len({item.person_name for item in active}) < _FIRST_MEMBERS:
        return Finding("warning", f"{len(active)} active members", "wanneng staff add")
    return Finding("ok", f"{len(active)} active members")


def public_address(app: App) -> Finding:
    """The address on the cards can be printed, and reached by customers."""
    url = page_url(app.settings.public_url)
    if "127.0.0.1" in url or "localhost" in url:
        next_step = "set WANNENG_PUBLIC_URL before cards are printed"
        return Finding("warning", f"{url} leads nowhere on a customer's phone", next_step)
    return Finding("ok", url)


def document_font(app: App) -> Finding:
    """Documents carry their font with them, so that they look the same everywhere."""
    font = find_font(app.settings.pdf_font)
    if font is None:
        next_step = "install fonts-wqy-microhei, or set WANNENG_PDF_FONT"
        return Finding("warning", "Chinese in documents is left to the reader's fonts", next_step)
    return Finding("ok", str(font))


def text_gateway(app: App) -> Finding:
    """Receipts and codes can leave."""
    return _gateway(routes.text_gateway(app.settings), "WANNENG_SMS_GATEWAY")


def alarm_gateway(app: App) -> Finding:
    """Alarms reach somebody."""
    return _gateway(routes.alarm_gateway(app.settings), "WANNENG_ALARM_GATEWAY")


def _gateway(gateway: routes.Gateway, variable: str) -> Finding:
    if isinstance(gateway, routes.Log):
        return Finding("warning", gateway.check(), f"set {variable}, see docs/channels.md")
    try:
        return Finding("ok", gateway.check())
    except GatewayTrouble as error:
        return Finding("failed", error.reason, f"start it, or correct {variable}")


def given_up(app: App) -> Finding:
    """No message waits for staff."""
    with app.db.read() as session:
        query = select(func.count()).where(outbox.c.given_up_at.is_not(None))
        count = session.execute(query).scalar_one()
    if count:
        next_step = "wanneng message list --state given_up, then resend"
        return Finding("warning", f"{count} messages were given up", next_step)
    return Finding("ok", "no message was given up")


CHECKS: Mapping[str, Check] = {
    "settings": settings,
    "database": database,
    "durable commits": durability,
    "schema": schema_state,
    "redis": redis_state,
    "key file": key_file,
    "key file match": key_match,
    "clock": clock,
    "disk space": disk,
    "members": members,
    "public address": public_address,
    "document font": document_font,
    "text gateway": text_gateway,
    "alarm gateway": alarm_gateway,
    "messages": given_up,
}
"""In the order in which one builds on the other."""


def _nearest(path: Path) -> Path:
    """Return the closest directory above that exists."""
    return next(each for each in path.absolute().parents if each.is_dir())
