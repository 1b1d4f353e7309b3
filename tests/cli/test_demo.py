"""The demo from end to end, twice in one directory, and what a reader does with it afterwards."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import openpyxl
from pypdf import PdfReader

from cli.demo.world import World
from tests.cli.served import serving
from tests.cli.terminal import program
from vouchers.pins import grouped
from vouchers.print_file import PrintedCard, read_print_file

STEPS = (
    "Make the system",
    "sign in",
    "Import 30 accounts and 32 bills",
    "Order three batches",
    "same_person",
    "Three provinces order",
    "sets whole cartons and packs apart",
    "a part of Hunan's has come",
    "2 cards damaged, 3 missing",
    "2 damaged, void",
    "3 short, received",
    "to twelve outlets",
    "sells on credit",
    "the same request again: the same sale",
    "prepaid_exhausted",
    "sells on consignment",
    "窜货",
    "20 sold cards back, 5 of them used",
    "credit note CR-",
    "counts its shelf",
    "110 cards by the books, 109 found; missing",
    "two persons of finance agree",
    "on the way when the month ends",
    "for everybody who owes",
    ".xlsx",
    "What activated, unused cards are worth",
    "Out of territory",
    "the HTTP server is up",
    "by JSON",
    "by text message",
    "充值50.00元",
    "by phone",
    "USSD",
    "has no arrears",
    "voucher_used",
    "pin_unknown, 4 tries left",
    "pin_unknown, 3 tries left",
    "not_activated_card",
    "The receipts",
    "audit verify",
    "Try next",
)


def test_the_demo_runs_twice_and_its_cards_can_be_redeemed(scratch: Path) -> None:
    for number in range(2):
        colour = {"NO_COLOR": "1"} if number else {}
        _check_told(program("demo", cwd=scratch, environment=colour))
    world = World(scratch / "var" / "demo")
    assert not (scratch / "var" / "wanneng.db").exists()
    _check_files(world)
    _check_statement(world)
    _check_report(scratch)
    first = _redeem_one(scratch, world)
    assert _card(scratch)["pin"] != first
    _check_no_pin(scratch, world, redeemed_after=first)


def test_a_step_that_fails_makes_the_exit_code_tell(scratch: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "examples", scratch / "examples")
    with (scratch / "examples" / "bills.csv").open("a", encoding="utf-8") as file:
        file.write("4201100000,B9,2025-03,not a sum,2025-03-25\n")
    done = program("demo", cwd=scratch)
    assert done.returncode == 1
    assert done.stderr.startswith("error demo_failed: ")
    assert program("demo", "card", cwd=scratch).returncode == 1


def test_the_demo_never_empties_a_directory_that_is_not_its_own(scratch: Path) -> None:
    (scratch / "mine").mkdir()
    (scratch / "mine" / "precious.txt").write_text("mine", encoding="utf-8")
    done = program("demo", "--directory", "mine", cwd=scratch)
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "error configuration")
    assert (scratch / "mine" / "precious.txt").read_text(encoding="utf-8") == "mine"


def _check_told(done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done
    at = [done.stdout.find(step) for step in STEPS]
    assert -1 not in at, dict(zip(STEPS, at, strict=True))
    assert at == sorted(at)
    holding, count = re.findall(r"(\d+) of (\d+) invariants hold", done.stdout)[0]
    assert int(holding) == int(count) >= 12
    assert done.stdout.count("✓") == int(count)
    assert done.stderr == ""
    lines = done.stdout.split("Try next")[0].splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 230


def _check_files(world: World) -> None:
    for path in (world.printer_key, world.partner_key, world.channel_key, world.settings.key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.directory.stat().st_mode) == 0o700


def _check_statement(world: World) -> None:
    """The statement that the demo leaves is whole, and says the same as PDF and as a workbook."""
    (pdf,), (workbook,) = (list(world.directory.glob(f"WH-1-*.{form}")) for form in ("pdf", "xlsx"))
    book = openpyxl.load_workbook(workbook, read_only=True)
    summary = {row[0]: row[1] for row in book.worksheets[0].iter_rows(values_only=True)}
    lines = list(book.worksheets[1].iter_rows(values_only=True))
    amount = [str(name).split()[0] for name in lines[0]].index("金额")
    changes = sum(Decimal(str(line[amount])) for line in lines[1:])
    closing = Decimal(str(summary["期末余额"]))
    assert changes == closing != 0
    told = "".join(page.extract_text() for page in PdfReader(pdf).pages)
    assert f"{closing:.2f}" in told.replace(",", "")


def _check_report(scratch: Path) -> None:
    """The demo leaves an admin signed in, so that one can look around."""
    lines = (scratch / "var" / "demo" / "env").read_text(encoding="utf-8").split()
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    done = program("report", "liability", "--json", cwd=scratch, environment=settings)
    assert json.loads(done.stdout)["difference_fen"] == 0


def _card(scratch: Path) -> dict[str, str]:
    done = program("demo", "card", cwd=scratch)
    assert done.returncode == 0, done
    body: dict[str, str] = json.loads(done.stdout)
    assert set(body) == {"pin", "account_number"}
    return body


def _redeem_one(scratch: Path, world: World) -> str:
    body = _card(scratch)
    key = world.partner_key.read_text(encoding="ascii").strip()
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "first-1"}
    with serving("demo", "serve", cwd=scratch) as served:
        status, receipt = served.call("POST", "/api/v1/redemptions", body, headers)
        assert (status, receipt["code"]) == (201, "redeemed")
        busy = program("demo", cwd=scratch)
        assert (busy.returncode, busy.stderr.split(":")[0]) == (1, "error demo_busy")
        code, _ = served.stop()
    assert code == 0
    return body["pin"]


def _check_no_pin(scratch: Path, world: World, redeemed_after: str) -> None:
    """No PIN stands in the clear in any file that the demo and its servers left."""
    cards = [card for path in world.directory.glob("batch-*.age") for card in _cards(world, path)]
    assert redeemed_after in {card.pin.digits for card in cards}
    written = b"".join(path.read_bytes() for path in scratch.rglob("*") if path.is_file())
    for card in cards:
        for form in (card.pin.digits, grouped(card.pin)):
            assert form.encode() not in written


def _cards(world: World, path: Path) -> Iterable[PrintedCard]:
    return read_print_file(path.read_bytes(), world.printer_key.read_text(encoding="ascii"))
