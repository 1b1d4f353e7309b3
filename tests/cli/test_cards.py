"""The way of cards from the order to the outlet, by commands."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from core.db import Database
from core.keyfile import Keys
from distribution.parties import party_by_code
from staff.permissions import Actor
from tests.cli.terminal import SharedTerminal, Terminal
from tests.factories import make_batch, make_member, make_party
from vouchers.print_file import read_print_file, verify_manifest
from vouchers.serials import serial_text

SHOP, CITY = "WH-SHOP1", "WH"


@dataclass
class House(SharedTerminal):
    """A terminal with people to become."""

    issuer: Actor
    second: Actor


@pytest.fixture
def house(terminal: Terminal, db: Database) -> House:
    """A house with two issuers."""
    with db.write() as session:
        issuer, second = make_member(session, "issuer"), make_member(session, "issuer")
    return House(terminal, db, issuer, second)


def test_a_batch_goes_from_the_order_to_the_shop(house: House, keys: Keys, scratch: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    _register_printer(house, str(identity.to_public()))
    batch_id = _order(house, count=120)
    house.by(house.second).json(
        "batch", "approve", batch_id, stdin=house.terminal.code(house.db, house.second)
    )
    made = house.by(house.issuer).json("batch", "generate", batch_id)
    assert (made["state"], made["generated_count"]) == ("generated", 120)
    target = scratch / "batch.age"
    _export(house, batch_id, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    manifest = house.terminal.json("batch", "manifest", batch_id)
    verify_manifest(manifest, keys.get().public_key_text)
    printed = list(read_print_file(target.read_bytes(), str(identity)))
    assert len(printed) == manifest["count"] == 120
    _ship(house, manifest["first_serial"], manifest["last_serial"])
    shown = house.by(house.issuer).json("voucher", "show", manifest["first_serial"])
    assert (shown["status"], shown["holder"]) == ("active", SHOP)
    lots = house.terminal.json("lot", "show", batch_id)["lots"]
    assert [(lot["stage"], lot["cards"]) for lot in lots] == [("active", 119), ("void", 1)]
    assert "pin" not in json.dumps(shown).lower()


def _register_printer(house: House, key: str) -> None:
    house.by(house.issuer)
    asked = house.terminal.json("printer", "add", "demo", "--code", "1", "--public-key", key)
    house.agree(house.second, asked["approval_id"])


def _order(house: House, count: int) -> str:
    args = ("batch", "create", "--face", "50", "--count", count, "--printer", "demo")
    (batch_id,) = house.by(house.issuer).json(*args)["batch_ids"]
    early = house.terminal("batch", "generate", batch_id)
    assert (early.code, early.error) == (1, "batch_not_approved")
    own = house.terminal(
        "batch", "approve", batch_id, stdin=house.terminal.code(house.db, house.issuer)
    )
    assert (own.code, own.error) == (1, "same_person")
    return str(batch_id)


def _export(house: House, batch_id: str, target: Path) -> None:
    asked = house.by(house.issuer).json("batch", "export", batch_id)
    house.agree(house.second, asked["approval_id"])
    house.by(house.issuer)
    assert house.terminal("batch", "export", batch_id).error == "usage"  # where to?
    house.terminal.json("batch", "export", batch_id, "--to", target)
    again = house.terminal("batch", "export", batch_id, "--to", f"{target}.2")
    assert (again.code, again.error) == (1, "already_exported")


def _ship(house: House, first: str, last: str) -> None:
    with house.db.write() as session:
        city = make_party(session, "city", code=CITY)
        make_party(session, "outlet", city, code=SHOP)
        clerk = make_member(session, "distributor", city)
        stock = make_member(session, "warehouse")
        finance = make_member(session, "finance")
    house.by(finance).json(
        "party", "contract", CITY, "--model", "credit", "--limit", "10000", "--commission", "50=1"
    )
    house.by(stock)
    moved = house.terminal.json("lot", "take-into-stock", first, last, "--spoilt", last)
    assert moved["cards"] == 120
    last = serial_text(int(last[:-1]) - 1)
    house.terminal.json("lot", "dispatch", first, last, "--to", CITY, "--document", "DN-1")
    house.by(clerk).json("lot", "receive", first, last)
    house.terminal.json("lot", "dispatch", first, last, "--to", SHOP)
    house.terminal.json("lot", "receive", first, last, "--to", SHOP)
    early = house.terminal("lot", "receive", first, last)
    assert (early.code, early.error) == (1, "wrong_stage")
    assert house.terminal.json("lot", "activate", first, last, "--holder", SHOP)["cards"] == 119


def test_holds_and_voids_need_a_reason_and_voids_a_second_person(house: House) -> None:
    with house.db.write() as session:
        first = make_batch(session, 10)
    serials = (serial_text(first), serial_text(first + 4))
    house.by(house.issuer)
    assert house.terminal("lot", "hold", *serials, "--as", "stolen").error == "usage"
    house.terminal.json("lot", "hold", *serials, "--as", "stolen", "--reason", "burglary")
    (held, _) = house.terminal.json("lot", "show", *serials[:1])["lots"], None
    assert held[0]["hold"] == "stolen"
    house.terminal.json("lot", "release", *serials, "--reason", "found again")
    asked = house.terminal.json("lot", "void", *serials, "--reason", "wet")
    house.agree(house.second, asked["approval_id"])
    stages = [lot["stage"] for lot in house.terminal.json("lot", "show", str(first)[:11])["lots"]]
    assert stages == ["void", "stocked"]


def test_an_activation_is_taken_back_and_cards_come_home(house: House) -> None:
    with house.db.write() as session:
        first = make_batch(session, 10, stage="active")
        shop = party_by_code(session, "SHOP").id
        clerk = make_member(session, "distributor", shop)
        finance = make_member(session, "finance")
    one, rest = serial_text(first), (serial_text(first + 1), serial_text(first + 9))
    asked = house.by(clerk).json("lot", "deactivate", one)
    house.agree(finance, asked["approval_id"])
    asked = house.by(clerk).json("lot", "return", *rest, "--reason", "shop closes")
    house.agree(finance, asked["approval_id"])
    lots = house.by(house.issuer).json("lot", "show", one, rest[1])["lots"]
    assert [(lot["stage"], lot["cards"]) for lot in lots] == [("stocked", 1), ("in_transit", 9)]


@pytest.mark.parametrize(
    ("serials", "code"),
    [
        (["42251010007001008", "123"], "serial_invalid"),
        (["42251010007001009"], "serial_invalid"),
        (["99991010007000004"], "serial_invalid"),
        (["x"], "serial_invalid"),
    ],
)
def test_bad_ranges_change_nothing(house: House, serials: list[str], code: str) -> None:
    ended = house.by(house.issuer)("lot", "hold", *serials, "--as", "lost", "--reason", "x")
    assert (ended.code, ended.error) == (2, code)


def test_a_reversed_range_is_refused_by_name(house: House) -> None:
    with house.db.write() as session:
        first = make_batch(session, 10)
    args = (serial_text(first + 5), serial_text(first))
    ended = house.by(house.issuer)("lot", "hold", *args, "--as", "lost", "--reason", "x")
    assert (ended.code, ended.error) == (1, "range_reversed")


def test_batches_are_listed_and_shown(house: House) -> None:
    with house.db.write() as session:
        first = make_batch(session, 10)
    batch_id = str(first)[:11]
    house.by(house.issuer)
    assert [row["id"] for row in house.terminal.json("batch", "list")["batches"]] == [batch_id]
    assert house.terminal.json("batch", "list", "--state", "approved")["batches"] == []
    shown = house.terminal.json("batch", "show", batch_id)
    assert (shown["size"], shown["face_fen"]) == (10, 5_000)
    assert "50.00" in house.terminal("batch", "show", batch_id).out
    assert house.terminal("batch", "show", "1").error == "batch_unknown"
    assert house.terminal("batch", "manifest", batch_id).error == "batch_not_generated"
    assert house.terminal("job", "show", "1").error == "not_found"


def test_parties_are_added_below_others(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "admin")
    where = ("--name", "武汉", "--region", "4201")
    terminal.json("party", "add", CITY, "--kind", "city", *where)
    terminal.json("party", "add", SHOP, "--kind", "outlet", "--parent", CITY, *where)
    rows = {row["code"]: row["parent"] for row in terminal.json("party", "list")["parties"]}
    assert rows == {"WAREHOUSE": None, CITY: "WAREHOUSE", SHOP: CITY}
    assert terminal("party", "add", CITY, "--kind", "city", *where).error == "party_exists"
    args = ("party", "contract", CITY, "--model", "prepaid", "--commission")
    assert terminal(*args, "fifty").error == "invalid_input"
    assert terminal(*args, "7=1").error == "face_unknown"
    assert terminal.json(*args, "50=1.50")["rates"][0]["commission_fen"] == 150


def test_face_values_are_listed(terminal: Terminal) -> None:
    rows = terminal.json("denomination", "list")["denominations"]
    assert {row["face_fen"]: row["protection"] for row in rows}[20_000] == "hmac_argon2id"
    assert "200.00" in terminal("denomination", "list").out


def test_key_versions_are_rotated_and_retired(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "admin")
    assert terminal.json("key", "rotate")["version"] == 2
    states = {row["version"]: row["state"] for row in terminal.json("key", "list")["versions"]}
    assert states == {1: "live", 2: "current"}
    assert terminal.json("key", "retire", "1")["state"] == "retired"
    assert terminal("key", "retire", "2").error == "configuration"
    states = {row["version"]: row["state"] for row in terminal.json("key", "list")["versions"]}
    assert states == {1: "retired", 2: "current"}


def test_a_specimen_shows_the_printer_what_all_cards_will_carry(
    terminal: Terminal, scratch: Path
) -> None:
    drawn = {kind: scratch / f"specimen.{kind}" for kind in ("png", "svg")}
    for path in drawn.values():
        shown = terminal.json("printer", "specimen", str(path))
        assert shown["page"].endswith("/c")
    assert drawn["png"].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in drawn["svg"].read_bytes()
    again = terminal("printer", "specimen", str(drawn["png"]))
    assert (again.code, again.error) == (2, "invalid_input")
    assert terminal("printer", "specimen", str(scratch / "specimen.pdf")).code == 2
