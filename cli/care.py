"""`wanneng voucher prove`, `redeem-proven`, `replace`, `extend`, `reverse`, `reissue`."""

from contextlib import closing
from datetime import datetime

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.pending import show_pending
from cli.prompts import ask_secrets
from redemption.counter import request_proven_redemption
from redemption.reissue import request_reissue
from redemption.reversal import request_reversal
from vouchers.card_proof import prove_card
from vouchers.lookup import ArgonPool
from vouchers.readable import Readable
from vouchers.replacement import GROUNDS, extend, request_replacement

_SERIAL = "42251010007001008"
_NEW = "42251010007001016"
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_NEW_CARD = click.option("--new", required=True, help="Serial number of the card in stock.")


@command("prove", examples=[f"wanneng voucher prove {_SERIAL}"])
@click.argument("serial_number")
@pass_app
def prove(app: App, serial_number: str) -> None:
    """Prove a damaged card by its readable digits.

    Write ? where a digit cannot be read; at most 6 of the 18. Read without echo, or from stdin. A
    card has five tries for ever. The PIN is shown to nobody.
    """
    actor = app.actor
    (typed,) = ask_secrets("Readable digits")
    readable = Readable.parse(typed)
    with closing(ArgonPool(app.settings)) as argon:
        done = prove_card(app.db, app.keys, argon, actor, serial_number, readable)
    told = "the card is proven" if done.proven else "these digits are not the card's"
    app.out.result(
        {"proven": done.proven, "tries_left": done.tries_left},
        f"{told}; {done.tries_left} tries left",
    )


@command(
    "redeem-proven",
    examples=[f"wanneng voucher redeem-proven {_SERIAL} --account 4200001234 --reason 'torn'"],
)
@click.argument("serial_number")
@click.option("--account", required=True, help="Electricity account number of the holder.")
@_REASON
@pass_app
def redeem_proven(app: App, serial_number: str, account: str, reason: str) -> None:
    """Redeem a card that you proved (two persons)."""
    asked = request_proven_redemption(app.db, app.actor, serial_number, account, reason)
    show_pending(app, asked)


@command(
    "replace",
    examples=[
        f"wanneng voucher replace {_SERIAL} --new {_NEW} --ground lost --reason 'told by phone'"
    ],
)
@click.argument("serial_number")
@_NEW_CARD
@click.option("--ground", required=True, type=click.Choice(GROUNDS), help="What became of it.")
@_REASON
@pass_app
def replace(app: App, serial_number: str, new: str, ground: str, reason: str) -> None:
    """Replace an expired, damaged or lost card (two persons).

    A lost card must be on hold as lost, a damaged one proven by you.
    """
    show_pending(app, request_replacement(app.db, app.actor, serial_number, new, ground, reason))


@command(
    "extend", examples=[f"wanneng voucher extend {_SERIAL} --until 2029-12-31 --reason 'forgotten'"]
)
@click.argument("serial_number")
@click.option(
    "--until",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Its new last day, at most three years on.",
)
@_REASON
@pass_app
def extend_card(app: App, serial_number: str, until: datetime, reason: str) -> None:
    """Let an expired card be used until another day."""
    day = until.date()
    extend(app.db, app.actor, serial_number, day, reason)
    app.out.result(
        {"serial_number": serial_number, "expires_on": day}, f"{serial_number} is good until {day}"
    )


@command("reverse", examples=["wanneng voucher reverse 25061100000123 --reason 'wrong account'"])
@click.argument("receipt_number")
@_REASON
@pass_app
def reverse(app: App, receipt_number: str, reason: str) -> None:
    """Take a redemption back (two persons).

    The bills that it settled are open again, its value waits in suspense; the card stays used.
    """
    show_pending(app, request_reversal(app.db, app.actor, receipt_number, reason))


@command(
    "reissue", examples=[f"wanneng voucher reissue {_SERIAL} --new {_NEW} --reason 'paid twice'"]
)
@click.argument("serial_number")
@_NEW_CARD
@_REASON
@pass_app
def reissue(app: App, serial_number: str, new: str, reason: str) -> None:
    """Hand out a card for a reversed redemption (two persons)."""
    show_pending(app, request_reissue(app.db, app.actor, serial_number, new, reason))
