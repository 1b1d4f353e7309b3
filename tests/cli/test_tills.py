"""The outlet's side of tills by commands, and the electronic batches that they sell from."""

from dataclasses import dataclass

import pyrage
import pytest

from core.clock import system_clock
from core.db import Database
from core.keyfile import Keys
from distribution.contracts import set_contract
from distribution.till_sales import Counter, SaleRequest, sell
from distribution.tills import authenticate_till
from staff.permissions import Actor
from tests.cli.terminal import SharedTerminal, Terminal
from tests.clocks import FakeClock
from tests.factories import make_batch, make_member, make_party
from vouchers.serials import serial_text

SHOP = "WH-SHOP1"


@dataclass
class Outlet(SharedTerminal):
    """An outlet with a card to sell, who works there, and two of the company."""

    seller: Actor
    issuer: Actor
    second: Actor
    finance: Actor
    first: int

    def stage(self, serial: str) -> str:
        """Where a card is, as the company sees it."""
        return str(self.by(self.issuer).json("voucher", "show", serial)["stage"])


@pytest.fixture
def outlet(terminal: Terminal, db: Database, clock: FakeClock) -> Outlet:
    """An outlet without a till."""
    clock.now = system_clock()  # a command has no clock but the machine's
    with db.write() as session:
        outlet_id = make_party(session, "outlet", code=SHOP)
        finance = make_member(session, "finance")
        set_contract(session, finance, SHOP, "credit", 10**9, {})
        return Outlet(
            terminal,
            db,
            make_member(session, "distributor", outlet_id),
            make_member(session, "issuer"),
            make_member(session, "issuer"),
            finance,
            make_batch(session, 10, holder_id=outlet_id),
        )


def public_key() -> str:
    """The public key of a new till."""
    return str(pyrage.x25519.Identity.generate().to_public())


def test_a_till_is_registered_listed_given_a_new_key_and_disabled(outlet: Outlet) -> None:
    terminal, sealed_to = outlet.by(outlet.seller), public_key()
    made = terminal.json("till", "add", "T1", "--party", SHOP, "--public-key", sealed_to)
    assert (made["code"], made["party"]) == ("T1", SHOP)
    (listed,) = terminal.json("till", "list")["tills"]
    assert (listed["code"], listed["active"], listed["public_key"]) == ("T1", True, sealed_to)
    assert made["api_key"] not in str(listed)
    changed = terminal.json("till", "rotate-key", "T1", "--public-key", public_key())
    assert changed["api_key"] != made["api_key"]
    assert terminal.json("till", "list")["tills"][0]["public_key"] != sealed_to
    assert terminal.json("till", "disable", "T1") == {"code": "T1", "active": False}
    assert "disabled" in terminal("till", "list").out
    assert terminal.json("till", "list", "--after", "T1")["tills"] == []


def test_nobody_outside_registers_a_till(outlet: Outlet) -> None:
    args = ("till", "add", "T1", "--party", SHOP, "--public-key", public_key())
    refused = outlet.by(outlet.issuer)(*args)
    assert (refused.code, refused.error) == (1, "forbidden")
    wrong = outlet.by(outlet.seller)(*args[:-1], "AGE-SECRET-KEY-1")
    assert (wrong.code, wrong.error) == (2, "till_key_invalid")
    assert outlet.terminal.json("till", "list")["tills"] == []


def test_a_sale_is_undone_by_two_persons(outlet: Outlet, keys: Keys) -> None:
    terminal = outlet.by(outlet.seller)
    made = terminal.json("till", "add", "T1", "--party", SHOP, "--public-key", public_key())
    serial = serial_text(outlet.first)
    with outlet.db.read() as session:
        till = authenticate_till(session, made["api_key"])
    sale = sell(outlet.db, Counter(keys=keys), till, "k", SaleRequest(serial=serial))
    asked = terminal.json("till", "cancel", sale.id, "--reason", "wrong face")
    assert outlet.stage(serial) == "active"
    outlet.agree(outlet.finance, asked["approval_id"])
    assert outlet.stage(serial) == "stocked"
    outlet.by(outlet.seller)
    assert terminal("till", "cancel", 1, "--reason", "x").error == "sale_unknown"


def test_an_electronic_batch_is_opened_once_agreed_to_and_closed_for_ever(outlet: Outlet) -> None:
    args = ("batch", "create", "--face", "50", "--count", "10", "--electronic")
    placed = outlet.by(outlet.issuer).json(*args)
    (batch_id,) = placed["batch_ids"]
    early = outlet.terminal("batch", "open", batch_id)
    assert (early.code, early.error) == (1, "batch_not_approved")
    outlet.agree(outlet.second, placed["approval_id"])
    opened = outlet.by(outlet.issuer).json("batch", "open", batch_id)
    assert opened == {"batch_id": batch_id, "key_version": 1}
    assert outlet.terminal.json("batch", "show", batch_id)["state"] == "open"
    assert outlet.terminal.json("batch", "close", batch_id) == {"batch_id": batch_id}
    assert outlet.terminal.json("batch", "show", batch_id)["state"] == "closed"
    printed = str(outlet.first)[:11]
    assert outlet.terminal("batch", "open", printed).error == "not_electronic"
