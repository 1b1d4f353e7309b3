"""Printers: who may read the secrets of new cards. Two persons register each key."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import pyrage
from sqlalchemy import Row, or_, select

from core.db import Session
from core.errors import DomainError, InvalidInput, NotFound
from core.text import clean
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers.tables import printer

_CODE = re.compile(r"[1-9]")


class PrinterKeyInvalid(InvalidInput):
    """Not an age public key of the kind age1…"""

    code = "printer_key_invalid"


class PrinterExists(DomainError):
    """A printer of this name or code is registered, or waits for agreement."""

    code = "printer_exists"


class PrinterUnknown(NotFound):
    """There is no active printer of this name."""

    code = "printer_unknown"


@dataclass(frozen=True, slots=True)
class Printer:
    """A row of table printer; not active until a second person agreed."""

    id: int
    name: str
    code: str
    public_key: str
    fingerprint: str
    active: bool


def fingerprint(public_key: str) -> str:
    """Return what two people compare by eye or telephone: 96 bits of SHA-256 in six groups."""
    text = hashlib.sha256(parse_public_key(public_key).encode("ascii")).hexdigest()[:24]
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def parse_public_key(text: str) -> str:
    """Return an age X25519 recipient in its one written form; PrinterKeyInvalid otherwise."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except (pyrage.RecipientError, UnicodeEncodeError):
        # What was sent is not repeated: it may be the secret key, pasted by mistake.
        raise PrinterKeyInvalid("the printer's public key must be an age key, age1…") from None


def request_printer(session: Session, actor: Actor, name: str, code: str, public_key: str) -> int:
    """Ask for a printer to be registered; return the approval's id.

    `code` is the digit P of the serial numbers. Raises PrinterExists, PrinterKeyInvalid.
    """
    require(actor, Permission.MANAGE_PRINTERS)
    name = clean(name, "the printer's name", 100)
    if _CODE.fullmatch(code) is None:
        raise InvalidInput("a printer's code is one digit from 1 to 9; 0 stands for no printer")
    key = parse_public_key(public_key)
    taken = select(printer.c.id).where(or_(printer.c.name == name, printer.c.code == code))
    if session.execute(taken).first() is not None:
        raise PrinterExists(f"there is a printer named {name} or with the code {code} already")
    printer_id = session.new_id()
    row = {"name": name, "code": code, "public_key": key, "fingerprint": fingerprint(key)}
    approval_id = approvals.request(session, actor, "printer", row | {"printer_id": printer_id})
    done = session.execute(
        session.insert_new(printer),
        row | {"id": printer_id, "approval_id": approval_id, "active": False},
    )
    if done.rowcount != 1:
        raise PrinterExists(f"there is a printer named {name} or with the code {code} already")
    return approval_id


def activate_printer(session: Session, decision: Decision) -> str:
    """Carry out an agreed registration; return the printer's name."""
    content = decision.content
    done = session.execute(
        printer.update()
        .where(
            printer.c.id == content["printer_id"],
            printer.c.public_key == content["public_key"],
            printer.c.active.is_(False),
        )
        .values(active=True)
    )
    if done.rowcount != 1:
        raise ContentChanged("the printer is no longer as it was asked for")
    events.record(
        session,
        decision.decider,
        "printer.registered",
        f"printer:{content['printer_id']}",
        name=content["name"],
        fingerprint=content["fingerprint"],
    )
    return str(content["name"])


def discard_printer(session: Session, decision: Decision) -> None:
    """Clear away a refused registration, so that its name and code are free again."""
    session.execute(
        printer.delete().where(
            printer.c.id == decision.content["printer_id"], printer.c.active.is_(False)
        )
    )


def by_name(session: Session, name: str) -> Printer:
    """Return the active printer of a name; PrinterUnknown if there is none."""
    query = select(printer).where(printer.c.name == name, printer.c.active)
    row = session.execute(query).one_or_none()
    if row is None:
        raise PrinterUnknown(f"there is no active printer named {name}", printer=name)
    return _printer(row)


def by_id(session: Session, printer_id: int) -> Printer:
    """Return a printer, active or not; PrinterUnknown if there is none."""
    row = session.execute(select(printer).where(printer.c.id == printer_id)).one_or_none()
    if row is None:
        raise PrinterUnknown(f"there is no printer {printer_id}")
    return _printer(row)


def list_printers(session: Session) -> list[Printer]:
    """Return all printers by name, those that wait for agreement too."""
    return [_printer(row) for row in session.execute(select(printer).order_by(printer.c.name))]


def _printer(row: Row[Any]) -> Printer:
    return Printer(row.id, row.name, row.code, row.public_key, row.fingerprint, row.active)
