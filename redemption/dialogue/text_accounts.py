"""Replies to texts about accounts: balance, arrears, history, and whose account it is."""

from accounts.balances import AccountUnknown, read_account
from accounts.bills import tell_arrears
from core.money import format_yuan
from redemption.dialogue import callers
from redemption.dialogue.codes import enter_code, send_code
from redemption.dialogue.state import Bound, CodeRefused, CodeWrong
from redemption.dialogue.texter import Texter, TextReply
from redemption.dialogue.words import history_text


def balance(texter: Texter, number: str | None) -> TextReply:
    """Tell balance and arrears of an account that is registered for the sender."""
    own = texter.own_accounts()
    if not own:
        return texter.reply("none_bound")
    if number is not None and number not in own:
        return texter.reply("not_bound")
    number = number or own[0]
    owed = _tell_arrears(texter, number)
    with texter.deps.db.read() as session:
        balance_fen = read_account(session, number).balance_fen
    facts = {**owed, "tail": number[-4:], "balance": format_yuan(balance_fen)}
    return texter.reply(_owed_wordings("balance", owed), **facts)


def arrears(texter: Texter, number: str | None) -> TextReply:
    """Tell the arrears of any account; the late fee told is frozen for a while."""
    number = number or texter.own_account()
    if number is None:
        return texter.reply("arrears_account_missing")
    try:
        owed = _tell_arrears(texter, number)
    except AccountUnknown:
        return texter.reply("account_not_found")
    return texter.reply(_owed_wordings("arrears", owed), tail=number[-4:], **owed)


def _tell_arrears(texter: Texter, number: str) -> dict[str, str]:
    db = texter.deps.db
    owed = db.transact(lambda session: tell_arrears(session, db.settings, number))
    return {"arrears": format_yuan(owed.total_fen), "late_fee": format_yuan(owed.fee_fen)}


def _owed_wordings(subject: str, owed: dict[str, str]) -> list[str]:
    if owed["arrears"] == format_yuan(0):
        return [f"{subject}_clear"]
    short = f"{subject}_short"
    return [short] if owed["late_fee"] == format_yuan(0) else [subject, short]


def bind(texter: Texter, number: str | None) -> TextReply:
    """Text a code to the phone on the account's file."""
    if number is None:
        return texter.reply("bind_account_missing")
    try:
        sent = send_code(texter.deps, texter.phone, number, texter.key)
    except AccountUnknown:
        return texter.reply("account_not_found")
    return texter.reply(sent.reason if isinstance(sent, CodeRefused) else "code_sent")


def bind_code(texter: Texter, code: str) -> TextReply:
    """Register the account that a code was texted for."""
    match enter_code(texter.deps, texter.phone, code, texter.key):
        case Bound(number):
            return texter.reply("bound", tail=number[-4:])
        case CodeWrong(tries) if tries > 0:
            wrong = "code_wrong_last" if tries == 1 else "code_wrong"
            return texter.reply(wrong, tries=str(tries))
        case _:
            return texter.reply("code_gone")


def unbind(texter: Texter, number: str | None) -> TextReply:
    """Forget one registered account, or all."""
    own = texter.own_accounts()
    gone = own if number is None else [number]
    if not own:
        return texter.reply("none_bound")
    if number is not None and number not in own:
        return texter.reply("not_bound")
    texter.deps.db.transact(lambda session: callers.unbind(session, texter.phone, gone))
    if number is None and len(own) > 1:
        return texter.reply("unbound_all")
    return texter.reply("unbound", tail=gone[0][-4:])


def history(texter: Texter) -> TextReply:
    """Tell the latest recharges of the account registered last."""
    own = texter.own_accounts()
    if not own:
        return texter.reply("none_bound")
    with texter.deps.db.read() as session:
        recharges = callers.recent_recharges(session, own[0])
    entries = [(texter.place.time_text(at), face_fen) for at, face_fen in recharges]
    return TextReply(history_text(own[0][-4:], entries, texter.language), texter.language)
