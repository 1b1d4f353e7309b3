"""The reference till: its files, a sale over HTTP, and what it does when the line is cut."""

import json
import re
import stat
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.db import Database
from core.keyfile import Keys
from core.settings import variables
from distribution.contracts import set_contract
from distribution.till_tables import sealed_pin, till_sale
from distribution.tills import add_till
from staff import approvals
from tests.cli.served import Served, serving
from tests.cli.terminal import Terminal
from tests.factories import make_batch, make_member, make_party
from tests.pin_hunt import remember
from vouchers.actions import ACTIONS
from vouchers.electronic import open_batch
from vouchers.orders import order_batches
from vouchers.pins import Pin
from vouchers.serials import serial_text

SHOP = "WH-SHOP1"


class Shop:
    """An outlet with a till that is registered and complete, and cards to sell."""

    def __init__(self, terminal: Terminal, db: Database, keys: Keys, directory: Path) -> None:
        self.terminal, self.db, self.directory = terminal, db, directory
        self.file = directory / "till.json"
        with db.write() as session:
            outlet_id = make_party(session, "outlet", code=SHOP)
            issuer = make_member(session, "issuer")
            self.seller = make_member(session, "distributor", outlet_id)
            set_contract(session, make_member(session, "finance"), SHOP, "credit", 10**9, {})
            self.first = make_batch(session, 200, holder_id=outlet_id)
            placed = order_batches(session, db.settings, issuer, 5_000, 50, None)
            second = make_member(session, "issuer")
        approvals.agree(db, second, placed.approval_id, ACTIONS)
        open_batch(db, keys, issuer, placed.batch_ids[0])

    def connect(self, url: str) -> None:
        """Make the till's key, register it, and give it the API key."""
        made = self.terminal.json("till", "new-key", "--url", url, "--file", self.file)
        with self.db.write() as session:
            _, key = add_till(session, self.seller, SHOP, "T1", made["public_key"])
        self.terminal.json("till", "connect", "--file", self.file, stdin=key + "\n")

    def count(self, table: object) -> int:
        """How many rows a table has."""
        with self.db.read() as session:
            query = select(func.count()).select_from(table)  # type: ignore[arg-type]
            return int(session.execute(query).scalar_one())


@pytest.fixture
def shop(terminal: Terminal, db: Database, keys: Keys, scratch: Path) -> Shop:
    """A shop whose till has no key yet."""
    return Shop(terminal, db, keys, scratch)


def served(shop: Shop) -> AbstractContextManager[Served]:
    """Start the server of the shop's database."""
    return serving("serve", cwd=shop.directory, environment=variables(shop.db.settings))


def test_a_till_sells_by_face_serial_and_pack_and_prints_receipts(shop: Shop) -> None:
    with served(shop) as server:
        shop.connect(f"http://127.0.0.1:{server.port}")
        assert stat.S_IMODE(shop.file.stat().st_mode) == 0o600
        sold = shop.terminal("till", "sell", "--face", "50", "--file", shop.file)
        assert sold.code == 0, sold.err
        printed = re.search(r"密码 (\d{6} \d{6} \d{6})$", sold.out, re.MULTILINE)
        assert printed is not None
        remember([Pin(printed[1].replace(" ", ""))])
        assert (shop.count(till_sale), shop.count(sealed_pin)) == (1, 0)
        card = serial_text(shop.first)
        told = shop.terminal.json("till", "sell", "--serial", card, "--file", shop.file)
        assert (told["kind"], told["amount_fen"], told["first_serial"]) == ("card", 5_000, card)
        pack = serial_text(shop.first + 100)[:14]
        told = shop.terminal.json("till", "sell", "--pack", pack, "--file", shop.file)
        assert told["amount_fen"] == 500_000
        again = shop.terminal("till", "sell", "--serial", card, "--file", shop.file)
        assert (again.code, again.error) == (1, "wrong_stage")
        assert not list(shop.directory.glob("till.json.*"))


def test_a_sale_that_was_cut_off_is_finished_and_never_bought_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.till_http._FIRST_PAUSE_S", 0.001)
    with served(shop) as server:
        url = f"http://127.0.0.1:{server.port}"
        shop.connect(url)
        file = json.loads(shop.file.read_text())
        shop.file.write_text(json.dumps(file | {"url": "http://127.0.0.1:1"}))
        cut = shop.terminal("till", "sell", "--face", "50", "--file", shop.file)
        assert (cut.code, cut.error) == (3, "try_later")
        pending = json.loads((shop.directory / "till.json.pending").read_text())
        # As if the answer to it was lost on its way.
        headers = {
            "Authorization": f"Bearer {file['api_key']}",
            "Idempotency-Key": pending["key"],
        }
        status, sale = server.call("POST", "/api/v1/till/sales", pending["body"], headers)
        assert status == 201
        shop.file.write_text(json.dumps(file))
        done = shop.terminal.json("till", "sell", "--face", "50", "--file", shop.file)
        assert done["sale_id"] == sale["sale_id"]
        assert (shop.count(till_sale), shop.count(sealed_pin)) == (1, 0)
        remember(
            [
                Pin(found.replace(" ", ""))
                for found in re.findall(r"\d{6} \d{6} \d{6}", done["receipt_text"])
            ]
        )


def test_a_file_that_others_can_read_is_refused(shop: Shop) -> None:
    shop.terminal.json("till", "new-key", "--url", "http://x", "--file", shop.file)
    again = shop.terminal("till", "new-key", "--url", "http://x", "--file", shop.file)
    assert (again.code, again.error) == (2, "invalid_input")
    shop.file.chmod(0o644)
    refused = shop.terminal("till", "sell", "--face", "50", "--file", shop.file)
    assert (refused.code, refused.error) == (2, "configuration")
    assert "AGE-SECRET" not in refused.err
