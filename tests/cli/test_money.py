"""Accounts, bills, redeeming at a counter, callers, senders, reports and the audit."""

from pathlib import Path

import pytest
from sqlalchemy import text

from accounts.tables import electricity_account
from core.db import Database
from core.keyfile import Keys
from tests.cli.terminal import Terminal
from tests.factories import make_batch, make_electricity_account, make_redemption
from tests.redemption.cards import Card, make_cards
from vouchers.pins import draw, grouped
from vouchers.serials import serial_text

EXAMPLES = Path(__file__).parents[2] / "examples"
ACCOUNT = "4201100037"


@pytest.fixture
def cards(terminal: Terminal, db: Database, keys: Keys) -> list[Card]:
    """Active cards of 50 yuan, and the example accounts with their bills."""
    terminal.become(db, "finance")
    terminal.json("account", "import", EXAMPLES / "accounts.csv")
    terminal.json("bill", "import", EXAMPLES / "bills.csv")
    with db.write() as session:
        return make_cards(session, keys.get(), 3)


def test_files_are_imported_once_and_bad_lines_are_told(
    terminal: Terminal, db: Database, scratch: Path
) -> None:
    terminal.become(db, "finance")
    path = EXAMPLES / "accounts.csv"
    first = terminal.json("account", "import", path)
    assert first == {"imported": 30, "changed": 0, "unchanged": 0, "bad": 0, "bad_lines": []}
    assert terminal.json("account", "import", path)["unchanged"] == 30
    bad = scratch / "bills.csv"
    rows = ["account_number,bill_number,period,principal,due_on"]
    rows += [f"{ACCOUNT},B1,2025-03,12.00,2025-03-25", f"{ACCOUNT},B2,2025-03,twelve,2025-03-25"]
    bad.write_text("\n".join(rows), encoding="utf-8")
    ended = terminal("bill", "import", bad, "--json")
    assert (ended.code, ended.json["imported"], ended.json["bad"]) == (1, 1, 1)
    assert ended.json["bad_lines"][0]["line"] == 3
    assert "3" in terminal("bill", "import", bad).out
    assert terminal("bill", "import", scratch / "none.csv").error == "usage"
    assert terminal("account", "import", bad).error == "header_wrong"


def test_a_chinese_file_may_be_gbk(terminal: Terminal, db: Database, scratch: Path) -> None:
    terminal.become(db, "finance")
    path = scratch / "gbk.csv"
    content = (EXAMPLES / "accounts.csv").read_text(encoding="utf-8")
    path.write_bytes(content.encode("gbk"))
    assert terminal("account", "import", path).code == 1
    assert terminal.json("account", "import", path, "--encoding", "gbk")["bad"] == 0


def test_a_card_is_redeemed_at_a_counter(
    terminal: Terminal, db: Database, cards: list[Card]
) -> None:
    terminal.become(db, "customer_service")
    typed = f"{grouped(cards[0].pin)}\n"
    args = ("redeem", "--account", ACCOUNT, "--key", "counter-1")
    ended = terminal(*args, stdin=typed)
    assert ended.code == 0
    assert "充值50.00元" in ended.out
    assert "Top-up OK" in ended.out
    again = terminal.json(*args, stdin=typed)
    assert (again["code"], again["replayed"]) == ("redeemed", True)
    assert again["receipt_number"] in ended.out
    assert again["amount_fen"] == again["arrears_paid_fen"] + again["balance_fen"] == 5_000
    lines = terminal.json("account", "statement", ACCOUNT)["lines"]
    assert lines[0]["amount_fen"] == 5_000
    assert terminal.json("account", "show", ACCOUNT)["masked_name"] == "*四"
    shown = terminal.json("voucher", "show", serial_text(cards[0].serial))
    assert (shown["status"], shown["account_tail"]) == ("used", ACCOUNT[-4:])


def test_refusals_have_a_code_and_nothing_shows_the_pin(
    terminal: Terminal, db: Database, cards: list[Card]
) -> None:
    actor = terminal.become(db, "customer_service")
    args = ("redeem", "--account", ACCOUNT)
    terminal(*args, stdin=cards[0].pin.digits)
    wrong = draw()
    expected = [
        (cards[0].pin.digits, "voucher_used"),
        (wrong.digits, "pin_unknown"),
        (f"{wrong.digits[:-1]}{(int(wrong.digits[-1]) + 1) % 10}", "pin_malformed"),
        ("not a number", "pin_malformed"),
    ]
    for typed, code in expected:
        ended = terminal(*args, stdin=f"{typed}\n")
        assert (ended.code, ended.error) == (1, code)
        told = terminal(*args, "--json", stdin=f"{typed}\n")
        assert (told.code, told.json["code"]) == (1, code)
        assert typed not in ended.out + ended.err + told.out + told.err
        assert typed.replace(" ", "") not in ended.out + ended.err + told.out + told.err
    assert terminal("redeem", "--account", "4299999999", stdin=wrong.digits).code == 1
    seen = terminal.json("caller", "show", f"staff:{actor.username}")
    assert (seen["wrong_today"], seen["malformed_today"], seen["tries_left"]) == (2, 4, 3)


