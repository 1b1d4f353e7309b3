"""What the decision needs to know: read in one transaction, in the order in which rows lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, select

from accounts.allocation import Bill
from accounts.balances import AccountRow, lock_accounts
from accounts.bills import frozen_days, open_bills, rates
from accounts.late_fee import RateTable
from core.clock import local_day
from core.db import Session, UtcDateTime
from core.sets import all_among, among, insert_new_rows
from core.settings import Settings
from redemption.prepare import Prepared
from redemption.requests import Budget, Code
from redemption.tables import attempt, caller, redemption, request
from redemption.throttle import CallerState, Limits, LockRule, on_day
from vouchers.card_facts import CardFacts, load_cards

PARTNER_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The settings that the rules look at."""

    zone: ZoneInfo
    limits: Limits
    late_fee_minimum_fen: int
    slow_seconds: int

    @classmethod
    def of(cls, settings: Settings) -> "RuleSettings":
        """Return what the settings ask for."""
        return cls(
            settings.zone,
            Limits.of(settings),
            settings.late_fee_minimum_fen,
            settings.slow_seconds,
        )


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The row of table `request`: which content got which answer (as JSON)."""

    digest: bytes
    key_version: int
    answer: str


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Who turned a card into money, when, for which account."""

    account_number: str
    caller: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything `decide` may look at."""

    now: datetime
    rules: RuleSettings
    callers: Mapping[str, CallerState]
    answers: Mapping[tuple[str, str, str], StoredAnswer]
    cards: Mapping[int, CardFacts]
    accounts: Mapping[str, AccountRow]
    redeemed: Mapping[int, Redeemed]
    bills: Mapping[str, Sequence[Bill]]
    frozen_days: Mapping[str, date]
    rates: RateTable
    wrong_this_hour: Mapping[tuple[str, str], int]

    @property
    def today(self) -> date:
        """The local day of the decision."""
        return local_day(self.now, self.rules.zone)


def load(session: Session, requests: Sequence[Prepared], rules: RuleSettings) -> Facts:
    """Lock and read all facts about the requests.

    Locks callers, then lots (shared), then accounts, each sorted; only then looks at holds,
    redemptions and bills, so that what it sees cannot change before the commit. Raises LotMoved
    where a lot was split or merged meanwhile.
    """
    callers = _lock_callers(session, requests, rules.zone)
    answers = _stored_answers(session, requests)
    cards = load_cards(session, sorted({r.serial for r in requests if r.serial is not None}))
    numbers = sorted({r.request.account_number for r in requests if r.request.account_number})
    accounts = lock_accounts(session, numbers)
    bills = open_bills(session, numbers)
    return Facts(
        now=session.now,
        rules=rules,
        callers=callers,
        answers=answers,
        cards=cards,
        accounts=accounts,
        redeemed=_redeemed(session, sorted(cards)),
        bills=bills,
        frozen_days=frozen_days(session, bills, session.now),
        rates=rates(session) if bills else {},
        wrong_this_hour=_wrong_this_hour(session, requests),
    )


_LOCK_CALLERS = (
    select(caller)
    .where(among(caller.c.identity, "identities"))
    .order_by(caller.c.identity)
    .with_for_update()
)
_STORED_ANSWERS = select(
    request.c.channel,
    request.c.sender,
    request.c.key,
    request.c.digest,
    request.c.key_version,
    request.c.answer,
).where(
    all_among({"channels": request.c.channel, "senders": request.c.sender, "keys": request.c.key})
)
_REDEEMED = select(
    redemption.c.serial, redemption.c.account_number, redemption.c.caller, redemption.c.at
).where(among(redemption.c.serial, "serials"))
_WRONG_SINCE = (
    select(attempt.c.channel, attempt.c.sender, func.count().label("wrong"))
    .where(
        all_among({"channels": attempt.c.channel, "senders": attempt.c.sender}),
        attempt.c.at > bindparam("since", type_=UtcDateTime),
        attempt.c.code == Code.PIN_UNKNOWN,
    )
    .group_by(attempt.c.channel, attempt.c.sender)
)


def _lock_callers(
    session: Session, requests: Sequence[Prepared], zone: ZoneInfo
) -> dict[str, CallerState]:
    identities = sorted(
        {r.request.caller.identity for r in requests if r.request.caller.budget != Budget.NONE}
    )
    if not identities:
        return {}
    today = local_day(session.now, zone)
    found = _select_callers(session, identities)
    missing = [identity for identity in identities if identity not in found]
    if missing:
        fresh = {"day": today, "wrong_today": 0, "malformed_today": 0, "wrong_in_row": 0}
        insert_new_rows(session, caller, [{"identity": i, **fresh} for i in missing])
        found = _select_callers(session, identities)
    return {identity: on_day(state, session.now, zone) for identity, state in found.items()}


def _select_callers(session: Session, identities: Sequence[str]) -> dict[str, CallerState]:
    rows = session.execute(_LOCK_CALLERS, {"identities": identities})
    return {row.identity: caller_state(row) for row in rows}


def caller_state(row: Row[Any]) -> CallerState:
    """Return a row of table `caller` as the rules see it."""
    return CallerState(
        identity=row.identity,
        day=row.day,
        wrong_today=row.wrong_today,
        malformed_today=row.malformed_today,
        wrong_in_row=row.wrong_in_row,
        locked_rule=None if row.locked_rule is None else LockRule(row.locked_rule),
        locked_until=row.locked_until,
        last_lock_at=row.last_lock_at,
    )


def _stored_answers(
    session: Session, requests: Iterable[Prepared]
) -> dict[tuple[str, str, str], StoredAnswer]:
    references = sorted({r.request.reference for r in requests})
    channels, senders, keys = map(list, zip(*references, strict=True))
    rows = session.execute(
        _STORED_ANSWERS, {"channels": channels, "senders": senders, "keys": keys}
    )
    return {
        (row.channel, row.sender, row.key): StoredAnswer(row.digest, row.key_version, row.answer)
        for row in rows
    }


def _redeemed(session: Session, serials: Sequence[int]) -> dict[int, Redeemed]:
    if not serials:
        return {}
    rows = session.execute(_REDEEMED, {"serials": serials})
    return {row.serial: Redeemed(row.account_number, row.caller, row.at) for row in rows}


def _wrong_this_hour(session: Session, requests: Sequence[Prepared]) -> dict[tuple[str, str], int]:
    senders = sorted(
        {
            (r.request.channel, r.request.sender)
            for r in requests
            if r.request.sender_wrong_per_hour is not None
        }
    )
    if not senders:
        return {}
    channels, names = map(list, zip(*senders, strict=True))
    rows = session.execute(
        _WRONG_SINCE,
        {"channels": channels, "senders": names, "since": session.now - PARTNER_WINDOW},
    )
    return {(row.channel, row.sender): row.wrong for row in rows}
