"""`wanneng till new-key`, `connect` and `sell`: a till for reference, which speaks HTTP only.

What is asked for is written down before it is sent. So a till that dies, or hears nothing, asks for
the same sale again when it comes back, and never buys a second card.
"""

import base64
import secrets
from pathlib import Path
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import YUAN
from cli.prompts import ask_secrets
from cli.till_file import (
    Pending,
    TillFile,
    forget_pending,
    keep_pending,
    read_pending,
    read_till,
    write_till,
)
from cli.till_http import call
from core.errors import InvalidInput

_FILE = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("till.json"),
    show_default=True,
    help="The till's own file, mode 0600.",
)


@command("new-key", examples=["wanneng till new-key --url https://cards.example.com"])
@click.option("--url", required=True, help="Where the server is.")
@_FILE
@pass_app
def new_key(app: App, url: str, path: Path) -> None:
    """Make this till's own key; shows the public one.

    The secret key never leaves the file. Give the public one to `wanneng till add`, and the API key
    that it shows to `wanneng till connect`.
    """
    from pyrage import x25519

    if not url.startswith(("https://", "http://")):
        raise InvalidInput("the address begins with https:// or http://")
    identity = x25519.Identity.generate()
    write_till(path, TillFile(url=url.rstrip("/"), secret_key=str(identity)))
    public_key = str(identity.to_public())
    app.out.result({"file": str(path), "public_key": public_key}, public_key)


@command("connect", examples=["wanneng till connect < api-key.txt"])
@_FILE
@pass_app
def connect(app: App, path: Path) -> None:
    """Keep the API key that the outlet was shown.

    Asked for without echo, or read from stdin.
    """
    (key,) = ask_secrets("API key")
    file = read_till(path)
    file.api_key = key.strip()
    write_till(path, file, replace=True)
    app.out.result({"file": str(path)}, f"{path} is complete")


@command(
    "sell",
    examples=[
        "wanneng till sell --serial 42251010007001008",
        "wanneng till sell --pack 42251010007001",
        "wanneng till sell --face 50",
    ],
)
@click.option("--serial", help="A card from the shelf: its 17 digits.")
@click.option("--pack", help="A pack from the shelf: the 14 digits of its label.")
@click.option("--face", type=YUAN, help="An electronic card of so many yuan.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@_FILE
@pass_app
def sell(
    app: App, serial: str | None, pack: str | None, face: int | None, language: str, path: Path
) -> None:
    """Sell, print the receipt, and confirm it.

    A sale that was cut off before is finished first, whatever is asked for now: its receipt comes
    out, and the new sale must be asked for again.
    """
    file = read_till(path)
    pending = read_pending(path)
    if pending is not None:
        app.out.note("finishing the sale that was cut off; ask for the new one again after it")
    else:
        body = _body(serial=serial, pack=pack, face_fen=face, language=language)
        pending = Pending(key=secrets.token_hex(16), body=body)
        keep_pending(path, pending)
    sale = call(file, "POST", "/api/v1/till/sales", pending.body, pending.key, path)
    receipt = _receipt(file, sale)
    app.out.result(_plain(sale) | {"receipt_text": receipt}, receipt)
    if sale["pin"] is not None and sale["pin"]["state"] == "sealed":
        call(file, "POST", f"/api/v1/till/sales/{sale['sale_id']}/confirm", None, None, path)
    forget_pending(path)


def _body(**named: Any) -> dict[str, Any]:
    body = {name: value for name, value in named.items() if value is not None}
    if "serial" in body:
        body["serial_number"] = body.pop("serial")
    if len(body) != 2:  # one thing, and the language
        raise click.UsageError("say one of --serial, --pack, --face")
    return body


def _receipt(file: TillFile, sale: dict[str, Any]) -> str:
    from distribution.sealed_pins import open_pin
    from distribution.till_receipt import PIN_PLACE
    from vouchers.pins import grouped

    text = str(sale["receipt_text"])
    if sale["pin"] is None or sale["pin"]["state"] != "sealed":
        return text.replace(PIN_PLACE, "******")
    opened = open_pin(base64.b64decode(sale["pin"]["ciphertext"]), file.secret_key)
    if opened.serial_number != sale["first_serial"]:
        raise InvalidInput("the server sent the PIN of another card; call the company")
    return text.replace(PIN_PLACE, grouped(opened.pin))


def _plain(sale: dict[str, Any]) -> dict[str, Any]:
    return {name: sale[name] for name in ("sale_id", "kind", "first_serial", "amount_fen")}