def test_a_pin_or_account_that_is_missing_is_told(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "customer_service")
    assert terminal("redeem", "--account", ACCOUNT).error == "usage"
    assert terminal("redeem", stdin="680419129695212192").error == "usage"


def test_a_key_that_holds_the_pin_is_refused(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "customer_service")
    pin = draw().digits
    key = f"order-{pin[:6]}-{pin[6:]}"
    ended = terminal("redeem", "--account", ACCOUNT, "--key", key, stdin=pin)
    assert (ended.code, ended.error) == (2, "invalid_input")


def test_a_locked_caller_is_let_in_again_for_a_reason(
    terminal: Terminal, db: Database, cards: list[Card]
) -> None:
    actor = terminal.become(db, "customer_service")
    caller = f"staff:{actor.username}"
    for _ in range(5):
        terminal("redeem", "--account", ACCOUNT, stdin=draw().digits)
    args = ("redeem", "--account", ACCOUNT, "--json")
    assert terminal(*args, stdin=cards[0].pin.digits).json["code"] == "caller_locked"
    assert terminal.json("caller", "show", caller)["lock_rule"] == "day"
    assert terminal("caller", "unlock", caller).error == "usage"
    terminal.json("caller", "unlock", caller, "--reason", "typing error")
    shown = terminal("caller", "show", caller).out
    assert "typing error" in shown
    assert terminal(*args, stdin=cards[0].pin.digits).json["code"] == "redeemed"
    ended = terminal("caller", "unlock", caller, "--reason", "again")
    assert (ended.code, ended.error) == (1, "caller_not_locked")
    assert terminal("caller", "show", "tel:+1").error == "caller_unknown"


def test_a_card_that_is_not_active_raises_an_alarm(
    terminal: Terminal, db: Database, keys: Keys
) -> None:
    with db.write() as session:
        (card,) = make_cards(session, keys.get(), 1, stage="stocked")
        make_electricity_account(session, ACCOUNT)
    terminal.become(db, "customer_service")
    ended = terminal("redeem", "--account", ACCOUNT, "--json", stdin=card.pin.digits)
    assert (ended.code, ended.json["code"]) == (1, "pin_unknown")
    (alarm,) = terminal.json("alarm", "list")["alarms"]
    assert alarm["kind"] == "not_activated_card"
    assert alarm["subject"] == serial_text(card.serial)
    assert terminal.json("alarm", "list", "--before", alarm["id"])["alarms"] == []


def test_bills_go_to_a_bank_and_come_back(
    terminal: Terminal, db: Database, cards: list[Card]
) -> None:
    bills = ("B202503002", "B202504002")
    terminal.json("bill", "to-bank", ACCOUNT, *bills)
    assert terminal("bill", "to-bank", ACCOUNT, *bills).error == "bill_state_wrong"
    assert terminal("bill", "to-bank", ACCOUNT, "B0").error == "bill_unknown"
    terminal.become(db, "customer_service")
    waiting = terminal.json("redeem", "--account", ACCOUNT, stdin=cards[0].pin.digits)
    assert (waiting["waits_for_bank"], waiting["balance_fen"]) == (True, 5_000)
    terminal.become(db, "finance")
    terminal.json("bill", "from-bank", ACCOUNT, *bills)
    assert terminal.json("account", "show", ACCOUNT)["balance_fen"] == 0


def test_senders_are_shown_their_keys_once(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "admin")
    partner = terminal.json("partner", "add", "corner pay")
    assert partner["key"].startswith("wnp_")
    assert terminal("partner", "add", "corner pay").error == "name_taken"
    channel = terminal.json("channel", "add", "sms")
    assert set(channel) == {"name", "key", "hmac_secret"}
    listed = terminal("partner", "list").out + terminal("channel", "list", "--json").out
    for secret in (partner["key"], channel["key"], channel["hmac_secret"]):
        assert secret not in listed
    assert terminal.json("partner", "rotate-key", "corner pay")["key"] != partner["key"]
    assert terminal.json("channel", "rotate-keys", "sms")["key"] != channel["key"]
    terminal.json("partner", "disable", "corner pay")
    terminal.json("channel", "disable", "sms")
    assert terminal.json("partner", "list")["partners"][0]["active"] is False
    assert terminal("channel", "disable", "none").error == "not_found"


