"""What the decision needs to know: read in one transaction, in the order in which rows lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import and_, bindparam, func, select, true

from accounts.allocation import Bill
from accounts.balances import AccountRow, ask_for_accounts, well_formed
from accounts.bills import ask_for_frozen_days, ask_for_open_bills, ask_for_rates, rate_table
from accounts.late_fee import RateTable
from core.clock import local_day
from core.db import Session, UtcDateTime
from core.lookup_settings import set_for_lookups
from core.sets import among, rows_of
from core.settings import Settings
from core.trips import Asked, answered, ask, one_trip
from redemption.prepare import Prepared
from redemption.requests import Budget, Code
from redemption.tables import attempt, caller, redemption, request
from redemption.throttle import CallerState, Limits, LockRule, on_day
from vouchers.card_facts import CardFacts, ask_for_cards

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


class StoredAnswer(Struct, frozen=True, gc=False):
    """The row of table `request`: which content got which answer (as JSON)."""

    digest: bytes
    key_version: int
    answer: str


class Redeemed(Struct, frozen=True, gc=False):
    """Who turned a card into money, when, for which account."""

    account_number: str
    caller: str
    at: datetime


class Facts(Struct, frozen=True, kw_only=True):
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


def load(
    session: Session,
    requests: Sequence[Prepared],
    rules: RuleSettings,
    lock_timeout_ms: int | None = None,
) -> Facts:
    """Lock and read all facts about the requests, in one trip.

    Locks callers, then lots (shared), then accounts, each sorted; only then looks at holds,
    redemptions and bills, so that what it sees cannot change before the commit. Waits for a lock
    as long as the connection may, or for `lock_timeout_ms`. The transaction is set for lookups from
    then on. Raises LotMoved where a lot was split or merged meanwhile.
    """
    serials = sorted({r.serial for r in requests if r.serial is not None})
    numbers = well_formed(r.request.account_number for r in requests if r.request.account_number)
    with one_trip(session):
        set_for_lookups(session, lock_timeout_ms)
        callers = _lock_callers(session, requests)
        answers = _stored_answers(session, requests)
        cards = ask_for_cards(session, serials, known={r.found.serial for r in requests if r.found})
        accounts = ask_for_accounts(session, numbers)
        redeemed = _redeemed(session, serials)
        bills = ask_for_open_bills(session, numbers)
        frozen = ask_for_frozen_days(session, numbers, session.now)
        rates = ask_for_rates(session)
        wrong = _wrong_this_hour(session, requests)
    return Facts(
        now=session.now,
        rules=rules,
        callers=callers.value,
        answers=answers.value,
        cards=cards.facts(),
        accounts=accounts.value,
        redeemed=redeemed.value,
        bills=bills.value,
        frozen_days=frozen.value,
        rates=rate_table(rates.value) if bills.value else {},
        wrong_this_hour=wrong.value,
    )


_LOCK_CALLERS = (
    select(caller)
    .where(among(caller.c.identity, "identities"))
    .order_by(caller.c.identity)
    .with_for_update()
)
_REFERENCES = rows_of(
    {"of_channel": request.c.channel, "of_sender": request.c.sender, "of_key": request.c.key}
)
_IS_REFERENCE = and_(
    request.c.channel == _REFERENCES.c.of_channel,
    request.c.sender == _REFERENCES.c.of_sender,
    request.c.key == _REFERENCES.c.of_key,
)
_ANSWER = select(
    request.c.channel,
    request.c.sender,
    request.c.key,
    request.c.digest,
    request.c.key_version,
    request.c.answer,
)
_STORED_ANSWERS = _ANSWER.select_from(_REFERENCES.join(request, _IS_REFERENCE))
# The limit, though there is no second row, keeps PostgreSQL from making a join of it, which could
# as well go the other way round: through all answers ever given (decision 0026).
_SOUGHT = _ANSWER.where(_IS_REFERENCE).limit(1).lateral()
_STORED_ANSWERS_SOUGHT = select(_SOUGHT).select_from(_REFERENCES.join(_SOUGHT, true()))
"""For PostgreSQL; SQLite has no LATERAL, and goes from the references to their rows by itself."""
_REDEEMED = select(
    redemption.c.serial, redemption.c.account_number, redemption.c.caller, redemption.c.at
).where(among(redemption.c.serial, "serials"))
_SENDERS = rows_of({"of_channel": attempt.c.channel, "of_sender": attempt.c.sender})
_WRONG_SINCE = select(
    _SENDERS.c.of_channel.label("channel"),
    _SENDERS.c.of_sender.label("sender"),
    select(func.count())
    .where(
        attempt.c.channel == _SENDERS.c.of_channel,
        attempt.c.sender == _SENDERS.c.of_sender,
        attempt.c.at > bindparam("since", type_=UtcDateTime),
        attempt.c.code == Code.PIN_UNKNOWN,
    )
    .scalar_subquery()
    .label("wrong"),
)


def _lock_callers(session: Session, requests: Sequence[Prepared]) -> Asked[dict[str, CallerState]]:
    counted = [r for r in requests if r.request.caller.budget != Budget.NONE]
    if not counted:
        return answered({})
    # Most have no row, and get one when something is first counted; two who count at once both
    # insert it, and one begins again.
    identities = sorted({r.request.caller.identity for r in counted})
    today = session.today
    fresh = {name: CallerState(name, today, is_new=True) for name in identities}

    def of_today(rows: Sequence[Any]) -> dict[str, CallerState]:
        states = (on_day(caller_state(row), session.now, session.zone) for row in rows)
        return fresh | {state.identity: state for state in states}

    return ask(session, _LOCK_CALLERS, {"identities": identities}, of_today)


def caller_state(row: Any) -> CallerState:
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
) -> Asked[dict[tuple[str, str, str], StoredAnswer]]:
    # In the order of the keys, by which the index begins.
    references = sorted({r.request.reference for r in requests}, key=itemgetter(2))
    channels, senders, keys = map(list, zip(*references, strict=True))
    return ask(
        session,
        _STORED_ANSWERS if session.is_sqlite else _STORED_ANSWERS_SOUGHT,
        {"of_channel": channels, "of_sender": senders, "of_key": keys},
        lambda rows: {
            (row.channel, row.sender, row.key): StoredAnswer(
                row.digest, row.key_version, row.answer
            )
            for row in rows
        },
    )


def _redeemed(session: Session, serials: Sequence[int]) -> Asked[dict[int, Redeemed]]:
    if not serials:
        return answered({})
    return ask(
        session,
        _REDEEMED,
        {"serials": serials},
        lambda rows: {r.serial: Redeemed(r.account_number, r.caller, r.at) for r in rows},
    )


def _wrong_this_hour(
    session: Session, requests: Sequence[Prepared]
) -> Asked[dict[tuple[str, str], int]]:
    senders = sorted(
        {
            (r.request.channel, r.request.sender)
            for r in requests
            if r.request.sender_wrong_per_hour is not None
        }
    )
    if not senders:
        return answered({})
    channels, names = map(list, zip(*senders, strict=True))
    return ask(
        session,
        _WRONG_SINCE,
        {"of_channel": channels, "of_sender": names, "since": session.now - PARTNER_WINDOW},
        lambda rows: {(row.channel, row.sender): row.wrong for row in rows},
    )
