"""`wanneng redeem`: a card into an electricity account, at a counter."""

import re
import unicodedata
import uuid
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.failures import LATER, REFUSED, end
from cli.output import facts, when
from cli.prompts import ask, ask_secrets
from core.errors import InvalidInput
from core.money import format_yuan
from redemption.dialogue.words import Place, outcome_text
from redemption.engine import Redeemer
from redemption.requests import Answer, Caller, Code, Outcome, RedeemRequest
from staff.permissions import Permission, require
from vouchers.lookup import ArgonPool
from vouchers.pins import Pin, PinMalformed

CHANNEL = "staff"
"""The channel of signed-in members, as in the API; their keys are one series."""


@command(
    "redeem",
    examples=[
        "wanneng redeem --account 4200001234",
        "wanneng redeem --account 4200001234 --key counter3-000123 < pin.txt",
    ],
)
@click.option("--account", help="Electricity account number; asked for if missing.")
@click.option("--key", help="Your reference of this request; the same again has one effect.")
@pass_app
def redeem(app: App, account: str | None, key: str | None) -> None:
    """Redeem a card into an electricity account.

    The PIN is read from the terminal without echo, or from stdin; never from the command line.
    Wrong PINs count on you. The receipt is shown in Chinese and English. After `try_later` send
    the same again with the --key it shows.
    """
    actor = app.actor
    require(actor, Permission.REDEEM)
    number = ask("Account number", account)
    (typed,) = ask_secrets("PIN")
    pin = read_pin(typed)
    if pin is not None and pin.digits in re.sub("[^0-9]", "", key or ""):
        raise InvalidInput("the key must not hold the PIN: it is stored in the clear")
    request = RedeemRequest(
        channel=CHANNEL,
        sender=actor.username,
        key=key or str(uuid.uuid4()),
        caller=Caller(f"staff:{actor.username}"),
        account_number=number,
        pin=pin,
    )
    outcome = _redeem(app, request)
    _show(app, request, outcome)
    if outcome.answer.code is not Code.REDEEMED:
        later = outcome.answer.code is Code.TRY_LATER
        end(LATER if later else REFUSED)


def read_pin(typed: str) -> Pin | None:
    """Return the PIN as printed or typed, with blanks or hyphens; None for what cannot be one."""
    plain = unicodedata.normalize("NFKC", typed)
    try:
        return Pin.parse("".join(sign for sign in plain if sign not in " -\t\r\n"))
    except PinMalformed:
        return None


def _redeem(app: App, request: RedeemRequest) -> Outcome:
    argon = ArgonPool(app.settings)
    try:
        return Redeemer(app.db, app.keys, argon).redeem([request])[0]
    finally:
        argon.close()


def _show(app: App, request: RedeemRequest, outcome: Outcome) -> None:
    answer = outcome.answer
    place = Place.of(app.settings, app.db.clock())
    texts = {language: outcome_text(outcome, language, place) for language in ("zh", "en")}
    data = _plain(answer) | {"key": request.key, "replayed": outcome.replayed, "texts": texts}
    if answer.code is Code.REDEEMED:
        app.out.result(data, *texts.values(), facts(_receipt(app, answer)))
        return
    app.out.result(data)
    if not app.out.as_json:
        app.out.note(f"error {answer.code}: {texts['en']}\n{texts['zh']}")
    if answer.code is Code.TRY_LATER:
        app.out.note(f"send it again with --key {request.key}")


def _receipt(app: App, answer: Answer) -> dict[str, object]:
    return {
        "receipt number": answer.receipt_number,
        "serial number": answer.serial,
        "account": f"..{answer.account_tail}",
        "amount yuan": format_yuan(answer.face_fen or 0),
        "arrears paid yuan": format_yuan(answer.arrears_paid_fen or 0),
        "late fee in it yuan": format_yuan(answer.late_fee_fen or 0),
        "balance yuan": format_yuan(answer.balance_fen or 0),
        "at": when(answer.at, app.settings.zone),
    }


def _plain(answer: Answer) -> dict[str, Any]:
    return {
        "code": answer.code.value,
        "receipt_number": answer.receipt_number,
        "serial_number": answer.serial,
        "amount_fen": answer.face_fen,
        "account_tail": answer.account_tail,
        "arrears_paid_fen": answer.arrears_paid_fen,
        "late_fee_fen": answer.late_fee_fen,
        "balance_fen": answer.balance_fen,
        "waits_for_bank": answer.waits_for_bank,
        "at": answer.at,
        "used_by_you": answer.used_by_you,
        "tries_left": answer.tries_left,
        "lock_rule": answer.lock_rule,
        "locked_until": answer.locked_until,
    }
