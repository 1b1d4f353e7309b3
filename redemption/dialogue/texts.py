"""One text message in, one reply out."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from redis import RedisError
from sqlalchemy.exc import OperationalError

from core.clock import local_day
from core.errors import NotFound, TryLater
from core.money import format_yuan
from core.settings import Settings
from core.text import clean
from redemption.dialogue import callers, replies, slots, text_accounts
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.grammar import (
    Arrears,
    BadAccount,
    Balance,
    Bind,
    BindCode,
    CardCheck,
    Command,
    Help,
    History,
    Language,
    TopUp,
    Unbind,
    Unclear,
    parse_text,
)
from redemption.dialogue.loops import is_ours
from redemption.dialogue.phones import Phone, parse_phone
from redemption.dialogue.texter import CHANNEL, Texter, TextReply
from redemption.dialogue.words import FAULT, Place, known_language, message, sms_text
from redemption.requests import Code, RedeemRequest, caller_of_phone
from vouchers.queries import voucher_view

LONGEST_ID = 128
_DAY_S = 86_400

_log = structlog.get_logger(__name__)


def answer_text(
    deps: DialogueDeps,
    gateway: str,
    sender_phone: str,
    text: str,
    message_id: str,
    sent_to: Sequence[str] = (),
) -> TextReply:
    """Carry out one text message; the same message id of the gateway again has no second effect.

    Short, alphanumeric and withheld senders get no reply, nor do our own numbers and those it was
    sent to. An outage is told as such, and nothing happened. Raises InvalidInput for a message id
    that cannot be kept.
    """
    message_id = clean(message_id, "the message id", LONGEST_ID)
    phone = _subscriber(deps.db.settings, sender_phone, sent_to)
    if phone is None:
        return TextReply("", code="no_subscriber")
    place = Place.of(deps.db.settings, deps.db.clock())
    language = phone.language
    try:
        with deps.db.read() as session:
            language = callers.language_of(session, phone)
        texter = Texter(deps, gateway, message_id, phone, language, place)
        return _once(texter, parse_text(text, deps.db.settings.account_lengths))
    except (OperationalError, RedisError, TryLater) as error:
        _log.warning("text_not_answered", error=type(error).__name__)
        return Texter(deps, gateway, message_id, phone, language, place).reply("try_later")


def fault_text(settings: Settings) -> str:
    """Return the reply where nobody knows what became of a message; its sender speaks Chinese."""
    return message(FAULT, "zh", {"hotline": settings.hotline})


def pending_text(
    settings: Settings, sender_phone: str, text: str, sent_to: Sequence[str] = ()
) -> str:
    """Return the reply to a text that is being carried out still: empty where it brings no card.

    In the language of the sender's country, since the one he chose stands in the database.
    """
    phone = _subscriber(settings, sender_phone, sent_to)
    if phone is None or not isinstance(parse_text(text, settings.account_lengths), TopUp):
        return ""
    return message("pending", phone.language, {})


def _subscriber(settings: Settings, sender_phone: str, sent_to: Sequence[str]) -> Phone | None:
    phone = parse_phone(sender_phone)
    return None if phone is None or is_ours(phone, (*settings.numbers, *sent_to)) else phone


def _once(texter: Texter, command: Command) -> TextReply:
    """Give a message that is delivered again the reply it had.

    For cards the engine sees to it; but what a locked caller sends costs it no row, and so it would
    be a real try when the message comes again behind the lock's end.
    """
    answer = _ANSWERS[type(command)]
    is_kept = _is_locked if isinstance(command, TopUp) else _always
    return replies.once(
        texter.deps.redis, texter.key, TextReply, lambda: answer(texter, command), is_kept
    )


def _is_locked(reply: TextReply) -> bool:
    return reply.code == Code.CALLER_LOCKED.value


def _always(_reply: TextReply) -> bool:
    return True


def _top_up(texter: Texter, command: TopUp) -> TextReply:
    is_own = command.account_number is None
    request = RedeemRequest(
        channel=CHANNEL,
        sender=texter.gateway,
        key=texter.message_id,
        caller=caller_of_phone(texter.phone.number),
        account_number=texter.own_account() if is_own else command.account_number,
        is_own_account=is_own,
        pin=command.pin,
        serial=command.serial,
        language=texter.language,
    )
    outcome = texter.deps.redeem(request)
    if outcome.is_unknown:
        return texter.reply(FAULT)
    answer = outcome.answer
    if is_own and answer.code is Code.ACCOUNT_UNKNOWN:
        return texter.reply("account_missing")
    words = sms_text(answer, texter.language, texter.place)
    return TextReply(words, texter.language, answer.code.value)


def _card(texter: Texter, serial: int | None) -> TextReply:
    if serial is None:
        return texter.reply("serial_malformed")
    try:
        with texter.deps.db.read() as session:
            view = voucher_view(session, serial, session.today)
    except NotFound:
        return texter.reply("card_unknown")
    return texter.reply(f"card_{view.status}", face=format_yuan(view.face_fen))


def _language(texter: Texter, language: str | None) -> TextReply:
    if language is None:
        return texter.reply("language_unclear")
    chosen = known_language(language)
    texter.deps.db.transact(lambda session: callers.choose_language(session, texter.phone, chosen))
    text = message("language_set", chosen, {})
    return TextReply(text, chosen, "language_set")


def _bad_account(texter: Texter) -> TextReply:
    lengths = "/".join(str(n) for n in sorted(texter.deps.db.settings.account_lengths))
    return texter.reply("account_malformed", lengths=lengths)


def _unclear(texter: Texter) -> TextReply:
    """Help, but not for ever: the other side may be a machine that answers everything."""
    settings = texter.deps.db.settings
    day = local_day(texter.deps.db.clock(), settings.zone)
    key = f"wanneng:unclear:{texter.phone.number}:{day}"
    try:
        times = slots.count(texter.deps.redis, key, _DAY_S)
    except RedisError as error:
        _log.warning("texts_not_counted", error=type(error).__name__)
        times = 0
    if times > settings.malformed_per_day:
        return TextReply("", texter.language, "silent")
    return texter.reply("unclear")


_ANSWERS: dict[type, Callable[[Texter, Any], TextReply]] = {
    TopUp: _top_up,
    Balance: lambda texter, command: text_accounts.balance(texter, command.account_number),
    Arrears: lambda texter, command: text_accounts.arrears(texter, command.account_number),
    Bind: lambda texter, command: text_accounts.bind(texter, command.account_number),
    BindCode: lambda texter, command: text_accounts.bind_code(texter, command.code),
    Unbind: lambda texter, command: text_accounts.unbind(texter, command.account_number),
    History: lambda texter, _: text_accounts.history(texter),
    CardCheck: lambda texter, command: _card(texter, command.serial),
    Language: lambda texter, command: _language(texter, command.language),
    BadAccount: lambda texter, _: _bad_account(texter),
    Help: lambda texter, _: texter.reply("help"),
    Unclear: lambda texter, _: _unclear(texter),
}
