"""Doing what the phone menu wants done, and telling it what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from redis import RedisError
from sqlalchemy.exc import OperationalError

from accounts.balances import AccountUnknown
from accounts.bills import tell_arrears
from accounts.lookup import account_view
from core.db import Session
from core.errors import NotFound, TryLater
from redemption.dialogue import callers
from redemption.dialogue.codes import enter_code, send_code
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.phones import Phone
from redemption.dialogue.state import (
    AccountFound,
    AccountMissing,
    CardAnswered,
    CardStatus,
    CheckCard,
    CheckSerial,
    CodeRefused,
    Effect,
    EnterCode,
    FindAccount,
    Pending,
    RecentRecharges,
    Recharge,
    Recharged,
    Redeem,
    RememberLanguage,
    Result,
    SendCode,
    Unavailable,
)
from redemption.dialogue.words import known_language
from redemption.requests import Purpose, RedeemRequest, caller_of_phone, caller_withheld
from vouchers.queries import voucher_view

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """Who calls over which gateway, and the key of this turn's request; `phone` None: withheld.

    `channel` is the engine's name of how he calls.
    """

    deps: DialogueDeps
    gateway: str
    phone: Phone | None
    key: str
    language: str
    channel: str = "ivr"

    @property
    def request_key(self) -> str:
        """What tells this turn apart from everything else that is asked."""
        return f"{self.channel}:{self.gateway}:{self.key}"


def perform(line: Line, effect: Effect) -> Result | None:
    """Carry out one effect; None where nothing comes back.

    The same effect under the same key again has no second effect. An outage is Unavailable.
    """
    try:
        return _PERFORMERS[type(effect)](line, effect)
    except (OperationalError, RedisError, TryLater, TimeoutError) as error:
        _log.warning("call_effect_failed", error=type(error).__name__)
        return None if isinstance(effect, RememberLanguage) else Unavailable()


def check_card(line: Line, effect: CheckCard) -> CardAnswered:
    """Look a card up: the try of this turn."""
    request = _request(line, pin=effect.pin, purpose=Purpose.CHECK)
    return CardAnswered(line.deps.redeem(request).answer)


def _redeem(line: Line, effect: Redeem | Recharge) -> CardAnswered | Pending | Unavailable:
    texted = line.phone if line.phone is not None and line.phone.takes_texts else None
    request = _request(
        line,
        serial=effect.serial if isinstance(effect, Redeem) else None,
        pin=effect.pin if isinstance(effect, Recharge) else None,
        account_number=effect.account_number,
        notify=None if texted is None else texted.number,
    )
    try:
        outcome = line.deps.redeem(request)
    except TimeoutError:
        return Pending()
    if outcome.is_unknown:
        return Unavailable(may_be_done=True)
    return CardAnswered(outcome.answer)


def _request(line: Line, **what: Any) -> RedeemRequest:
    withheld = caller_withheld(line.gateway)
    return RedeemRequest(
        channel=line.channel,
        sender=line.gateway,
        key=line.key,
        caller=withheld if line.phone is None else caller_of_phone(line.phone.number),
        language=line.language,
        **what,
    )


def _remember_language(line: Line, effect: RememberLanguage) -> None:
    if line.phone is None:
        return
    phone, language = line.phone, known_language(effect.language)
    line.deps.db.transact(lambda session: callers.choose_language(session, phone, language))


def _find_account(line: Line, effect: FindAccount) -> AccountFound | AccountMissing:
    settings = line.deps.db.settings

    def find(session: Session) -> AccountFound:
        number = effect.account_number
        owed = tell_arrears(session, settings, number)
        view = account_view(session, settings, number)
        return AccountFound(
            number,
            view.masked_name,
            owed.total_fen,
            owed.fee_fen,
            view.balance_fen,
            is_open=view.state == "open",
        )

    try:
        return line.deps.db.transact(find)
    except AccountUnknown:
        return AccountMissing()


def _recent_recharges(line: Line, effect: RecentRecharges) -> Recharged:
    with line.deps.db.read() as session:
        recharges = callers.recent_recharges(session, effect.account_number)
    return Recharged(effect.account_number, recharges)


def _check_serial(line: Line, effect: CheckSerial) -> CardStatus:
    try:
        with line.deps.db.read() as session:
            view = voucher_view(session, effect.serial, session.today)
    except NotFound:
        return CardStatus(None)
    return CardStatus(view.status, view.face_fen)


def _send_code(line: Line, effect: SendCode) -> Result:
    if line.phone is None:
        return CodeRefused("withheld")
    try:
        return send_code(line.deps, line.phone, effect.account_number, line.request_key)
    except AccountUnknown:
        return AccountMissing()


def _enter_code(line: Line, effect: EnterCode) -> Result:
    if line.phone is None:
        return CodeRefused("withheld")
    return enter_code(line.deps, line.phone, effect.code, line.request_key)


_PERFORMERS: dict[type, Callable[[Line, Any], Result | None]] = {
    RememberLanguage: _remember_language,
    FindAccount: _find_account,
    CheckCard: check_card,
    Redeem: _redeem,
    Recharge: _redeem,
    RecentRecharges: _recent_recharges,
    CheckSerial: _check_serial,
    SendCode: _send_code,
    EnterCode: _enter_code,
}
