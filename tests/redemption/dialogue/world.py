"""What the tests of texts and calls find in the database, and what they look at afterwards."""

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Select, Table, func, select

from accounts.bills import seed_rates
from accounts.tables import bill, electricity_account
from core import redis as core_redis
from core.db import Database, Session
from core.tables import outbox
from redemption.dialogue.call_records import CallReply
from redemption.dialogue.calls import answer_call
from redemption.dialogue.deps import DialogueDeps
from redemption.tables import caller_binding
from vouchers.pins import Pin, damm_digit, draw

ACCOUNT = "0012344567"
PHONE = "+8613800000001"
HOLDER = "+8613900000002"
GATEWAY = "kannel-1"


def make_household(session: Session, number: str, phone: str | None) -> None:
    """Write an account with one bill of 31.10 that was due yesterday (2025-06-10)."""
    seed_rates(session)
    account = {
        "number": number,
        "holder_name": "王小明",
        "account_class": "residential",
        "phone": phone,
        "state": "open",
        "balance_fen": 0,
        "version": 1,
    }
    session.execute(electricity_account.insert(), account)
    owed = {
        "id": session.new_id(),
        "account_number": number,
        "bill_number": f"B-{number}",
        "period": "2025-05",
        "principal_fen": 3_110,
        "due_on": date(2025, 6, 10),
        "paid_principal_fen": 0,
        "charged_fee_fen": 0,
        "paid_fee_fen": 0,
        "state": "open",
    }
    session.execute(bill.insert(), owed)


def register(db: Database, number: str, phone: str = PHONE) -> None:
    """Register an account for a phone."""
    with db.write() as session:
        row = {"caller": f"tel:{phone}", "account_number": number, "at": session.now}
        session.execute(caller_binding.insert(), row)


def count(db: Database, table: Table) -> int:
    """Return how many rows a table has."""
    with db.read() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def rows(db: Database, query: Select[Any]) -> list[Any]:
    """Return the rows of a query."""
    with db.read() as session:
        return list(session.execute(query))


def texts_sent(db: Database) -> list[tuple[str, str]]:
    """Return recipient and body of the messages to send, in order."""
    query = select(outbox.c.recipient, outbox.c.body).order_by(outbox.c.id)
    return [(row.recipient, row.body) for row in rows(db, query)]


def wrong_pin() -> Pin:
    """Return a well-formed PIN that no card has."""
    return draw()


def malformed(pin: Pin) -> str:
    """Return the PIN with one digit mistyped."""
    last = (int(pin.digits[-1]) + 1) % 10
    assert damm_digit(pin.digits[:-1] + str(last)) != "0"
    return pin.digits[:-1] + str(last)


def redis_content(deps: DialogueDeps) -> bytes:
    """Return everything that stands in Redis, keys and values."""
    found = [bytes(key) for key in deps.redis.scan_iter("*")]
    values = [deps.redis.get(key) for key in found]
    return b"\n".join([*found, *(value for value in values if isinstance(value, bytes))])


def without_redis(deps: DialogueDeps) -> DialogueDeps:
    """Return the same with a Redis that cannot be reached."""
    nowhere = replace(deps.db.settings, redis_url="unix:///nowhere/redis.sock")
    return replace(deps, redis=core_redis.connect(nowhere))


CALLS = itertools.count(1)
TO_PIN = ("2", "1", f"{ACCOUNT}#", "1")


class Phone:
    """Makes one call; each press is one turn."""

    def __init__(self, deps: DialogueDeps, caller: str = PHONE) -> None:
        self.deps, self.caller = deps, caller
        self.call_id, self.turn = f"CA{next(CALLS)}", 0
        self.last = self.press("")

    def press(self, *keys: str) -> CallReply:
        """Take one turn for each of the keys; return the last reply."""
        for one in keys:
            self.turn += 1
            self.last = self.again(one)
        return self.last

    def again(self, digits: str, turn: int | None = None) -> CallReply:
        """Send a turn, by default the last one, once more."""
        turn = turn or self.turn
        return answer_call(self.deps, GATEWAY, self.caller, digits, self.call_id, turn)

    @property
    def said(self) -> list[str]:
        """The prompts of the last reply."""
        return [prompt.id for prompt in self.last.prompts]
