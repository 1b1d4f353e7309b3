"""Orders, consignments, claims and returns by commands."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.db import Database
from distribution.contracts import set_contract
from staff.permissions import Actor
from tests.cli.terminal import SharedTerminal, Terminal
from tests.factories import make_batch, make_member, make_party
from vouchers.serials import serial_text


@dataclass
class Shop(SharedTerminal):
    """A city and its shop, with people to become."""

    first: int
    keeper: Actor
    seller: Actor
    clerk: Actor
    finance: Actor
    second: Actor


@pytest.fixture
def shop(terminal: Terminal, db: Database) -> Shop:
    """A city with 300 cards, and a shop below it."""
    with db.write() as session:
        city = make_party(session, "city", code="WH")
        outlet = make_party(session, "outlet", city, code="WH-SHOP1")
        finance = make_member(session, "finance")
        set_contract(session, finance, "WH", "credit", 10**9, {5_000: 100})
        return Shop(
            terminal,
            db,
            make_batch(session, 300, holder_id=city),
            make_member(session, "warehouse"),
            make_member(session, "distributor", outlet),
            make_member(session, "distributor", city),
            finance,
            make_member(session, "finance"),
        )


def test_an_order_becomes_stock_of_the_shop(shop: Shop, scratch: Path) -> None:
    placed = shop.by(shop.seller).json("order", "create", "--cards", "50=200")
    number = placed["number"]
    agreed = shop.by(shop.clerk).json("order", "approve", number, "--cards", "50=150")
    assert agreed["lines"][0]["approved_count"] == 150
    made = shop.terminal.json("order", "allocate", number)
    note = scratch / "note.pdf"
    shop.terminal.json("consignment", "note", made["number"], "--to", note)
    assert note.read_bytes().startswith(b"%PDF")
    sent = shop.terminal.json("consignment", "send", made["number"])
    assert (sent["state"], sent["outstanding_cards"]) == ("sent", 150)
    pack = f"{shop.first // 100}"
    got = shop.by(shop.seller).json("consignment", "receive", made["number"], pack)
    assert sum(item["cards"] for item in got["received"]) == 100
    (listed,) = shop.terminal.json("consignment", "list", "--state", "sent")["consignments"]
    assert listed["outstanding_cards"] == 50
    assert shop.terminal.json("order", "list")["orders"][0]["consignment"] == made["number"]
    shown = shop.terminal("order", "show", number)
    assert "150" in shown.out
    assert shop.terminal("consignment", "show", made["number"]).code == 0


def test_what_is_missing_is_claimed_and_answered(shop: Shop) -> None:
    ends = f"{serial_text(shop.first)}-{serial_text(shop.first + 9)}"
    made = shop.by(shop.clerk).json("consignment", "create", "dispatch", ends, "--to", "WH-SHOP1")
    shop.terminal.json("consignment", "send", made["number"])
    one, two = serial_text(shop.first), serial_text(shop.first + 1)
    receive = ("consignment", "receive", made["number"], one, "--damaged", two, "--complete")
    got = shop.by(shop.seller).json(*receive)
    assert len(got["claims"]) == 2
    listed = {item["kind"]: item for item in shop.terminal.json("claim", "list")["claims"]}
    assert (listed["short"]["cards"], listed["damaged"]["cards"]) == (8, 1)
    number = listed["short"]["number"]
    shop.by(shop.keeper)
    name = shop.finance.username
    assert shop.terminal.json("claim", "assign", number, name, "--reason", "his")["owner"] == name
    shop.terminal.json("claim", "hold", number, "--reason", "police")
    first = serial_text(shop.first + 2)
    found = shop.terminal.json("claim", "found", number, "--first", first, "--reason", "there")
    assert (found["state"], found["cards"]) == ("received", 1)
    rest = next(
        item["number"]
        for item in shop.terminal.json("claim", "list", "--state", "open")["claims"]
        if item["kind"] == "short"
    )
    asked = shop.by(shop.finance).json(
        "claim", "void", rest, "--charge", "WH", "--reason", "never found"
    )
    shop.agree(shop.second, asked["approval_id"])
    shown = shop.terminal("claim", "show", rest)
    assert "never found" in shown.out
    early = shop.terminal("claim", "dismiss", rest, "--reason", "no")
    assert (early.code, early.error) == (1, "paper_state_wrong")


def test_sold_cards_go_back_for_a_credit_note(shop: Shop, scratch: Path) -> None:
    first, last = serial_text(shop.first), serial_text(shop.first + 9)
    shop.by(shop.clerk).json("lot", "dispatch", first, last, "--to", "WH-SHOP1")
    shop.by(shop.seller).json("lot", "receive", first, last)
    shop.terminal.json("lot", "activate", first, last)
    made = shop.terminal.json("consignment", "create", "return", f"{first}-{last}")
    asked = shop.terminal.json("consignment", "send", made["number"])
    shop.agree(shop.finance, asked["approval_id"])
    ends = f"{first}-{last}"
    shop.by(shop.clerk).json("consignment", "receive", made["number"], ends)
    (note,) = shop.terminal.json("credit-note", "list")["credit_notes"]
    assert (note["cards"], note["credit_fen"]) == (10, 49_000)
    file = scratch / "credit.pdf"
    shop.terminal.json("credit-note", "print", note["number"], "--to", file)
    assert file.read_bytes().startswith(b"%PDF")


def test_drafts_are_given_up_and_overdue_cards_listed(shop: Shop) -> None:
    ends = f"{serial_text(shop.first)}-{serial_text(shop.first + 9)}"
    shop.by(shop.clerk)
    create = ("consignment", "create", "dispatch", ends, "--to", "WH-SHOP1", "--reference", "a")
    made = shop.terminal.json(*create)
    assert shop.terminal.json(*create)["number"] == made["number"]
    gone = shop.terminal.json("consignment", "cancel", made["number"], "--reason", "wrong shop")
    assert gone["state"] == "cancelled"
    assert shop.terminal.json("consignment", "overdue")["overdue"] == []
    placed = shop.by(shop.seller).json("order", "create", "--cards", "50=1")["number"]
    assert shop.terminal("order", "create", "--cards", "50").error == "invalid_input"
    shop.by(shop.clerk).json("order", "refuse", placed, "--reason", "no stock")
    other = shop.by(shop.seller).json("order", "create", "--cards", "50=1")["number"]
    assert shop.terminal.json("order", "cancel", other, "--reason", "typo")["state"] == "cancelled"