def test_reports_show_cards_and_books(terminal: Terminal, db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10, stage="active")
        make_redemption(session, first)
    terminal.become(db, "finance")
    (line,) = terminal.json("report", "inventory")["lines"]
    assert (line["cards"], line["used_cards"], line["holder"]) == (10, 1, "SHOP")
    owed = terminal.json("report", "liability")
    assert (owed["value_fen"], owed["ledger_fen"], owed["difference_fen"]) == (45_000, 45_000, 0)
    accounts = terminal.json("report", "trial-balance")["lines"]
    assert sum(a["debit_fen"] for a in accounts) == sum(a["credit_fen"] for a in accounts) > 0
    for report, sum_yuan in (("inventory", "500"), ("liability", "450"), ("trial-balance", "550")):
        assert f"{sum_yuan}.00" in terminal("report", report).out


def test_a_report_is_written_as_a_file_and_as_of_a_day(
    terminal: Terminal, db: Database, scratch: Path
) -> None:
    with db.write() as session:
        make_redemption(session, make_batch(session, 10, stage="active"))
    terminal.become(db, "finance")
    for ending, begins in (("csv", b"\xef\xbb\xbfLine,"), ("xlsx", b"PK")):
        path = scratch / f"journal.{ending}"
        assert terminal("report", "journal", "-o", path).code == 0
        assert path.read_bytes().startswith(begins)
    assert sorted(each.name for each in scratch.glob("*journal*")) == [
        "journal.csv",
        "journal.xlsx",
    ]
    assert terminal.json("report", "inventory", "--as-of", "2025-06-10")["lines"] == []
    assert terminal.json("report", "inventory", "--as-of", "2025-06-11")["lines"] != []
    assert len(terminal.json("report", "journal", "--limit", 1)["lines"]) == 1
    assert terminal("report", "inventory", "--as-of", "2099-01-01").error == "as_of_too_late"
    assert terminal("report", "inventory", "-o", scratch / "stock.pdf").code == 2


def test_shelves_are_counted(terminal: Terminal, db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 300)
    terminal.become(db, "warehouse")
    pack = f"{first // 100:014d}"
    sheet = terminal.json("stock", "count", "WAREHOUSE", pack, "--reference", "june")
    assert (sheet["expected_cards"], sheet["found_cards"]) == (300, 100)
    [missing] = sheet["differences"]
    assert (missing["kind"], missing["cards"], missing["owner"]) == ("missing", 200, "WAREHOUSE")
    assert terminal.json("stock", "list")["counts"] == [terminal.json("stock", "show", sheet["id"])]
    wrong = terminal("stock", "answer", missing["id"], "--note", "?", "--movement", 1)
    assert wrong.error == "difference_not_covered"


def test_counters_are_rolled_up_by_hand(terminal: Terminal, db: Database) -> None:
    with db.write() as session:
        make_redemption(session, make_batch(session, 10, stage="active"))
    terminal.become(db, "auditor")
    assert terminal.json("audit", "roll-up")["counted_up_to"]
    assert terminal.json("audit", "roll-up", "--rebuild")["counted_up_to"]
    results = terminal("audit", "verify", "--json").json["invariants"]
    assert {each["code"]: each["holds"] for each in results}["redeemed_packs"]


def _import_examples(terminal: Terminal, db: Database) -> None:
    terminal.become(db, "finance")
    for kind in ("account", "bill"):
        terminal.json(kind, "import", EXAMPLES / f"{kind}s.csv")
    terminal("logout")


def test_the_audit_needs_nobody_and_says_that_all_holds(terminal: Terminal, db: Database) -> None:
    _import_examples(terminal, db)
    told = terminal.json("audit", "verify")
    assert told["holds"] is True
    assert len(told["invariants"]) >= 12
    count = len(told["invariants"])
    assert f"{count} of {count} invariants hold" in terminal("audit", "verify").out


def test_the_audit_names_what_is_broken(terminal: Terminal, db: Database) -> None:
    _import_examples(terminal, db)
    with db.write() as session:
        session.execute(
            electricity_account.update()
            .where(electricity_account.c.number == ACCOUNT)
            .values(balance_fen=1)
        )
    ended = terminal("audit", "verify", "--json")
    assert (ended.code, ended.json["holds"]) == (1, False)
    (broken,) = [item for item in ended.json["invariants"] if not item["holds"]]
    assert broken["code"] == "account_balances"
    assert ACCOUNT in broken["offences"][0]["subject"]
    people = terminal("audit", "verify")
    assert people.code == 1
    assert ACCOUNT in people.out


def test_an_audit_that_could_not_look_is_not_a_broken_invariant(
    terminal: Terminal, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write() as session:
        session.execute(text("ALTER TABLE redemption RENAME TO redemption_elsewhere"))
    ended = terminal("audit", "verify")
    assert (ended.code, ended.error) == (2, "could_not_look")
    monkeypatch.setenv("WANNENG_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    ended = terminal("audit", "verify", "--json")
    assert (ended.code, ended.error) == (2, "could_not_look")
