"""Payments of parties at the command line."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.db import Database
from tests.cli.terminal import Terminal


@pytest.fixture
def shop(terminal: Terminal, db: Database) -> str:
    """The code of an outlet with a prepaid contract; finance is signed in."""
    terminal.become(db, "finance")
    terminal.json("party", "add", "SHOP", "--kind", "outlet", "--name", "店", "--region", "4201")
    terminal.json("party", "contract", "SHOP", "--model", "prepaid")
    return "SHOP"


def test_a_payment_is_recorded_once_and_listed(terminal: Terminal, shop: str) -> None:
    args = ("payment", "record", "icbc-1", "--party", shop, "--amount", "5000")
    first = terminal.json(*args)
    again = terminal.json(*args)
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert (first["reference"], first["amount_fen"]) == ("ICBC-1", 500_000)
    assert terminal(*args[:-1], "1").error == "reference_used"
    (listed,) = terminal.json("payment", "list", "--party", shop)["payments"]
    assert listed["id"] == first["id"]
    assert "5000.00" in terminal("payment", "list").out
    wrong_day = ("payment", "record", "B", "--party", shop, "--amount", "1", "--on", "x")
    assert terminal(*wrong_day).error == "usage"


def test_a_bounced_payment_is_taken_back(terminal: Terminal, shop: str) -> None:
    terminal.json("payment", "record", "B-1", "--party", shop, "--amount", "1.00")
    done = terminal.json("payment", "reverse", "B-1", "--reason", "no funds")
    assert done["reason"] == "no funds"
    assert terminal("payment", "reverse", "B-1", "--reason", "no funds").error == "already_reversed"
    assert "bounced: no funds" in terminal("payment", "list").out


def test_a_statement_is_imported_once_and_bad_lines_are_told(
    terminal: Terminal, db: Database, shop: str, scratch: Path
) -> None:
    with db.read() as session:
        day = session.today - timedelta(days=1)
    path = scratch / "bank.csv"
    lines = ["reference,paid_on,party,amount", f"A-1,{day},{shop},1.00", f"A-2,{day},NO,1.00"]
    path.write_text("\n".join(lines), encoding="utf-8")
    ended = terminal("payment", "import", path, "--json")
    assert ended.code == 1
    (bad,) = ended.json["bad_lines"]
    assert (ended.json["recorded"], bad["line"], bad["code"]) == (1, 3, "party_unknown")
    assert "party_unknown" in terminal("payment", "import", path).out
    assert terminal("payment", "import", path, "--json").json["unchanged"] == 1
    terminal.become(db, "auditor")
    assert terminal("payment", "import", path).error == "forbidden"


def test_a_contract_with_dated_rates_and_volumes_is_kept_in_all_its_forms(
    terminal: Terminal, shop: str
) -> None:
    rates = ("--commission", "50=1.00@2025-07-01", "--commission", "50=1.25@2025-07-01+1000")
    done = terminal.json("party", "contract", shop, "--model", "credit", "--limit", 100, *rates)
    assert (done["version"], done["limit_fen"]) == (2, 10_000)
    first, second = done["rates"]
    assert (first["commission_fen"], first["after_cards"]) == (100, 0)
    assert (second["commission_fen"], second["after_cards"]) == (125, 1_000)
    found = terminal.json("party", "contracts", shop)["versions"]
    assert [item["sale_model"] for item in found] == ["prepaid", "credit"]
    assert "50.00=1.25@2025-07-01+1000" in terminal("party", "contracts", shop).out
    for wrong in ("50", "50=1.00@2025-13-01", "50=1.00+", "50=51.00", "7=1.00"):
        args = ("party", "contract", shop, "--model", "credit", "--commission", wrong)
        assert terminal(*args).error in ("invalid_input", "face_unknown")


def test_an_adjustment_waits_for_a_second_person(
    terminal: Terminal, db: Database, shop: str
) -> None:
    asked = terminal.json(
        "adjustment", "request", "M-1", "--party", shop, "--credit", "7.00", "--reason", "two void"
    )
    assert terminal.json("adjustment", "list")["adjustments"] == []
    other = terminal.become(db, "finance")
    code = terminal.code(db, other)
    terminal.json("approval", "agree", asked["approval_id"], stdin=code)
    (found,) = terminal.json("adjustment", "list", "--party", shop)["adjustments"]
    assert (found["direction"], found["amount_fen"], found["against"]) == (
        "credit",
        700,
        "suspense",
    )
    assert "two void" in terminal("adjustment", "list").out
    args = ("adjustment", "request", "M-2", "--party", shop, "--reason", "x")
    assert terminal(*args).error == "usage"
    assert terminal(*args, "--credit", "1", "--charge", "1").error == "usage"


def test_a_month_is_shown_closed_listed_and_exported(
    terminal: Terminal, db: Database, shop: str, scratch: Path
) -> None:
    today = datetime.now(db.settings.zone).date()  # a command has no clock but the machine's
    this, last = f"{today:%Y-%m}", f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    terminal.json("payment", "record", "B-1", "--party", shop, "--amount", "12.34")
    found = terminal.json("settlement", "show", shop, this)
    assert (found["closed_at"], found["sums"]["payments_fen"]) == (None, -1_234)
    (line,) = found["lines"]
    assert (line["kind"], line["reference"], line["amount_fen"]) == ("payment", "B-1", -1_234)
    assert "-12.34" in terminal("settlement", "show", shop, this).out
    assert terminal("settlement", "close", shop, this).error == "period_not_over"
    closed = terminal.json("settlement", "close", shop, last)
    assert closed["closed_at"] is not None
    (listed,) = terminal.json("settlement", "list", "--party", shop)["settlements"]
    assert (listed["month"], listed["digest"]) == (last, closed["digest"])
    assert last in terminal("settlement", "list").out
    for ending, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        path = scratch / f"statement.{ending}"
        terminal.json("settlement", "export", shop, this, "--to", path, "--language", "en")
        assert path.read_bytes().startswith(begins)
    wrong = ("settlement", "export", shop, this, "--to", scratch / "statement.doc")
    assert terminal(*wrong).error == "usage"
    assert terminal("settlement", "show", shop, "June").error == "invalid_input"
